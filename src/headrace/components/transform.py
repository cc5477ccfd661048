"""Analysis of a ``preprocessing_fn``, and the features that it makes of every split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.components.artifacts import Examples, Schema, TransformGraph
from headrace.components.splits import keep_split
from headrace.pipeline import Artifact, component, current_step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["transform"]


@component
def transform(
    examples: Examples,
    schema: Schema,
    preprocessing_fn: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    *,
    analyze_split: str = "train",
    analyzer_cache: bool = False,
    materialize: bool = True,
    after: Artifact | Sequence[Artifact] | None = None,  # noqa: ARG001 - orders the steps
) -> tuple[TransformGraph, Examples]:
    """Analyse ``preprocessing_fn`` on one split and apply it to all of them.

    Parameters
    ----------
    examples
        A snapshot.
    schema
        Columns whose presence it does not demand may be missing in a request too.
    preprocessing_fn
        Columns → features.
    analyze_split
        The only split that analyzers see; the first where there is no split of that name.
    analyzer_cache
        Keep what analyzers gathered of each file of the snapshot in ``<home>/cache/analysis``, so that a run over more
        data reads only what is new. The folder may be deleted at any time.
    materialize
        Write the features. When False, the second output has no splits, and ``trainer(examples, graph, …,
        on_the_fly=True)`` makes them as it reads.
    after
        Outputs of steps that must have succeeded before, as the anomalies.

    Returns
    -------
    tuple
        The graph, and the transformed examples.

    Raises
    ------
    TransformError
        If the function cannot become a graph; the message has the line.
    """
    from headrace.data import ParquetSink
    from headrace.transform import AnalysisCache, analyze

    described = schema.load()
    known = set(examples.split(examples.splits[0]).columns)
    optional = {one.name for one in described.features if one.min_fraction < 1 and one.name in known}
    seen = analyze_split if analyze_split in examples.splits else examples.splits[0]
    step = current_step()
    cache = AnalysisCache(step.home / "cache" / "analysis") if analyzer_cache and step is not None else None
    graph = analyze(examples.split(seen), preprocessing_fn, optional=optional, cache=cache)
    saved = TransformGraph.create()
    graph.save(saved.path)
    described.save(saved.path / "schema.yaml")
    transformed = Examples.create()
    rows: dict[str, int] = {}
    for split in examples.splits if materialize else ():
        folder = transformed.path / split
        # What was analyzed is learnt from: its labels are in what the analyzers found.
        features = graph.transform(examples.split(split), sink=ParquetSink(folder), training=split == seen)
        rows[split] = keep_split(folder, features)
    transformed.describe({"rows": rows, "transformed": True})
    saved.properties |= {"features": [feature.name for feature in graph.outputs], "analyzed_split": seen}
    if cache is not None:
        saved.properties |= {"parts_known": cache.hits, "parts_read": cache.misses}
    return saved, transformed
