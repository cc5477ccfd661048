"""Statistics as tables with small charts, data sets side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from headrace.statistics.page import index_of, statistics_page
from headrace.viz import (
    Cell,
    Column,
    Markup,
    Section,
    bars,
    details,
    histogram,
    join,
    key_values,
    percent,
    spark,
    table,
    tag,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from headrace.statistics.results import DatasetStatistics, Statistics
    from headrace.statistics.values import FeatureStatistics, NumericStatistics

__all__ = ["Finding", "feature_view", "get_statistics_html", "statistics_view", "visualize_statistics"]

_BARS = 10
_ALARM = 0.2


class Finding(Protocol):
    """What is wrong with a feature, or with the data set where ``feature`` is None; its text says so in words."""

    @property
    def feature(self) -> str | None:
        """The feature's name."""

    @property
    def severity(self) -> Literal["error", "warning"]:
        """How grave it is."""


def visualize_statistics(
    statistics: Statistics,
    path: str | Path | None = None,
    *,
    baseline: str | None = None,
    distances: Mapping[str, float] | None = None,
    anomalies: Iterable[Finding] = (),
) -> Markup:
    """Return the statistics as markup, which a notebook shows; also write a page that stands alone where asked.

    The page has every feature in a table that sorts, searches and filters, and each one's details on a click; it loads
    nothing from any host. Of several data sets, what has moved most comes first; with anomalies, what has most of them.

    Parameters
    ----------
    statistics
        Of one or more data sets, splits, spans or slices; several are drawn over each other.
    path
        An HTML file to write; it is there whole or not at all (StorageError).
    baseline
        The data set that the others are compared with; the first when None.
    distances
        Feature to how far it has moved, where it was measured; otherwise the page measures with the Jensen-Shannon
        divergence of what the rows hold.
    anomalies
        What is wrong with the features, as ``validate_statistics`` says it.

    Raises
    ------
    UsageError
        If there is no data set of the baseline's name.
    """
    index_of(statistics, baseline)
    if path is not None:
        from headrace.storage import write_atomic

        whole = get_statistics_html(statistics, baseline=baseline, distances=distances, anomalies=anomalies)
        write_atomic(path, whole)
    return statistics_view(statistics)


def get_statistics_html(
    statistics: Statistics,
    *,
    baseline: str | None = None,
    distances: Mapping[str, float] | None = None,
    anomalies: Iterable[Finding] = (),
) -> str:
    """Return the page that `visualize_statistics` writes, with the same parameters, as text."""
    wrong: dict[str, list[tuple[str, str]]] = {}
    for anomaly in anomalies:
        if anomaly.feature is not None:
            wrong.setdefault(anomaly.feature, []).append((anomaly.severity, str(anomaly)))
    return statistics_page(statistics, baseline=baseline, distances=distances, anomalies=wrong)


def statistics_view(statistics: Statistics) -> Markup:
    """Return a fragment: the data sets, then a table for each kind of feature."""
    parts: list[Markup] = [_overview(statistics)]
    for section in _sections(statistics):
        parts += [tag("h3", section.title), section.body]
    return join(parts)


def feature_view(name: str, statistics: Statistics) -> Markup:
    """Return one feature's distribution in every data set that has it, as one chart."""
    columns = [(dataset.name, dataset[name]) for dataset in statistics.datasets if name in dataset]
    numeric = {split: _edges(column.num_stats) for split, column in columns if column.num_stats is not None}
    drawn = {split: pair for split, pair in numeric.items() if pair is not None}
    if drawn:
        first, (edges, counts) = next(iter(drawn.items()))
        others = {split: pair for split, pair in drawn.items() if split != first}
        return histogram(edges, counts, overlays=others, name=first, label=f"Distribution of {name}", x_label=name)
    shares = {split: _shares(column) for split, column in columns}
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


def _sections(statistics: Statistics) -> list[Section]:
    names = list(dict.fromkeys(feature.name for dataset in statistics.datasets for feature in dataset.features))
    kinds: dict[str, list[str]] = {}
    for name in names:
        kinds.setdefault(_kind(name, statistics), []).append(name)
    titles = {"numbers": "Numbers", "strings": "Strings", "others": "Truth values and timestamps"}
    tables = {"numbers": _numbers, "strings": _strings, "others": _others}
    return [
        Section(key, title, tables[key](kinds[key], statistics), note=f"{len(kinds[key])} features")
        for key, title in titles.items()
        if key in kinds
    ]


def _kind(name: str, statistics: Statistics) -> str:
    column = next(dataset[name] for dataset in statistics.datasets if name in dataset)
    if column.num_stats is not None:
        return "numbers"
    return "strings" if column.string_stats is not None else "others"


def _rows(names: Sequence[str], statistics: Statistics) -> list[tuple[Markup | str, str, FeatureStatistics]]:
    several = len(statistics.datasets) > 1
    found: list[tuple[Markup | str, str, FeatureStatistics]] = []
    for name in names:
        chart: Markup | str = details(name, feature_view(name, statistics))
        for dataset in statistics.datasets:
            if name in dataset:
                found.append((chart, dataset.name if several else "", dataset[name]))
                chart = name
    return found


def _numbers(names: Sequence[str], statistics: Statistics) -> Markup:
    rows: list[list[Any]] = []
    for shown, split, column in _rows(names, statistics):
        stats = column.num_stats
        if stats is None:
            continue
        pair = _edges(stats)
        rows.append(
            [
                Cell(shown, column.name),
                split,
                column.type,
                _missing(column),
                stats.mean,
                stats.std_dev,
                _share(stats.num_zeros, stats.common_stats.num_non_missing),
                stats.min,
                stats.median,
                stats.max,
                spark(pair[1] if pair else [], label=f"Histogram of {column.name}", width=100),
            ]
        )
    heads = ["mean", "std dev", "zeros", "min", "median", "max"]
    return table([*_first(), *(Column(head, "number") for head in heads), Column("distribution", "markup")], rows)


def _strings(names: Sequence[str], statistics: Statistics) -> Markup:
    rows: list[list[Any]] = []
    for shown, split, column in _rows(names, statistics):
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
                _share(0 if top is None else top.frequency, stats.common_stats.num_non_missing),
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


def _others(names: Sequence[str], statistics: Statistics) -> Markup:
    rows: list[list[Any]] = []
    for shown, split, column in _rows(names, statistics):
        what = ""
        if column.bool_stats is not None:
            total = column.bool_stats.common_stats.num_non_missing
            what = f"{percent(column.bool_stats.num_true / total)} true" if total else "no value"
        elif column.timestamp_stats is not None and column.timestamp_stats.min is not None:
            what = f"{column.timestamp_stats.min} to {column.timestamp_stats.max}"
        # A moment has no chart to unfold.
        head = shown if column.bool_stats is not None else column.name
        rows.append([Cell(head, column.name), split, column.type, _missing(column), what])
    return table([*_first(), Column("values")], rows)


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


def _edges(stats: NumericStatistics) -> tuple[list[float], list[float]] | None:
    if not stats.histograms:
        return None
    buckets = stats.histograms[0].buckets
    return [buckets[0].low_value, *(b.high_value for b in buckets)], [bucket.sample_count for bucket in buckets]


def _shares(column: FeatureStatistics) -> dict[str, float]:
    total = column.common_stats.num_non_missing
    if not total:
        return {}
    if column.string_stats is not None:
        return {entry.value: entry.frequency / total for entry in column.string_stats.top_values}
    if column.bool_stats is not None:
        return {"true": column.bool_stats.num_true / total, "false": column.bool_stats.num_false / total}
    return {}
