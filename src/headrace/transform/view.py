"""A transform graph as a picture and tables: columns, what the analyzers found, features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.viz import Column, DagNode, Markup, dag, details, join, number, table, tag

if TYPE_CHECKING:
    from headrace.transform.graph import AnalyzerResult, TransformGraph

__all__ = ["view"]

_SHOWN_WORDS = 50


def view(graph: TransformGraph) -> Markup:
    """Return a fragment that shows a transform graph."""
    return join(
        [
            tag("h3", "From columns to features"),
            dag(_nodes(graph), _edges(graph)),
            tag("h3", "Features"),
            _features(graph),
            tag("h3", "What the analyzers found") if graph.analyzers else None,
            *(_analyzer(result) for result in graph.analyzers),
        ]
    )


def _nodes(graph: TransformGraph) -> list[DagNode]:
    columns = [
        DagNode(
            id=f"column {column.name}",
            title=column.name,
            subtitle=f"{column.dtype}, may be missing" if column.may_be_missing else column.dtype,
        )
        for column in graph.inputs
    ]
    features = [
        DagNode(id=f"feature {feature.name}", title=feature.name, subtitle=_kind(graph, feature.name))
        for feature in graph.outputs
    ]
    return [*columns, *features]


def _edges(graph: TransformGraph) -> list[tuple[str, str]]:
    return [(f"column {source}", f"feature {feature.name}") for feature in graph.outputs for source in feature.sources]


def _kind(graph: TransformGraph, name: str) -> str:
    (feature,) = graph.features([name])
    if feature.num_buckets is not None:
        return f"{number(feature.num_buckets)} ids"
    return f"{feature.shape[0]} of {feature.dtype}" if feature.shape else feature.dtype


def _features(graph: TransformGraph) -> Markup:
    rows = [
        (
            feature.name,
            _kind(graph, feature.name),
            ", ".join(feature.sources),
            "" if not feature.sources else " → ".join(graph.path(feature.name, feature.sources[0])[1:-1]),
        )
        for feature in graph.outputs
    ]
    return table([Column("feature"), Column("values"), Column("columns"), Column("steps")], rows)


def _analyzer(result: AnalyzerResult) -> Markup:
    summary = f"{result.name} of {', '.join(result.columns) or 'no column'}"
    return details(f"{summary} ({result.where})" if result.where else summary, _value(result))


def _value(result: AnalyzerResult) -> Markup:
    value: Any = result.value
    if "vocabulary" in result.name:
        return _rows([Column("word"), Column("score", kind="number")], value)
    lists = {name: item for name, item in value.items() if isinstance(item, list)} if isinstance(value, dict) else {}
    if lists:
        columns = [Column(name, kind="number" if _is_number(item[:1]) else "text") for name, item in lists.items()]
        return _rows(columns, list(zip(*([_plain(cell) for cell in item] for item in lists.values()), strict=False)))
    if isinstance(value, dict):
        return table([Column(name, kind="number") for name in value], [list(value.values())])
    if isinstance(value, list):
        return join([tag("p", _text(value[:_SHOWN_WORDS])), _more(len(value))])
    return tag("p", _text(value))


def _rows(columns: list[Column], rows: list[Any]) -> Markup:
    return join([table(columns, rows[:_SHOWN_WORDS]), _more(len(rows))])


def _more(count: int) -> Markup | None:
    rest = count - _SHOWN_WORDS
    return tag("p", f"and {number(rest)} more") if rest > 0 else None


def _is_number(values: list[Any]) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _plain(value: Any) -> Any:
    return _text(value) if isinstance(value, list) else value


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    return number(value) if _is_number([value]) else str(value)
