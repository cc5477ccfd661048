from __future__ import annotations

import pickle
import zipfile
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import csv

from headrace.data import Cleaning, Dataset, RowsSetAsideWarning, TableShard, dataset_from_table, with_cleaning
from headrace.engines import LocalEngine
from headrace.errors import DataError
from headrace.statistics import (
    DatasetStatistics,
    Statistics,
    StatisticsAccumulator,
    generate_statistics,
    visualize_statistics,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def adult(census_dir: Path, census_columns: list[str]) -> pa.Table:
    table = csv.read_csv(census_dir / "adult.data", csv.ReadOptions(column_names=census_columns))
    columns = []
    for column in table.columns:
        if pa.types.is_string(column.type):
            text = pc.utf8_trim_whitespace(column)
            columns.append(pc.if_else(pc.equal(text, "?"), None, text))
        else:
            columns.append(column)
    return pa.table(columns, names=census_columns)


@pytest.fixture(scope="module")
def flights(flights_dir: Path) -> pa.Table:
    with zipfile.ZipFile(flights_dir / "flights.csv.zip") as archive, archive.open(archive.namelist()[0]) as file:
        options = csv.ConvertOptions(null_values=["", "NA"], strings_can_be_null=True)
        return csv.read_csv(file, convert_options=options)


def agrees_with_duckdb(table: pa.Table, described: DatasetStatistics) -> None:
    data = table  # DuckDB finds the table by the name of the variable
    for name in table.schema.names:
        feature = described[name]
        count, missing = table.num_rows, table[name].null_count
        assert feature.common_stats.num_missing == missing
        assert feature.common_stats.num_non_missing == count - missing
        quoted = '"' + name + '"'
        if (numbers := feature.num_stats) is not None:
            row = duckdb.sql(
                f"select avg({quoted}), stddev_pop({quoted}), count_if({quoted} = 0), min({quoted}), max({quoted}), "
                f"count(distinct {quoted}), quantile_cont({quoted}::double, [0.1, 0.5, 0.9]) from data"
            ).fetchall()[0]
            assert numbers.mean == pytest.approx(row[0])
            assert numbers.std_dev == pytest.approx(row[1])
            assert (numbers.num_zeros, numbers.min, numbers.max, numbers.unique) == row[2:6]
            assert numbers.rank_error == 0.0
            assert [numbers.quantiles[10], numbers.median, numbers.quantiles[90]] == pytest.approx(row[6])
        if (strings := feature.string_stats) is not None:
            rows = duckdb.sql(
                f"select {quoted}, count(*) from data where {quoted} is not null group by 1 order by 2 desc, 1"
            ).fetchall()
            assert strings.unique == len(rows)
            assert [(entry.value, entry.frequency) for entry in strings.top_values] == rows[:1000]
            length = duckdb.sql(f"select avg(length({quoted})) from data").fetchall()
            assert strings.avg_length == pytest.approx(length[0][0])
    del data


def test_census_agrees_with_duckdb(adult: pa.Table) -> None:
    statistics = generate_statistics(dataset_from_table(adult, 5_000), name="train")
    assert statistics["train"].num_examples == 32_561
    agrees_with_duckdb(adult, statistics["train"])


def test_flights_agree_with_duckdb(flights: pa.Table) -> None:
    agrees_with_duckdb(flights, generate_statistics(dataset_from_table(flights))["data"])


def test_every_engine_and_sharding_gives_the_same(flights: pa.Table) -> None:
    wanted = ["dep_delay", "carrier", "tailnum", "time_hour"]
    table = flights.select(wanted).slice(0, 60_000)
    one = generate_statistics(Dataset(table.schema, (TableShard(table),)), engine=LocalEngine(1))
    for rows in (977, 20_000):
        shards = dataset_from_table(table, rows)
        many = generate_statistics(shards, engine=LocalEngine(3))
        assert many == generate_statistics(shards, engine=LocalEngine(1))
        for name in wanted[1:]:
            assert many["data"][name] == one["data"][name]
        a, b = many["data"]["dep_delay"].num_stats, one["data"]["dep_delay"].num_stats
        assert a is not None
        assert b is not None
        assert a.quantiles == b.quantiles
        assert a.histograms == b.histograms
        assert a.mean == pytest.approx(b.mean)


def test_columns_are_chosen_and_ordered(adult: pa.Table) -> None:
    statistics = generate_statistics(dataset_from_table(adult), columns=["sex", "age"])
    assert statistics["data"].names == ("sex", "age")
    with pytest.raises(DataError, match="Did you mean 'age'"):
        generate_statistics(dataset_from_table(adult), columns=["aeg"])


def test_anything_with_arrow_inside_is_a_source() -> None:
    statistics = generate_statistics({"x": [1.0, None], "s": ["a", "b"]})
    assert statistics["data"].num_examples == 2
    assert generate_statistics(pa.table({"x": [1]}))["data"]["x"].type == "INT"


def test_empty_data_is_described_too() -> None:
    table = pa.table({"x": pa.array([], pa.float64()), "s": pa.array([], pa.string()), "b": pa.array([], pa.bool_())})
    dataset = generate_statistics(dataset_from_table(table))["data"]
    assert dataset.num_examples == 0
    assert dataset["x"].num_stats is not None
    assert dataset["x"].num_stats.mean is None


def test_cleaning_is_carried_along() -> None:
    field = with_cleaning(pa.field("s", pa.string()), Cleaning(strip=True, null_values=("?",)))
    table = pa.table([pa.array(["a", None])], schema=pa.schema([field]))
    feature = generate_statistics(dataset_from_table(table))["data"]["s"]
    assert feature.strip
    assert feature.null_values == ("?",)


def test_a_type_without_statistics_names_its_column() -> None:
    spans = pa.array([1], pa.duration("s"))
    with pytest.raises(DataError, match=r"column 'trip\.took'"):
        generate_statistics(dataset_from_table(pa.table({"trip": pa.StructArray.from_arrays([spans], ["took"])})))


def test_accumulators_can_travel() -> None:
    rng = np.random.default_rng(3)
    table = pa.table({"x": rng.normal(size=120_000), "s": [f"k{i}" for i in rng.integers(0, 90_000, 120_000)]})
    halves = []
    for half in (table.slice(0, 60_000), table.slice(60_000)):
        accumulator = StatisticsAccumulator(table.schema)
        for batch in half.to_batches():
            accumulator.update(batch)
        halves.append(accumulator)
    travelled: StatisticsAccumulator = pickle.loads(pickle.dumps(halves[0]))
    for accumulator in (travelled, halves[0]):
        accumulator.merge(halves[1])
    assert travelled.result() == halves[0].result()
    assert Statistics((travelled.result(),))["data"].num_examples == 120_000


def test_rows_that_cannot_be_read_are_counted_and_said(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x,s\n" + "".join(f"{at if at % 60 else 'NA'},a\n" for at in range(300)))
    with pytest.warns(RowsSetAsideWarning, match=r"5 of 300 rows cannot be read .*row 2: column 'x'") as caught:
        statistics = generate_statistics(file)
    assert caught[0].filename == __file__
    assert (statistics["data"].num_examples, statistics["data"].num_set_aside) == (295, 5)
    assert len(statistics["data"].set_aside) == 3
    assert Statistics.from_json(statistics.to_json()) == statistics
    assert "5 more cannot be read, the first: " in visualize_statistics(statistics)
