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
    if result.name == "vocabulary":
        words = table([Column("word"), Column("rows", kind="number")], value[:_SHOWN_WORDS])
        rest = len(value) - _SHOWN_WORDS
        return join([words, tag("p", f"and {number(rest)} more") if rest > 0 else None])
    if isinstance(value, dict):
        return table([Column(name, kind="number") for name in value], [list(value.values())])
    if isinstance(value, list):
        return tag("p", ", ".join(number(item) for item in value))
    return tag("p", number(value))
