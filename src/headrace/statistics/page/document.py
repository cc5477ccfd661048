"""The page as one document."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.errors import UsageError, did_you_mean
from headrace.statistics.page.flags import FLAGS, distinct, flags
from headrace.statistics.page.plain import aligned, page_data
from headrace.viz import Column, Markup, number, percent, table, tag
from headrace.viz.apps import app

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.statistics.results import Statistics
    from headrace.statistics.values import FeatureStatistics

__all__ = ["index_of", "statistics_page"]

# In this order they are one script.
_SCRIPTS = ("basics", "charts", "table", "details", "relations", "main")
_PLAIN_SETS = 3


def statistics_page(
    statistics: Statistics,
    *,
    baseline: str | None = None,
    distances: Mapping[str, float] | None = None,
    anomalies: Mapping[str, Sequence[tuple[str, str]]] | None = None,
) -> str:
    """Return a page that stands alone: a table of the features, and each one's details on a click.

    Without a script it has a plain table of the numbers. The rows that are in sight are drawn and no others, so that
    thousands of features scroll, sort and filter at once.

    Parameters
    ----------
    statistics
        Of one or more data sets.
    baseline
        The data set that the others are compared with; the first when None.
    distances
        Feature to how far it has moved, where it was measured; otherwise the page measures.
    anomalies
        Feature to (severity, text) of what is wrong with it.

    Raises
    ------
    UsageError
        If there is no data set of the baseline's name.
    """
    base = index_of(statistics, baseline)
    data = page_data(statistics, baseline=base, distances=distances, anomalies=anomalies)
    # A name may hold half a surrogate pair, which is no text that a file can hold.
    try:
        text = msgspec.json.encode(data).decode()
    except UnicodeEncodeError:
        text = msgspec.json.encode(_writable(data)).decode()
    names = aligned(statistics)
    several = len(statistics.datasets)
    sets = f"{several} data sets" if several > 1 else f"data set {statistics.names[0]}" if several else "no data set"
    return app(
        "Statistics",
        tag("div", _plain_table(statistics, names, base, anomalies or {}), id="plain", class_="hr-section"),
        data=text,
        styles=_asset("style.css"),
        scripts="(() => {\n" + "".join(_asset(f"{name}.js") for name in _SCRIPTS) + "})();\n",
        subtitle=f"{len(names):,} features in {sets}",
    )


def index_of(statistics: Statistics, baseline: str | None) -> int:
    """Return the place of the data set that the others are compared with.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if baseline is None:
        return 0
    if baseline not in statistics.names:
        raise UsageError(
            "The baseline is one of the data sets", got=baseline, fix=did_you_mean(baseline, statistics.names)
        )
    return statistics.names.index(baseline)


@cache
def _asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _writable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_writable(one) for one in value]
    return {key: _writable(one) for key, one in value.items()} if isinstance(value, dict) else value


def _plain_table(
    statistics: Statistics,
    names: Mapping[str, Sequence[FeatureStatistics | None]],
    base: int,
    anomalies: Mapping[str, Any],
) -> Markup:
    """Return the numbers that matter most, for where no script runs."""
    shown = range(len(statistics.datasets)) if len(statistics.datasets) <= _PLAIN_SETS else [base]
    rows = []
    for name, columns in names.items():
        remarks = ", ".join(FLAGS[flag][0] for flag in flags(columns, anomalous=name in anomalies))
        for index in shown:
            column = columns[index]
            if column is not None:
                rows.append([name, column.type, statistics.names[index], *_essentials(column), remarks])
    heads = ["missing", "distinct", "mean", "std dev", "zeros", "min", "median", "max"]
    columns_ = [Column("feature"), Column("type"), Column("data set"), *(Column(head, "number") for head in heads)]
    return table([*columns_, Column("most frequent"), Column("remarks")], rows, sortable=False)


def _essentials(column: FeatureStatistics) -> list[Any]:
    common = column.common_stats
    rows, values = common.num_missing + common.num_non_missing, common.num_values
    many = distinct(column)
    shown: list[Any] = [
        percent(common.num_missing / rows) if rows else None,
        None if many is None else f"{'' if many[1] else '≈ '}{many[0]:,}",
    ]
    top = ""
    if column.num_stats is not None:
        stats = column.num_stats
        zeros = percent(stats.num_zeros / values) if values else None
        shown += [stats.mean, stats.std_dev, zeros, *map(number, (stats.min, stats.median, stats.max))]
    elif column.timestamp_stats is not None:
        moments = column.timestamp_stats
        shown += [None, None, None, moments.min, moments.median, moments.max]
    else:
        shown += [None] * 6
    if column.string_stats is not None and column.string_stats.top_values:
        first = column.string_stats.top_values[0]
        value = first.value if len(first.value) <= 80 else first.value[:79] + "…"
        top = f"{value or '(empty)'} ({percent(first.frequency / values)})" if values else value
    elif column.bool_stats is not None and values:
        top = f"true ({percent(column.bool_stats.num_true / values)})"
    return [*shown, top]
