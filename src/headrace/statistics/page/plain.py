"""Statistics as the compact JSON that the page's script draws.

The keys are short, since they stand in the file once a feature and data set, and are read by the script alone; what is
None or empty is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from headrace.statistics.page.flags import FLAGS, flags
from headrace.statistics.page.shift import shift

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from headrace.statistics.results import DatasetStatistics, Statistics
    from headrace.statistics.values import (
        CommonStatistics,
        CrossFeatureStatistics,
        CustomStatistic,
        FeatureStatistics,
        Histogram,
        NumericStatistics,
        RankBucket,
        StringStatistics,
        TimestampStatistics,
        ValueCount,
    )

__all__ = ["aligned", "page_data"]

_TOP = 50
_RANKS = 60
_PAIRS = 4000
_TEXT = 300


def aligned(statistics: Statistics) -> dict[str, list[FeatureStatistics | None]]:
    """Return each feature's statistics in each data set, None where it is absent."""
    by_name = [{feature.name: feature for feature in dataset.features} for dataset in statistics.datasets]
    names = dict.fromkeys(name for features in by_name for name in features)
    return {name: [features.get(name) for features in by_name] for name in names}


def page_data(
    statistics: Statistics,
    *,
    baseline: int = 0,
    distances: Mapping[str, float] | None = None,
    anomalies: Mapping[str, Sequence[tuple[str, str]]] | None = None,
) -> dict[str, Any]:
    """Return plain dicts, lists, texts and numbers.

    Parameters
    ----------
    statistics
        Of one or more data sets.
    baseline
        Index of the data set that the others are compared with.
    distances
        Feature to how far it has moved, in place of the page's own measure.
    anomalies
        Feature to (severity, text) of what is wrong with it.
    """
    wrong = anomalies or {}
    return {
        "datasets": [_dataset(dataset) for dataset in statistics.datasets],
        "baseline": baseline,
        "given": distances is not None,
        "flags": {key: list(flag) for key, flag in FLAGS.items()},
        "features": [
            _feature(name, columns, baseline, distances, wrong.get(name, ()))
            for name, columns in aligned(statistics).items()
        ],
        "cross": [_cross(dataset.cross_features) for dataset in statistics.datasets],
    }


def _dataset(dataset: DatasetStatistics) -> dict[str, Any]:
    return _kept(
        name=dataset.name,
        rows=dataset.num_examples,
        weight=_short(dataset.weighted_num_examples),
        aside=dataset.num_set_aside or None,
        why=list(dataset.set_aside),
        slice=dataset.slice_key,
        rate=None if dataset.sample_rate == 1 else dataset.sample_rate,
        custom=_custom(dataset.custom_stats),
    )


def _feature(
    name: str,
    columns: Sequence[FeatureStatistics | None],
    baseline: int,
    distances: Mapping[str, float] | None,
    wrong: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    base = columns[baseline]
    moved: list[float | None] = []
    if len(columns) > 1:
        moved = [
            None if base is None or column is None or index == baseline else shift(base, column)
            for index, column in enumerate(columns)
        ]
    known = [one for one in moved if one is not None]
    furthest = max(known, default=None) if distances is None else distances.get(name)
    first = next(column for column in columns if column is not None)
    return _kept(
        n=name,
        p=list(first.path),
        t=first.type,
        f=list(flags(columns, anomalous=bool(wrong))),
        d=_short(furthest),
        m=[_short(one) for one in moved] if known else None,
        a=[list(pair) for pair in wrong],
        s=[None if column is None else _column(column) for column in columns],
    )


def _column(column: FeatureStatistics) -> dict[str, Any]:
    plain = _common(column.common_stats)
    if column.num_stats is not None:
        plain |= _numbers(column.num_stats)
    elif column.string_stats is not None:
        plain |= _strings(column.string_stats)
    elif column.bool_stats is not None:
        stats = column.bool_stats
        plain |= _kept(
            u=(stats.num_true > 0) + (stats.num_false > 0),
            top=[["true", stats.num_true], ["false", stats.num_false]],
            full=1,
        )
        if stats.weighted_true is not None and stats.weighted_false is not None:
            plain["wt"] = {"top": [["true", _short(stats.weighted_true)], ["false", _short(stats.weighted_false)]]}
    elif column.timestamp_stats is not None:
        plain |= _moments(column.timestamp_stats)
    elif column.bytes_stats is not None:
        bytes_ = column.bytes_stats
        plain |= _kept(
            len=[_short(bytes_.avg_num_bytes), bytes_.min_num_bytes, bytes_.max_num_bytes],
            **_distinct(bytes_.unique, bytes_.unique_error, exact=bytes_.unique_exact),
        )
    label = column.label
    return plain | _kept(
        t=column.type,
        clean=_kept(strip=column.strip or None, nulls=list(column.null_values)),
        sem=[[one.kind, _short(one.fraction), one.of, one.detail] for one in column.semantics],
        label=None
        if label is None
        else [
            _short(label.mutual_information),
            _short(label.normalized),
            _short(label.score),
            int(label.leakage),
            label.reason,
        ],
        custom=_custom(column.custom_stats),
    )


def _common(common: CommonStatistics) -> dict[str, Any]:
    is_list = common.tot_num_values is not None or bool(common.levels)
    plain: dict[str, Any] = {"n": common.num_non_missing, "x": common.num_missing}
    if is_list:
        plain |= {
            "v": common.num_values,
            "nv": [common.min_num_values, _short(common.avg_num_values), common.max_num_values],
        }
        plain |= _kept(
            lv=[
                [
                    level.num_non_missing,
                    level.num_missing,
                    level.min_num_values,
                    _short(level.avg_num_values),
                    level.max_num_values,
                    level.tot_num_values,
                ]
                for level in common.levels
            ],
            nh=None if common.num_values_histogram is None else _histogram(common.num_values_histogram),
        )
    weighted = common.weighted
    if weighted is not None:
        plain["w"] = [_short(weighted.num_non_missing), _short(weighted.num_missing)]
    return plain


def _numbers(stats: NumericStatistics) -> dict[str, Any]:
    plain = _kept(
        mean=_short(stats.mean),
        sd=_short(stats.std_dev),
        z=stats.num_zeros,
        nan=stats.num_nan or None,
        inf=stats.num_infinite or None,
        min=stats.min,
        med=_short(stats.median),
        max=stats.max,
        q=_shorts(stats.quantiles),
        re=stats.rank_error or None,
        top=_top(stats.top_values),
        **_histograms(stats.histograms),
        **_distinct(stats.unique, stats.unique_error, exact=stats.unique_exact),
    )
    weighted = stats.weighted
    if weighted is not None:
        plain["wt"] = _kept(
            mean=_short(weighted.mean),
            sd=_short(weighted.std_dev),
            med=_short(weighted.median),
            **_histograms(weighted.histograms),
        )
    return plain


def _strings(stats: StringStatistics) -> dict[str, Any]:
    plain = _kept(
        top=_top(stats.top_values),
        full=1 if stats.complete and len(stats.top_values) <= _TOP else None,
        fe=stats.frequency_error or None,
        len=[_short(stats.avg_length), stats.min_length, stats.max_length],
        bad=stats.invalid_utf8_count or None,
        r=_ranks(stats.rank_histogram, stats.top_values),
        **_distinct(stats.unique, stats.unique_error, exact=stats.unique_exact),
    )
    if stats.weighted is not None:
        plain["wt"] = _kept(
            top=_top(stats.weighted.top_values),
            r=_ranks(stats.weighted.rank_histogram, stats.weighted.top_values),
        )
    return plain


def _moments(stats: TimestampStatistics) -> dict[str, Any]:
    plain = _kept(
        tmin=stats.min,
        tmed=stats.median,
        tmax=stats.max,
        order=None if stats.ordered is None else int(stats.ordered),
        gap=_short(stats.largest_gap),
        after=stats.gap_after,
        mgap=_short(stats.median_gap),
        **_histograms(stats.histograms),
    )
    if stats.unique is not None:
        plain |= _distinct(stats.unique, 0.0, exact=stats.unique_exact)
    return plain


def _distinct(unique: int, error: float, *, exact: bool) -> dict[str, Any]:
    return {"u": unique} if exact else {"u": unique, "ue": _short(error) or 0}


def _histograms(histograms: Iterable[Histogram]) -> dict[str, Any]:
    return {
        "h" if one.type == "STANDARD" else "qh": _histogram(one) for one in reversed(tuple(histograms)) if one.buckets
    }


def _histogram(histogram: Histogram) -> list[Any]:
    """Return [edges, counts]; two edges where all buckets are of one width, one count where all are equal."""
    buckets = histogram.buckets
    edges = [buckets[0].low_value, *(bucket.high_value for bucket in buckets)] if buckets else []
    counts = [bucket.sample_count for bucket in buckets]
    if len(buckets) > 1:
        width = (edges[-1] - edges[0]) / len(buckets)
        even = all(abs(edge - edges[0] - index * width) <= abs(width) * 1e-6 for index, edge in enumerate(edges))
        if even and width > 0:
            return [[_whole(edges[0]), _whole(edges[-1])], [_short(count) for count in counts]]
        if max(counts) - min(counts) <= 1e-6 * max(counts):
            return [_shorts(edges), [_short(counts[0])]]
    return [_shorts(edges), [_short(count) for count in counts]]


def _top(values: Sequence[ValueCount]) -> list[list[Any]]:
    return [[_cut(entry.value), _whole(entry.frequency)] for entry in values[:_TOP]]


def _ranks(buckets: Sequence[RankBucket], values: Sequence[ValueCount]) -> list[list[Any]]:
    """Return [low rank, high rank, count] of what comes after the top values; of fewer buckets where there are many."""
    rest: list[tuple[int, int, float]] = [
        (bucket.low_rank, bucket.high_rank, bucket.sample_count)
        for bucket in buckets
        if bucket.low_rank >= min(_TOP, len(values))
    ]
    if not buckets:
        rest = [(rank, rank, entry.frequency) for rank, entry in enumerate(values) if rank >= _TOP]
    many = max(1, -(-len(rest) // _RANKS))
    groups = [rest[at : at + many] for at in range(0, len(rest), many)]
    return [[group[0][0], group[-1][1], _short(sum(count for _, _, count in group))] for group in groups]


def _cross(pairs: Sequence[CrossFeatureStatistics]) -> list[list[Any]]:
    """Return [x, y, kind, value, rows, covariance, lift] of the pairs, the strongest first."""
    found: list[tuple[str, float, CrossFeatureStatistics]] = []
    for pair in pairs:
        kinds = (("r", pair.correlation), ("v", pair.cramers_v), ("e", pair.correlation_ratio))
        known = [(kind, value) for kind, value in kinds if value is not None]
        if known:
            found.append((*known[0], pair))
    found.sort(key=lambda one: -abs(one[1]))
    return [
        [
            pair.path_x,
            pair.path_y,
            kind,
            _short(value),
            pair.count,
            _short(pair.covariance),
            [[_cut(x), _cut(y), _short(lift)] for x, y, lift in pair.lift[:5]],
        ]
        for kind, value, pair in found[:_PAIRS]
    ]


def _custom(values: Sequence[CustomStatistic]) -> list[list[Any]]:
    return [
        [one.name, one.value if isinstance(one.value, (int, float, str)) else _cut(_text_of(one.value), 2000)]
        for one in values
    ]


def _text_of(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _cut(text: str, most: int = _TEXT) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _kept(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None and value not in ([], {})}


def _whole(value: float) -> float | int:
    return int(value) if abs(value) < 2**53 and value == int(value) else value


def _short(value: float | None) -> float | int | None:
    """Return a number to seven digits: shown are four."""
    if value is None or value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124 - NaN
        return None
    return _whole(float(f"{value:.7g}") if isinstance(value, float) else value)


def _shorts(values: Sequence[float]) -> list[float | int | None]:
    """Return ascending numbers to seven digits, or whole where they lie so close that this would blur them."""
    if values and abs(values[-1] - values[0]) < 1e-3 * max(abs(values[0]), abs(values[-1])):
        return [_whole(value) if abs(value) < float("inf") else None for value in values]
    return [_short(value) for value in values]
