"""``headrace stats``: statistics of any data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace.cli.output import emit, json_option, table
from headrace.cli.sources import source_options

if TYPE_CHECKING:
    from headrace.data import Source
    from headrace.statistics import DatasetStatistics, FeatureStatistics

__all__ = ["command"]


@click.command("stats")
@source_options
@click.option("--column", "columns", multiple=True, metavar="NAME", help="Only this column; may be repeated.")
@click.option("--html", "page", type=click.Path(dir_okay=False), help="Write a page with pictures to this file too.")
@json_option
def command(source: Source, columns: tuple[str, ...], page: str | None, *, as_json: bool) -> None:
    """Print statistics of every column of a file, a glob or a folder.

    \b
    Examples:
      headrace stats people.parquet
      headrace stats data/adult.data --names age,workclass,… --strip --null '?'
      headrace stats 'data/*.csv.gz' --json | jq '.datasets[0].num_examples'
    """
    from headrace.statistics import generate_statistics, visualize_statistics

    statistics = generate_statistics(source, columns=columns or None)
    if page is not None:
        visualize_statistics(statistics, page)
    emit(statistics.to_dict(), lambda: _text(statistics.datasets[0]), as_json=as_json)


def _text(data: DatasetStatistics) -> str:
    head = ["column", "type", "missing", "distinct", "mean", "std", "min", "median", "max", "most frequent"]
    rows = [_row(feature, data.num_examples) for feature in data.features]
    return f"{data.num_examples:,} rows, {len(data.features)} columns\n" + table(head, rows, right=range(2, 9))


def _row(feature: FeatureStatistics, total: int) -> list[str]:
    common = feature.common_stats
    missing = f"{common.num_missing / total:.1%}" if total and common.num_missing else "–"
    cells = [feature.name, feature.type.lower(), missing]
    if feature.num_stats is not None:
        numbers = feature.num_stats
        spread = [numbers.mean, numbers.std_dev, numbers.min, numbers.median, numbers.max]
        return [*cells, "", *(f"{value:.6g}" if value is not None else "–" for value in spread), ""]
    if feature.string_stats is not None:
        strings = feature.string_stats
        top = ", ".join(f"{one.value} {one.frequency:,}" for one in strings.top_values[:3])
        return [*cells, f"{strings.unique:,}", "", "", "", "", "", top[:60]]
    return [*cells, "", "", "", "", "", "", ""]
