"""Data sets side by side: which features have drifted, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from headrace.errors import UsageError, did_you_mean
from headrace.statistics import DatasetStatistics, Statistics
from headrace.storage import to_json, to_plain
from headrace.validation.distance import Distances, distances
from headrace.validation.significance import chi_squared_tail, holm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace.statistics import FeatureStatistics

__all__ = ["Comparison", "FeatureComparison", "compare_slices", "compare_statistics"]


class FeatureComparison(msgspec.Struct, frozen=True, omit_defaults=True):
    """One feature of one data set, against the same feature of the baseline.

    Parameters
    ----------
    feature, dataset
        What is compared.
    type, baseline_type
        Feature types; None where a side lacks the feature.
    distances
        All of them; None where they cannot be measured.
    missing, baseline_missing
        Shares of rows without a value.
    effect
        The larger of the distances' effect and the difference of the shares that are missing.
    p_value
        How likely random halves of one data set are at least so far apart, adjusted for the number of features that
        are compared (Holm).
    drifted
        Whether that is too unlikely, and ``effect`` large enough, or the feature is missing or of another type.
    """

    feature: str
    dataset: str
    type: str | None
    baseline_type: str | None
    distances: Distances | None = None
    missing: float | None = None
    baseline_missing: float | None = None
    effect: float = 0.0
    p_value: float = 1.0
    drifted: bool = False


class Comparison(msgspec.Struct, frozen=True):
    """All features of data sets against a baseline, the most drifted first.

    Parameters
    ----------
    baseline
        Name of the data set that the others are compared with.
    datasets
        Names of the others.
    rows
        Rows of the baseline and of the others, in this order.
    features
        One entry a feature and data set.
    alpha, least_effect
        What counted as drift.
    """

    baseline: str
    datasets: tuple[str, ...]
    rows: tuple[int, ...]
    features: tuple[FeatureComparison, ...]
    alpha: float
    least_effect: float

    def __iter__(self) -> Iterator[FeatureComparison]:
        return iter(self.features)

    def __len__(self) -> int:
        return len(self.features)

    @property
    def drifted(self) -> tuple[str, ...]:
        """Names of the features that drifted in some data set, the most drifted first."""
        return tuple(dict.fromkeys(one.feature for one in self.features if one.drifted))

    def __getitem__(self, feature: str) -> FeatureComparison:
        """Return the comparison of a feature that drifted most."""
        for one in self.features:
            if one.feature == feature:
                return one
        raise UsageError(
            "A feature that was compared is wanted",
            got=feature,
            fix=did_you_mean(feature, {one.feature for one in self.features}),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts and lists."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    def to_json(self) -> str:
        """Return the JSON form, indented."""
        return to_json(self)

    def _repr_html_(self) -> str:
        from headrace.validation.comparison_view import comparison_view
        from headrace.viz import embed

        return embed(comparison_view(self))


def compare_statistics(
    *statistics: Statistics,
    baseline: str | None = None,
    features: Sequence[str] | None = None,
    alpha: float = 0.01,
    least_effect: float = 0.01,
) -> Comparison:
    """Compare data sets with a baseline, feature by feature, by all distances.

    Parameters
    ----------
    statistics
        Of two data sets or more, in one or several Statistics: splits, spans, slices, training and serving data. A
        second data set of a name is called ``name (2)``.
    baseline
        Name of the data set that the others are compared with; the first when None.
    features
        The features wanted; all when None.
    alpha
        The share of comparisons of random halves of one data set that may be called drifted, over all features of a
        data set together.
    least_effect
        Differences below this are no drift, however sure they are: the Kolmogorov-Smirnov distance of numbers, the
        total variation of strings beyond what chance makes, and the difference of the shares that are missing.

    Returns
    -------
    Comparison
        Drifted features first, then by Jensen-Shannon divergence.

    Raises
    ------
    UsageError
        If there are fewer than two data sets, or no feature or data set of a name.
    """
    named = _named([dataset for one in statistics for dataset in one.datasets])
    if len(named) < 2:
        raise UsageError("Two data sets or more are compared", got=", ".join(named) or "none")
    first = next(iter(named)) if baseline is None else baseline
    if first not in named:
        raise UsageError("The baseline is one of the data sets", got=first, fix=did_you_mean(first, named))
    if not 0.0 < alpha < 1.0:
        raise UsageError("alpha lies between 0 and 1", got=alpha)
    known = dict.fromkeys(name for dataset in named.values() for name in dataset.names)
    for name in features or ():
        if name not in known:
            raise UsageError("Features that a data set has are compared", got=name, fix=did_you_mean(name, known))
    others = {name: dataset for name, dataset in named.items() if name != first}
    found: list[FeatureComparison] = []
    for name, dataset in others.items():
        base = {feature.name: feature for feature in named[first].features}
        now = {feature.name: feature for feature in dataset.features}
        wanted = [feature for feature in (features or known) if feature in base or feature in now]
        measured = [_compared(feature, name, base.get(feature), now.get(feature)) for feature in wanted]
        for one, p_value in zip(measured, holm([one.p_value for one in measured]), strict=True):
            gone = one.type != one.baseline_type and {one.type, one.baseline_type} != {"INT", "FLOAT"}
            drifted = gone or (p_value < alpha and one.effect >= least_effect)
            found.append(msgspec.structs.replace(one, p_value=p_value, drifted=drifted))
    found.sort(key=lambda one: (not one.drifted, -_strength(one), one.feature, one.dataset))
    rows = (named[first].num_examples, *(dataset.num_examples for dataset in others.values()))
    return Comparison(first, tuple(others), rows, tuple(found), alpha, least_effect)


def compare_slices(statistics: Statistics, first: str, second: str, **options: Any) -> Comparison:
    """Compare two slices, or data sets, of one Statistics.

    Parameters
    ----------
    first, second
        Names of data sets, or slice keys, as ``sex=Female``; ``first`` is the baseline.
    options
        Of :func:`compare_statistics`.

    Raises
    ------
    UsageError
        If there is no such slice, or more than one.
    """
    chosen = [_slice(statistics, key) for key in (first, second)]
    return compare_statistics(Statistics(tuple(chosen)), baseline=chosen[0].name, **options)


def _slice(statistics: Statistics, key: str) -> DatasetStatistics:
    found = [dataset for dataset in statistics.datasets if key in (dataset.name, dataset.slice_key)]
    if len(found) == 1:
        return found[0]
    known = {dataset.slice_key or dataset.name for dataset in statistics.datasets}
    raise UsageError(
        "A slice is named by its key, or by the name of its data set",
        got=f"{key!r}, which {len(found) or 'no'} data sets have",
        fix=did_you_mean(key, known) if not found else "Use the name of the data set",
    )


def _named(datasets: Sequence[DatasetStatistics]) -> dict[str, DatasetStatistics]:
    named: dict[str, DatasetStatistics] = {}
    for dataset in datasets:
        name, again = dataset.name, 1
        while name in named:
            again += 1
            name = f"{dataset.name} ({again})"
        named[name] = dataset
    return named


def _compared(
    name: str, dataset: str, base: FeatureStatistics | None, now: FeatureStatistics | None
) -> FeatureComparison:
    types = None if now is None else now.type, None if base is None else base.type
    if base is None or now is None:
        return FeatureComparison(name, dataset, *types, effect=1.0)
    shares, counts = [], []
    for side in (now, base):
        common = side.common_stats
        rows = common.num_non_missing + common.num_missing
        shares.append(common.num_missing / rows if rows else 0.0)
        counts.append((common.num_missing, common.num_non_missing))
    apart = distances(base, now)
    gap = abs(shares[0] - shares[1])
    p_value = min(1.0, 2.0 * min(_p_missing(*counts), 1.0 if apart is None else apart.p_value))
    largest = 0.0 if apart is None else apart.effect
    return FeatureComparison(
        name, dataset, *types, apart, shares[0], shares[1], effect=max(largest, gap), p_value=p_value
    )


def _p_missing(now: tuple[int, int], base: tuple[int, int]) -> float:
    """Return the p-value of the chi-squared test of a two-by-two table."""
    (a, b), (c, d) = now, base
    product = float(a + b) * (c + d) * (a + c) * (b + d)
    return 1.0 if product == 0.0 else chi_squared_tail((a * d - b * c) ** 2 * float(a + b + c + d) / product, 1)


def _strength(one: FeatureComparison) -> float:
    if one.distances is None:
        return one.effect
    gap = abs((one.missing or 0.0) - (one.baseline_missing or 0.0))
    return max(one.distances.jensen_shannon, gap)
