"""Statistics as tables with small charts, data sets side by side, that need no script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.statistics.page import FLAGS, aligned, flags
from headrace.viz import (
    Cell,
    Column,
    Markup,
    Section,
    badge,
    bars,
    details,
    histogram,
    join,
    key_values,
    note,
    number,
    percent,
    spark,
    table,
    tag,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.statistics.results import DatasetStatistics, Statistics
    from headrace.statistics.values import FeatureStatistics, NumericStatistics

__all__ = ["feature_view", "statistics_view"]

_BARS = 10
_ALARM = 0.2
# So many rows of the tables, and features, a notebook still scrolls well.
_ROWS = 600
_FEATURES = 200

_Aligned = dict[str, list["FeatureStatistics | None"]]


def statistics_view(statistics: Statistics, *, limit: int | None = None) -> Markup:
    """Return a fragment: the data sets, then a table for each kind of feature, whose charts unfold.

    Parameters
    ----------
    statistics
        Of one or more data sets.
    limit
        The most features that are shown; a note says how many there are. When None, 200, and fewer where many data
        sets stand side by side.
    """
    columns = aligned(statistics)
    most = limit if limit is not None else max(1, min(_FEATURES, _ROWS // max(1, len(statistics))))
    parts: list[Markup] = [_overview(statistics)]
    if len(columns) > most:
        words = f"The first {most:,} of {len(columns):,} features. A page shows all of them: "
        parts.append(note(join([words, tag("code", 'hr.visualize_statistics(statistics, "page.html")')])))
        columns = dict(list(columns.items())[:most])
    for section in _sections(columns, statistics.names):
        parts += [tag("h3", section.title), section.body]
    return join(parts)


def feature_view(name: str, statistics: Statistics) -> Markup:
    """Return one feature's distribution in every data set that has it, as one chart."""
    return _feature_chart(name, {dataset.name: dataset[name] for dataset in statistics.datasets if name in dataset})


def _feature_chart(name: str, columns: Mapping[str, FeatureStatistics]) -> Markup:
    numeric = {split: _edges(column) for split, column in columns.items()}
    drawn = {split: pair for split, pair in numeric.items() if pair is not None}
    if drawn:
        first, (edges, counts) = next(iter(drawn.items()))
        others = {split: pair for split, pair in drawn.items() if split != first}
        return histogram(edges, counts, overlays=others, name=first, label=f"Distribution of {name}", x_label=name)
    shares = {split: _shares(column) for split, column in columns.items()}
    labels = list(dict.fromkeys(label for share in shares.values() for label in list(share)[:_BARS]))[:_BARS]
    if not labels:
        return tag("p", "No values to draw.", class_="hr-muted")
    series = {split: [share.get(label, 0.0) for label in labels] for split, share in shares.items()}
    first = next(iter(series))
    overlays = {split: values for split, values in series.items() if split != first}
    names = [label or "(empty)" for label in labels]
    return bars(
        names,
        series[first],
        overlays=overlays,
        name=first,
        label=f"Most frequent values of {name}",
        format=percent,
    )


def _overview(statistics: Statistics) -> Markup:
    return key_values({dataset.name: _rows_of(dataset) for dataset in statistics.datasets})


def _rows_of(dataset: DatasetStatistics) -> str:
    read = f"{dataset.num_examples:,} rows"
    if not dataset.num_set_aside:
        return read
    return f"{read}; {dataset.num_set_aside:,} more cannot be read, the first: {dataset.set_aside[0]}"


def _sections(columns: _Aligned, splits: Sequence[str]) -> list[Section]:
    kinds: dict[str, _Aligned] = {}
    for name, found in columns.items():
        kinds.setdefault(_kind(next(column for column in found if column is not None)), {})[name] = found
    titles = {"numbers": "Numbers", "strings": "Strings", "others": "Truth values, moments, bytes and structs"}
    tables = {"numbers": _numbers, "strings": _strings, "others": _others}
    return [
        Section(key, title, tables[key](kinds[key], splits), note=f"{len(kinds[key])} features")
        for key, title in titles.items()
        if key in kinds
    ]


def _kind(column: FeatureStatistics) -> str:
    if column.num_stats is not None:
        return "numbers"
    return "strings" if column.string_stats is not None else "others"


def _rows(columns: _Aligned, splits: Sequence[str]) -> list[tuple[Markup | str, str, FeatureStatistics]]:
    found: list[tuple[Markup | str, str, FeatureStatistics]] = []
    for name, parts in columns.items():
        known = {split: column for split, column in zip(splits, parts, strict=True) if column is not None}
        shown: Markup | str = join([_named(name, known), *_badges(parts)])
        for split, column in known.items():
            found.append((shown, split if len(splits) > 1 else "", column))
            shown = name
    return found


def _named(name: str, columns: Mapping[str, FeatureStatistics]) -> Markup:
    """Return the name, which unfolds its chart where there is something to draw."""
    first = next(iter(columns.values()))
    if first.type in {"BYTES", "STRUCT", "TIMESTAMP"}:
        return tag("strong", name)
    return details(name, join([_feature_chart(name, columns), _remarks(first)]))


def _badges(columns: Sequence[FeatureStatistics | None]) -> list[Markup]:
    return [badge(FLAGS[flag][0], FLAGS[flag][2], title=FLAGS[flag][1]) for flag in flags(columns) if flag != "missing"]


def _remarks(column: FeatureStatistics) -> Markup | None:
    """Return what the page says in words about a feature."""
    said: dict[str, Any] = {}
    common = column.common_stats
    if common.tot_num_values is not None:
        ends = f"{common.min_num_values:,} to {common.max_num_values:,}"
        said["values a row"] = f"{ends}, on average {number(common.avg_num_values)}"
    if column.semantics:
        said["looks like"] = ", ".join(str(guess) for guess in column.semantics)
    if column.label is not None:
        said["of the label's entropy"] = percent(column.label.normalized)
        if column.label.leakage:
            said["may leak the label"] = column.label.reason or "yes"
    return key_values(said) if said else None


def _numbers(columns: _Aligned, splits: Sequence[str]) -> Markup:
    rows: list[list[Any]] = []
    for shown, split, column in _rows(columns, splits):
        stats = column.num_stats
        if stats is None:
            continue
        pair = _edges(column)
        rows.append(
            [
                Cell(shown, column.name),
                split,
                column.type,
                _missing(column),
                stats.mean,
                stats.std_dev,
                _share(stats.num_zeros, stats.common_stats.num_values),
                stats.min,
                stats.median,
                stats.max,
                spark(pair[1] if pair else [], label=f"Histogram of {column.name}", width=100),
            ]
        )
    heads = ["mean", "std dev", "zeros", "min", "median", "max"]
    return table([*_first(), *(Column(head, "number") for head in heads), Column("distribution", "markup")], rows)


def _strings(columns: _Aligned, splits: Sequence[str]) -> Markup:
    rows: list[list[Any]] = []
    for shown, split, column in _rows(columns, splits):
        stats = column.string_stats
        if stats is None:
            continue
        top = stats.top_values[0] if stats.top_values else None
        about = "" if stats.unique_exact else "≈ "
        rows.append(
            [
                Cell(shown, column.name),
                split,
                column.type,
                _missing(column),
                Cell(f"{about}{stats.unique:,}", stats.unique),
                "" if top is None else top.value,
                _share(0 if top is None else top.frequency, stats.common_stats.num_values),
                stats.avg_length,
                spark([entry.frequency for entry in stats.top_values[:20]], label=f"Top values of {column.name}"),
            ]
        )
    heads = [
        Column("distinct", "number"),
        Column("most frequent"),
        Column("its share", "number"),
        Column("average length", "number", help="in characters"),
        Column("distribution", "markup"),
    ]
    return table([*_first(), *heads], rows)


def _others(columns: _Aligned, splits: Sequence[str]) -> Markup:
    rows = [
        [Cell(shown, column.name), split, column.type, _missing(column), _said(column)]
        for shown, split, column in _rows(columns, splits)
    ]
    return table([*_first(), Column("values")], rows)


def _said(column: FeatureStatistics) -> str:
    values = column.common_stats.num_values
    if column.struct_stats is not None:
        return "fields, each a feature"
    if column.bool_stats is not None:
        return f"{percent(column.bool_stats.num_true / values)} true" if values else "no value"
    if column.timestamp_stats is not None and column.timestamp_stats.min is not None:
        return f"{column.timestamp_stats.min} to {column.timestamp_stats.max}"
    if column.bytes_stats is not None and column.bytes_stats.min_num_bytes is not None:
        return f"{column.bytes_stats.min_num_bytes:,} to {column.bytes_stats.max_num_bytes or 0:,} bytes"
    return "no value"


def _first() -> list[Column]:
    return [Column("feature"), Column("data set"), Column("type"), Column("missing", "number")]


def _missing(column: FeatureStatistics) -> Cell:
    common = column.common_stats
    total = common.num_missing + common.num_non_missing
    share = common.num_missing / total if total else None
    return Cell(percent(share), share, "warn" if share is not None and share >= _ALARM else "")


def _share(count: float, total: int) -> Cell:
    share = count / total if total else None
    return Cell(percent(share), share)


def _edges(column: FeatureStatistics) -> tuple[list[float], list[float]] | None:
    stats: NumericStatistics | None = column.num_stats
    if stats is None or not stats.histograms or not stats.histograms[0].buckets:
        return None
    buckets = stats.histograms[0].buckets
    return [buckets[0].low_value, *(b.high_value for b in buckets)], [bucket.sample_count for bucket in buckets]


def _shares(column: FeatureStatistics) -> dict[str, float]:
    total = column.common_stats.num_values
    if not total:
        return {}
    if column.string_stats is not None:
        return {entry.value: entry.frequency / total for entry in column.string_stats.top_values}
    if column.bool_stats is not None:
        return {"true": column.bool_stats.num_true / total, "false": column.bool_stats.num_false / total}
    return {}
