"""A transform graph as a picture and tables: columns, what the analyzers found, features."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.viz import Column, DagNode, Markup, Section, code, dag, details, join, note, number, page, table, tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.schema import FeatureSpec
    from headrace.transform.columns import RawColumn
    from headrace.transform.graph import AnalyzerResult, TransformGraph

__all__ = ["view", "visualize_transform"]

# In a notebook; a page has room, and a field to search in.
_SHOWN_WORDS = 50
_PAGE_WORDS = 50_000
# A table below this is searched by eye.
_SEARCHED = 12
# Boxes and lines beyond this are a tangle.
_DRAWN_NODES = 120


def visualize_transform(graph: TransformGraph, path: str | Path | None = None) -> Markup:
    """Return a transform graph as markup, which a notebook shows; also write a page that stands alone where asked.

    The page has the picture from columns over analyzers to features, the features with types, shapes and ids, what each
    analyzer found and where it was called, every vocabulary with a field to search in, and the columns of the data that
    are read and that are not. It loads nothing from any host.

    Parameters
    ----------
    graph
        What ``tft.analyze`` returned.
    path
        An HTML file to write; it is there whole or not at all (StorageError).

    Examples
    --------
    >>> from headrace import transform as tft
    >>> graph = tft.analyze({"x": [1.0, 2.0]}, lambda inputs: {"y": tft.scale_to_z_score(inputs["x"])})
    >>> "From columns to features" in tft.visualize_transform(graph)
    True
    """
    if path is not None:
        from headrace.storage import write_atomic

        write_atomic(Path(path), _page(graph))
    return view(graph)


def view(graph: TransformGraph) -> Markup:
    """Return a fragment that shows a transform graph."""
    parts = [
        tag("h3", "From columns to features"),
        _picture(graph, linked=False),
        tag("h3", "Features"),
        _features(graph),
        tag("h3", "What the analyzers found") if graph.analyzers else None,
        *(_analyzer(result, _SHOWN_WORDS) for result in _found(graph)),
    ]
    if graph.ignored:
        parts += [tag("h3", "Columns that are not read"), tag("p", ", ".join(graph.ignored))]
    return join(parts)


def _page(graph: TransformGraph) -> str:
    found = [tag("div", _analyzer(result, _SHOWN_WORDS), id=_anchor(at)) for at, result in enumerate(_found(graph))]
    words = list(graph.vocabularies())
    sections = [
        Section("graph", "From columns to features", _picture(graph, linked=True)),
        Section("features", "Features", _features(graph), f"{number(len(graph.outputs))}"),
        Section("columns", "Columns", _columns(graph), f"{number(len(graph.inputs))} read"),
    ]
    if found:
        sections.insert(2, Section("analyzers", "What the analyzers found", join(found), f"{number(len(found))}"))
    if words:
        body = join(_vocabulary(name, known) for name, known in words)
        sections.append(Section("vocabularies", "Vocabularies", body, f"{number(len(words))}"))
    said = f"{_count(len(graph.inputs), 'column')}, {_count(len(found), 'analyzer')}"
    return page("Transform", *sections, subtitle=f"{said}, {_count(len(graph.outputs), 'feature')}")


def _found(graph: TransformGraph) -> list[AnalyzerResult]:
    """Return what the analyzers found, once where a mapper has called one more than once."""
    found: list[AnalyzerResult] = []
    for result in graph.analyzers:
        for at, known in enumerate(found):
            same = replace(result, features=known.features)
            if known == same:
                features = tuple(dict.fromkeys((*known.features, *result.features)))
                found[at] = replace(known, features=features)
                break
        else:
            found.append(result)
    return found


def _count(size: int, noun: str) -> str:
    return f"{number(size)} {noun}{'' if size == 1 else 's'}"


def _anchor(at: int) -> str:
    return f"analyzer-{at}"


def _picture(graph: TransformGraph, *, linked: bool) -> Markup:
    nodes = _nodes(graph, linked=linked)
    if len(nodes) > _DRAWN_NODES:
        return note(f"A picture of {number(len(nodes))} boxes shows little; the tables below have everything.")
    return dag(nodes, _edges(graph), direction="right", label="columns, analyzers and features")


def _nodes(graph: TransformGraph, *, linked: bool) -> list[DagNode]:
    columns = [
        DagNode(
            id=f"column {column.name}",
            title=column.name,
            subtitle=f"{_type(column)}, may be missing" if column.may_be_missing else _type(column),
            state="input",
        )
        for column in graph.inputs
    ]
    analyzers = [
        DagNode(_anchor(at), result.name, _short(result), "done", f"#{_anchor(at)}" if linked else None)
        for at, result in enumerate(_found(graph))
    ]
    features = [
        DagNode(f"feature {feature.name}", feature.name, _kind(feature), "output", "#features" if linked else None)
        for feature in graph.outputs
    ]
    return [*columns, *analyzers, *features]


def _edges(graph: TransformGraph) -> list[tuple[str, str]]:
    """Lead columns through analyzers where there are any, and else straight to features."""
    edges: list[tuple[str, str]] = []
    through: set[tuple[str, str]] = set()
    for at, result in enumerate(_found(graph)):
        edges += [(f"column {name}", _anchor(at)) for name in result.columns]
        edges += [(_anchor(at), f"feature {name}") for name in result.features]
        through |= {(column, feature) for column in result.columns for feature in result.features}
    straight = [
        (f"column {source}", f"feature {feature.name}")
        for feature in graph.outputs
        for source in feature.sources
        if (source, feature.name) not in through
    ]
    return edges + straight


def _short(result: AnalyzerResult) -> str:
    """Return what an analyzer found in a few words."""
    value = result.value
    if "vocabulary" in result.name:
        return _count(len(value), "word")
    if isinstance(value, dict):
        plain = {name: item for name, item in value.items() if not isinstance(item, list)}
        # Of many numbers the box has no room for, how many there were says least.
        named = [name for name in plain if name != "count"] or list(plain)
        return ", ".join(f"{name} {_text(plain[name])}" for name in named)
    return f"{number(len(value))} values" if isinstance(value, list) and len(value) > 3 else _text(value)


def _type(column: RawColumn) -> str:
    if column.size is None:
        return column.dtype
    return f"lists of {column.dtype}" if column.size == "M" else f"{column.size} of {column.dtype}"


def _kind(feature: FeatureSpec) -> str:
    if feature.num_buckets is not None:
        ids = f"{number(feature.num_buckets)} ids"
        return f"{feature.shape[0]} of {ids}" if feature.shape else ids
    return f"{feature.shape[0]} of {feature.dtype}" if feature.shape else feature.dtype


def _features(graph: TransformGraph) -> Markup:
    rows = [
        (
            feature.name,
            feature.dtype,
            "[N]" if not feature.shape else f"[N,\u00a0{feature.shape[0]}]",
            feature.num_buckets,
            ", ".join(feature.sources),
            "" if not feature.sources else " → ".join(graph.path(feature.name, feature.sources[0])[1:-1]),
        )
        for feature in graph.outputs
    ]
    heads = [Column("feature"), Column("type"), Column("shape"), Column("ids", kind="number")]
    heads += [Column("columns"), Column("steps")]
    return _searched(table(heads, rows), len(rows), "Search features")


def _columns(graph: TransformGraph) -> Markup:
    read = [
        (
            column.name,
            _type(column),
            "yes" if column.may_be_missing else "no",
            ", ".join(feature.name for feature in graph.outputs if column.name in feature.sources),
        )
        for column in graph.inputs
    ]
    parts = [table([Column("column"), Column("type"), Column("may be missing"), Column("features")], read)]
    if graph.ignored:
        parts.append(tag("p", "Not read: ", join((code(name) for name in graph.ignored), ", ")))
    return join(parts)


def _vocabulary(name: str, words: Sequence[str]) -> Markup:
    rows = list(enumerate(words[:_PAGE_WORDS]))
    shown = table([Column("id", kind="number"), Column("word")], rows)
    searched = _searched(join([shown, _more(len(words), _PAGE_WORDS)]), len(rows), f"Search the words of {name}")
    return details(f"{name}: {_count(len(words), 'word')}", searched)


def _searched(content: Markup, rows: int, label: str) -> Markup:
    if rows < _SEARCHED:
        return content
    field = tag("input", type="search", class_="hr-filter", placeholder=label, aria_label=label, hidden=True)
    return tag("div", field, content)


def _analyzer(result: AnalyzerResult, most: int) -> Markup:
    summary = f"{result.name} of {', '.join(result.columns) or 'no column'}"
    used = tag("p", f"for {', '.join(result.features)}", class_="hr-muted") if result.features else None
    title = f"{summary} ({result.where})" if result.where else summary
    return details(title, join([used, _value(result, most)]))


def _value(result: AnalyzerResult, most: int) -> Markup:
    value: Any = result.value
    if "vocabulary" in result.name:
        return _rows([Column("word"), Column("score", kind="number")], value, most)
    lists = {name: item for name, item in value.items() if isinstance(item, list)} if isinstance(value, dict) else {}
    if lists:
        columns = [Column(name, kind="number" if _is_number(item[:1]) else "text") for name, item in lists.items()]
        rows = list(zip(*([_plain(cell) for cell in item] for item in lists.values()), strict=False))
        return _rows(columns, rows, most)
    if isinstance(value, dict):
        return table([Column(name, kind="number") for name in value], [list(value.values())])
    if isinstance(value, list):
        return join([tag("p", _text(value[:most])), _more(len(value), most)])
    return tag("p", _text(value))


def _rows(columns: list[Column], rows: list[Any], most: int) -> Markup:
    return join([table(columns, rows[:most]), _more(len(rows), most)])


def _more(count: int, most: int) -> Markup | None:
    rest = count - most
    return tag("p", f"and {number(rest)} more") if rest > 0 else None


def _is_number(values: list[Any]) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _plain(value: Any) -> Any:
    return _text(value) if isinstance(value, list) else value


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    return number(value) if _is_number([value]) else str(value)
