"""Statistics of every split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.components.artifacts import Examples, ExampleStatistics
from headrace.components.artifacts import Schema as SchemaArtifact
from headrace.pipeline import component

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["statistics_gen"]


@component
def statistics_gen(
    examples: Examples,
    schema: SchemaArtifact | None = None,
    *,
    splits: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    weight_feature: str | None = None,
    label_feature: str | None = None,
    slices: Sequence[Any] = (),
    slice_sqls: Sequence[str] | dict[str, str] = (),
    cross_features: bool | Sequence[Sequence[str]] = False,
    sample_rate: float | None = None,
    semantics: bool = True,
) -> ExampleStatistics:
    """Compute the statistics of every feature in one pass over each split.

    Parameters
    ----------
    examples
        A snapshot.
    schema
        Where it says that strings are numbers, or integers categories, they are described as such.
    splits
        All of them by default.
    columns
        The columns to describe; all by default.
    weight_feature
        A column with the weight of each row.
    label_feature
        The column that models are to predict: how the other features go with it, and which give it away. One more
        pass.
    slices
        Columns, lists of columns, or dicts of columns to values or ranges, as in ``hr.StatsOptions``.
    slice_sqls
        Predicates of SQL, or a dict of names to predicates.
    cross_features
        Whether to describe each two features together, or the pairs of interest. One more pass.
    sample_rate
        The share of the rows that is looked at.
    semantics
        Whether to guess what values mean beyond their type.
    """
    from headrace.statistics import StatsOptions, generate_statistics

    options = StatsOptions(
        feature_allowlist=columns,
        schema=None if schema is None else schema.load(),
        weight_feature=weight_feature,
        label_feature=label_feature,
        slices=slices,
        slice_sqls=slice_sqls,
        cross_features=cross_features if isinstance(cross_features, bool) else [(x, y) for x, y in cross_features],
        sample_rate=sample_rate,
        enable_semantic_domain_stats=semantics,
    )
    parts = [
        generate_statistics(examples.split(split), name=split, options=options) for split in splits or examples.splits
    ]
    statistics = ExampleStatistics.create()
    parts[0].merge(*parts[1:]).save(statistics.path / "statistics.json")
    return statistics
