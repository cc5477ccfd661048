"""``headrace stats``: statistics of any data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace.cli.output import Command, emit, json_option
from headrace.cli.sources import source_options
from headrace.cli.statistics_text import compared, described

if TYPE_CHECKING:
    from headrace.cli.sources import Described
    from headrace.statistics import Statistics

__all__ = ["command"]


@click.command("stats", cls=Command)
@source_options
@click.option("--column", "columns", multiple=True, metavar="NAME", help="Only this column; may be repeated.")
@click.option("--weight", metavar="COLUMN", help="The weight of each row.")
@click.option("--label", metavar="COLUMN", help="What is to be predicted: say how each column goes with it.")
@click.option("--slice", "slices", multiple=True, metavar="A,B,…", help="A slice a value of theirs; may be repeated.")
@click.option("--where", "predicates", multiple=True, metavar="SQL", help="A slice of the rows for which it is true.")
@click.option("--cross", is_flag=True, help="Say how each two columns go together.")
@click.option(
    "--sample", type=click.FloatRange(0, 1, min_open=True), metavar="RATE", help="Look at a share of the rows."
)
@click.option(
    "--compare",
    "others",
    multiple=True,
    metavar="PATH",
    help="Other data, and what has drifted; may be repeated.",
)
@click.option("--html", "page", type=click.Path(dir_okay=False), help="Write a page with pictures to this file too.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write the statistics as JSON to this file too.")
@json_option
def command(
    data: Described,
    columns: tuple[str, ...],
    weight: str | None,
    label: str | None,
    slices: tuple[str, ...],
    predicates: tuple[str, ...],
    sample: float | None,
    others: tuple[str, ...],
    page: str | None,
    output: str | None,
    *,
    cross: bool,
    as_json: bool,
) -> None:
    """Print statistics of every column of a file, a glob, a folder, a URL, or standard input (-).

    Example:
      headrace stats people.parquet
      headrace stats data/adult.data --names age,workclass,… --strip --null '?'
      headrace stats march.parquet --compare april.parquet --html months.html
      zcat logs.jsonl.gz | headrace stats - --format jsonl --json | jq '.datasets[0].num_examples'
    """
    from headrace.statistics import StatsOptions, generate_statistics, visualize_statistics
    from headrace.validation import compare_statistics

    options = StatsOptions(
        feature_allowlist=columns or None,
        weight_feature=weight,
        label_feature=label,
        slices=[one.split(",") for one in slices],
        slice_sqls=predicates,
        cross_features=cross,
        sample_rate=sample,
    )

    def of(path: str, name: str) -> Statistics:
        return generate_statistics(data.source(path), name=name, options=options)

    names = _names([data.path, *others])
    found = [of(path, name) for path, name in zip([data.path, *others], names, strict=True)]
    statistics = found[0].merge(*found[1:])
    comparison = compare_statistics(*(one.only(one.names[0]) for one in found)) if others else None
    distances = None if comparison is None else {one.feature: one.effect for one in reversed(comparison.features)}
    if page is not None:
        visualize_statistics(statistics, page, distances=distances)
    if output is not None:
        statistics.save(output)
    plain = statistics.to_dict()
    if comparison is not None:
        plain["comparison"] = comparison.to_dict()

    def text() -> str:
        parts = [described(dataset, named=len(statistics.datasets) > 1) for dataset in statistics.datasets]
        parts += [] if comparison is None else [compared(comparison)]
        written = [f"wrote {path}" for path in (page, output) if path is not None]
        return "\n\n".join([*parts, *(["\n".join(written)] if written else [])])

    emit(plain, text, as_json=as_json)


def _names(paths: list[str]) -> list[str]:
    """Name the first data set ``data`` where it is alone, and otherwise each by the end of its path that is its own.

    >>> _names(["old/a.csv", "new/a.csv", "new/b.csv"]), _names(["a.csv", "a.csv"])
    (['old/a.csv', 'new/a.csv', 'new/b.csv'], ['a.csv', 'a.csv (2)'])
    """
    if len(paths) == 1:
        return ["data"]
    parts = [path.replace("\\", "/").split("/") for path in paths]
    for length in range(1, max(map(len, parts)) + 1):
        ends = ["/".join(part[-length:]) for part in parts]
        if len(set(ends)) == len(set(paths)):
            break
    return [end if ends.index(end) == at else f"{end} ({at + 1})" for at, end in enumerate(ends)]
