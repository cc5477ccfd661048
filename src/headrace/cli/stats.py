"""``headrace stats``: statistics of any data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace.cli.output import Command, emit, json_option, table
from headrace.cli.sources import source_options

if TYPE_CHECKING:
    from headrace.cli.sources import Described
    from headrace.statistics import DatasetStatistics, FeatureStatistics

__all__ = ["command"]


@click.command("stats", cls=Command)
@source_options
@click.option("--column", "columns", multiple=True, metavar="NAME", help="Only this column; may be repeated.")
@click.option("--html", "page", type=click.Path(dir_okay=False), help="Write a page with pictures to this file too.")
@json_option
def command(data: Described, columns: tuple[str, ...], page: str | None, *, as_json: bool) -> None:
    """Print statistics of every column of a file, a glob, a folder or a URL.

    Example:
      headrace stats people.parquet
      headrace stats data/adult.data --names age,workclass,… --strip --null '?'
      headrace stats logs.jsonl
      headrace stats 'data/*.csv.gz' --json | jq '.datasets[0].num_examples'
    """
    from headrace.statistics import generate_statistics, visualize_statistics

    statistics = generate_statistics(data.source(), columns=columns or None)
    if page is not None:
        visualize_statistics(statistics, page)
    emit(statistics.to_dict(), lambda: _text(statistics.datasets[0]), as_json=as_json)


def _text(data: DatasetStatistics) -> str:
    head = ["column", "type", "missing", "distinct", "mean", "std", "min", "median", "max", "most frequent"]
    rows = [_row(feature, data.num_examples) for feature in data.features]
    return f"{data.num_examples:,} rows, {len(data.features)} columns\n" + table(head, rows, right=range(2, 9))


def _row(feature: FeatureStatistics, total: int) -> list[str]:
    common = feature.common_stats
    missing = f"{common.num_missing / total:.1%}" if total and common.num_missing else "-"
    cells = [feature.name, feature.type.lower(), missing]
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
    stamps = feature.timestamp_stats
    ends = ("", "") if stamps is None else (stamps.min or "-", stamps.max or "-")
    return [*cells, "", "", "", ends[0], "", ends[1], ""]


def _count(distinct: int, *, exact: bool) -> str:
    return f"{distinct:,}" if exact else f"≈ {distinct:,}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    # Numbers of a data set are read more easily without an exponent.
    whole = float(value).is_integer() and abs(value) < 1e15
    return f"{value:,.0f}" if whole else f"{value:,.6g}"


def _shown(value: str) -> str:
    """Return a string as it is, or in quotes where its ends would not be seen."""
    return value if value == value.strip() and value else repr(value)


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
