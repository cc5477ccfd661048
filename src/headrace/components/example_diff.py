"""Where rows of the same key differ between two snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.components.artifacts import Examples, ExamplesDiff
from headrace.errors import AnomaliesFound, UsageError, did_you_mean
from headrace.pipeline import component

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["example_diff"]


@component
def example_diff(
    baseline: Examples,
    examples: Examples,
    *,
    keys: Sequence[str],
    splits: Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    float_round: int | None = None,
    max_skewed: float | None = None,
) -> ExamplesDiff:
    """Join two snapshots by key, split by split, and count for each feature where they differ.

    Parameters
    ----------
    baseline, examples
        Two snapshots, as the data for training and the same rows as they were served.
    keys
        The columns that tell rows apart.
    splits
        All that both have by default.
    features
        The columns that are compared; all of them by default.
    float_round
        Decimals to which floats are rounded before they are compared.
    max_skewed
        The largest share of pairs in which a feature may differ; more ends the run as found wanting. No limit when
        None. The counts are kept in any case.

    Raises
    ------
    AnomaliesFound
        If a feature differs in too many pairs.
    """
    from headrace.validation import detect_feature_skew

    if max_skewed is not None and not 0.0 <= max_skewed <= 1.0:
        raise UsageError("max_skewed is a share between 0 and 1", got=max_skewed, where="example_diff")
    both = [name for name in examples.splits if name in baseline.splits]
    for name in splits or ():
        if name not in both:
            raise UsageError("A split that both snapshots have is wanted", got=name, fix=did_you_mean(name, both))
    if not both:
        raise UsageError("Both snapshots have a split of the same name", got=f"{baseline.splits} and {examples.splits}")
    diff = ExamplesDiff.create()
    worst: list[str] = []
    for name in splits or both:
        found = detect_feature_skew(
            baseline.split(name), examples.split(name), list(keys), features=features, float_round=float_round
        )
        found.save(diff.path / f"{name}.json")
        diff.properties[f"skewed_{name}"] = len(found.skewed)
        if max_skewed is not None:
            worst += [
                f"{one.feature} in {one.diff_count:,} of {found.pairs:,} pairs of {name}"
                for one in found
                if one.diff_count > max_skewed * found.pairs
            ]
    if worst:
        more = f"; and {len(worst) - 3} more" if len(worst) > 3 else ""
        raise AnomaliesFound(
            f"Rows of the same key differ in at most {max_skewed:.6g} of the pairs",
            got="; ".join(worst[:3]) + more,
            where="example_diff",
            fix="Find out which side is wrong, or allow more with max_skewed",
        )
    return diff
