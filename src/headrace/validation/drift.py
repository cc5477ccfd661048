"""Drift against an earlier span, and skew against serving data, where the schema has thresholds for it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import msgspec

from headrace.errors import UsageError
from headrace.validation.distance import distances
from headrace.validation.kinds import fits_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.schema import Comparator
    from headrace.statistics import DatasetStatistics, FeatureStatistics, Statistics
    from headrace.validation.anomalies import Anomaly, Severity
    from headrace.validation.column import Column
    from headrace.validation.distance import Distances

__all__ = ["check_distances", "partner"]

_NAMES = {
    "linf": "an L-infinity distance",
    "jensen_shannon": "a Jensen-Shannon divergence",
    "normalized_abs_difference": "a normalized absolute difference",
    "psi": "a population stability index",
    "kolmogorov_smirnov": "a Kolmogorov-Smirnov distance",
    "wasserstein": "a Wasserstein distance",
    "hellinger": "a Hellinger distance",
}


def partner(dataset: DatasetStatistics, others: Statistics, key: str) -> DatasetStatistics:
    """Return the data set that one is compared with: its namesake, or the only one there is.

    Raises
    ------
    UsageError
        If there is none.
    """
    if dataset.name in others:
        return others[dataset.name]
    alike = others.whole() if dataset.slice_key is None else others
    if len(alike) == 1:
        return alike.datasets[0]
    raise UsageError(
        f"There is one data set to compare with for {key}",
        got=", ".join(alike.names) or "none",
        where=f"data set {dataset.name!r}",
        fix="Give the data sets the same names on both sides",
    )


def check_distances(
    column: Column, other: FeatureStatistics | None, key: Literal["drift", "skew"], significance: float | None
) -> Iterator[Anomaly]:
    """Yield where a column is too far from its counterpart.

    Parameters
    ----------
    other
        The counterpart; None where the other data has none.
    key
        Which comparator of the feature is meant.
    significance
        Distances that chance makes more often than so are warnings; None where they are not tested.
    """
    comparator: Comparator | None = getattr(column.feature, key)
    if comparator is None:
        return
    against = "the previous span" if key == "drift" else "the serving data"
    if column.present and (other is None or other.common_stats.num_non_missing == 0):
        yield column.anomaly(
            f"{key}_no_data",  # type: ignore[arg-type]
            f"is compared with {against}, which has no value of it.",
            severity="warning",
            suggestion=f"Look for the values that are missing, or take {key} out of the schema",
            suggested=column.altered(**{key: None}),
        )
        return
    if other is None or not (fits_type(column.stats.type, other.type) or fits_type(other.type, column.stats.type)):
        return
    found = distances(other, column.stats)
    if found is None:
        return
    sure = significance is None or found.p_value <= significance
    chance = "" if sure else f" (chance alone would do that with p = {found.p_value:.2g})"
    severity: Severity = "error" if sure else "warning"
    for name, what in _NAMES.items():
        threshold, distance = getattr(comparator, name), getattr(found, name)
        if threshold is None or distance is None or distance <= threshold:
            continue
        examples = (found.linf_value or "",) if name == "linf" else ()
        most = f"; {examples[0]!r} moved most" if examples else ""
        raised = math.ceil(distance * 1000.0) / 1000.0
        if name not in ("psi", "wasserstein"):
            raised = min(1.0, raised)
        wider = msgspec.structs.replace(comparator, **{name: raised})
        yield column.anomaly(
            f"{key}_{name}",  # type: ignore[arg-type]
            f"has {what} of at most {threshold:g} from {against}; it is {distance:.4g}{most}{chance}.",
            severity=severity,
            fraction=distance,
            examples=examples,
            suggestion=f"Find out what changed, train on newer data, or raise {key}.{name} to {raised:g}",
            suggested=column.altered(**{key: wider}),
            p_value=found.p_value,
        )
    yield from _test(column, comparator, found, key, against)


def _test(
    column: Column, comparator: Comparator, found: Distances, key: Literal["drift", "skew"], against: str
) -> Iterator[Anomaly]:
    least, p_value = comparator.chi_squared, found.chi_squared.p_value
    if least is None or p_value >= least:
        return
    # As far down as the test's own precision goes, there is no threshold left to lower.
    lower = p_value if p_value > 1e-300 else 0.0
    wider = msgspec.structs.replace(comparator, chi_squared=lower)
    yield column.anomaly(
        f"{key}_chi_squared",  # type: ignore[arg-type]
        f"comes from the same distribution as {against} with a p-value of at least {least:g} (chi-squared); "
        f"it is {p_value:.2g}.",
        fraction=p_value,
        suggestion=f"Find out what changed, train on newer data, or lower {key}.chi_squared",
        suggested=column.altered(**{key: wider}),
        p_value=p_value,
    )
