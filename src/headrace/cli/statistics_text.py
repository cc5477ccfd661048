"""Statistics and comparisons as text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headrace.cli.output import table

if TYPE_CHECKING:
    from headrace.statistics import DatasetStatistics, FeatureStatistics
    from headrace.validation import Comparison

__all__ = ["compared", "described"]

_WIDTH = 60
_PAIRS = 10


def described(data: DatasetStatistics, *, named: bool = False) -> str:
    """Return a line for every column of a data set, and what is to be said of the whole."""
    head = ["column", "type", "missing", "distinct", "mean", "std", "min", "median", "max", "most frequent"]
    rows = [_row(feature) for feature in data.features]
    columns = "1 column" if len(data.features) == 1 else f"{len(data.features)} columns"
    title = f"{data.num_examples:,} rows, {columns}"
    lines = [f"{data.name}: {title}" if named else title, table(head, rows, right=range(2, 9))]
    return "\n".join([*lines, *_notes(data), *_label(data), *_pairs(data)])


def compared(comparison: Comparison) -> str:
    """Return what has drifted, and how far it is."""
    in_both = [one for one in comparison.features if one.type is not None and one.baseline_type is not None]
    drifted = [one for one in in_both if one.drifted]
    count, moved = (len({one.feature for one in found}) for found in (in_both, drifted))
    title = f"{' and '.join(comparison.datasets)} against {comparison.baseline}: "
    title += f"{moved} of {count} columns drifted"
    alone: dict[str, list[str]] = {}
    for one in comparison.features:
        if one.type is None or one.baseline_type is None:
            alone.setdefault(one.dataset if one.type is None else comparison.baseline, []).append(one.feature)
    absent = [f"not in {dataset}: {', '.join(names)}" for dataset, names in alone.items()]
    if not drifted:
        return "\n".join([title, *absent])
    head = ["column", "data", "L-infinity", "Jensen-Shannon", "PSI", "Kolmogorov-Smirnov", "p-value"]
    rows = []
    for one in drifted:
        far = one.distances
        cells = [None] * 4 if far is None else [far.linf, far.jensen_shannon, far.psi, far.kolmogorov_smirnov]
        shown = ["" if cell is None else f"{cell:.3f}" for cell in cells]
        rows.append([one.feature, one.dataset, *shown, f"{one.p_value:.1g}" if one.p_value else "under 1e-300"])
    return "\n".join([title, table(head, rows, right=range(2, 7)), *absent])


def _row(feature: FeatureStatistics) -> list[str]:
    common = feature.common_stats
    total = common.num_missing + common.num_non_missing
    missing = f"{common.num_missing / total:.1%}" if total and common.num_missing else "-"
    kind = feature.type.lower() + ("" if common.num_values_histogram is None else "[]" * max(1, len(common.levels) - 1))
    cells = [feature.name, kind, missing]
    if feature.num_stats is not None:
        numbers = feature.num_stats
        spread = [numbers.mean, numbers.std_dev, numbers.min, numbers.median, numbers.max]
        return [*cells, _count(numbers.unique, exact=numbers.unique_exact), *map(_number, spread), ""]
    if feature.string_stats is not None:
        strings = feature.string_stats
        top = ", ".join(f"{_shown(one.value)} {one.frequency:,}" for one in strings.top_values[:3])
        return [*cells, _count(strings.unique, exact=strings.unique_exact), "", "", "", "", "", _cut(top)]
    if feature.bool_stats is not None:
        both = {"true": feature.bool_stats.num_true, "false": feature.bool_stats.num_false}
        seen = sorted((name for name in both if both[name]), key=lambda name: -both[name])
        return [*cells, str(len(seen)), "", "", "", "", "", ", ".join(f"{name} {both[name]:,}" for name in seen)]
    if feature.bytes_stats is not None:
        sizes = feature.bytes_stats
        distinct = _count(sizes.unique, exact=sizes.unique_exact)
        average = "" if sizes.avg_num_bytes is None else f"{sizes.avg_num_bytes:,.0f} bytes on average"
        return [*cells, distinct, "", "", "", "", "", average]
    if feature.timestamp_stats is not None:
        times = feature.timestamp_stats
        distinct = "" if times.unique is None else _count(times.unique, exact=times.unique_exact)
        moments = [_moment(moment) for moment in (times.min, times.median, times.max)]
        return [*cells, distinct, "", "", *moments, ""]
    return [*cells, "", "", "", "", "", "", ""]


def _notes(data: DatasetStatistics) -> list[str]:
    return [f"note: {feature.name} looks like {guess}" for feature in data.features for guess in feature.semantics]


def _label(data: DatasetStatistics) -> list[str]:
    with_label = [(one.name, one.label) for one in data.features if one.label is not None]
    if not with_label:
        return []
    with_label.sort(key=lambda pair: -pair[1].normalized)
    lines = [f"warning: {name} {label.reason}" for name, label in with_label if label.leakage]
    best = ", ".join(f"{name} {label.normalized:.0%}" for name, label in with_label[:5])
    return [*lines, f"what says most of the label: {best}"]


def _pairs(data: DatasetStatistics) -> list[str]:
    found: list[tuple[float, list[str]]] = []
    for one in data.cross_features:
        measures = {
            "correlation": one.correlation,
            "Cramér's V": one.cramers_v,
            "correlation ratio": one.correlation_ratio,
        }
        for name, value in measures.items():
            if value is not None:
                found.append((abs(value), [one.path_x, one.path_y, name, f"{value:.3f}"]))
    if not found:
        return []
    found.sort(key=lambda pair: -pair[0])
    rows = [row for _, row in found[:_PAIRS]]
    more = f" (the {_PAIRS} strongest of {len(found)})" if len(found) > _PAIRS else ""
    return [f"pairs{more}", table(["one", "other", "measure", "value"], rows, right=[3])]


def _count(distinct: int, *, exact: bool) -> str:
    return f"{distinct:,}" if exact else f"≈ {distinct:,}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    # Numbers of a data set are read more easily without an exponent.
    whole = float(value).is_integer() and abs(value) < 1e15
    return f"{value:,.0f}" if whole else f"{value:,.6g}"


def _moment(moment: str | None) -> str:
    """Return a moment without parts that are nought, as 2013-01-01 for midnight."""
    return "-" if moment is None else re.sub(r"(T00:00:00)?\.000000", "", moment)


def _shown(value: str) -> str:
    """Return a string as it is, or in quotes where its ends would not be seen."""
    return value if value == value.strip() and value else repr(value)


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
