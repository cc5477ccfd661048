from __future__ import annotations

import pickle
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.data import Dataset, TableShard, dataset_from_table
from headrace.engines import LocalEngine
from headrace.errors import UsageError
from headrace.statistics import StatsOptions, generate_statistics
from headrace.statistics.sampling import RowNumbers, RowSample, chosen, numbered, row_hashes, trimmed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class SizelessShard:
    table: pa.Table

    @property
    def num_rows(self) -> int | None:
        return None

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        yield from TableShard(self.table).read(columns)


def test_rows_are_numbered_through_the_data_set() -> None:
    table = pa.table({"x": list(range(10))})
    for cut in (1, 3, 10):
        firsts = [RowNumbers().first(batch) for batch in numbered(dataset_from_table(table, cut)).batches()]
        assert firsts == list(range(0, 10, cut))


def test_shards_that_do_not_know_their_size_have_numbers_of_their_own() -> None:
    table = pa.table({"x": list(range(10))})
    shards = tuple(SizelessShard(table.slice(start, 5)) for start in (0, 5))
    firsts = [RowNumbers().first(batch) for batch in numbered(Dataset(table.schema, shards)).batches()]
    assert firsts[0] == 0
    assert firsts[1] > 10


def test_batches_that_do_not_say_where_they_stand_are_counted() -> None:
    numbers = RowNumbers()
    batch = pa.record_batch({"x": [1, 2, 3]})
    assert [numbers.first(batch) for _ in range(3)] == [0, 3, 6]


def test_hashes_are_even_and_depend_on_the_seed() -> None:
    hashes = row_hashes(0, 100_000)
    assert (row_hashes(40_000, 5) == hashes[40_000:40_005]).all()
    assert np.unique(hashes).size == hashes.size
    counts, _ = np.histogram(hashes.astype(np.float64) / 2.0**64, bins=20, range=(0.0, 1.0))
    # Five standard deviations of a binomial distribution.
    assert abs(counts - 5_000).max() < 5 * np.sqrt(100_000 * 0.05 * 0.95)
    assert not np.intersect1d(hashes, row_hashes(0, 100_000, seed=1)).size
    assert abs(int(chosen(hashes, 0.3).sum()) - 30_000) < 5 * np.sqrt(100_000 * 0.3 * 0.7)
    assert chosen(hashes, 1.0).all()


@given(st.integers(20, 700), st.integers(20, 700), st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_the_sample_is_the_same_for_any_cut_and_order(first: int, second: int, seed: int) -> None:
    table = pa.table({"x": list(range(2_000)), "s": [f"v{at}" for at in range(2_000)]})
    tables = []
    for cut in (first, second):
        parts = []
        for batch in numbered(dataset_from_table(table, cut)).batches():
            part = RowSample(50)
            part.update(batch, row_hashes(RowNumbers().first(batch), batch.num_rows))
            parts.append(pickle.loads(pickle.dumps(part)))
        random.Random(seed).shuffle(parts)
        for part in parts[1:]:
            parts[0].merge(part)
        tables.append(parts[0].table())
    assert tables[0].num_rows == 50
    assert tables[0].equals(tables[1])
    wanted = np.argsort(row_hashes(0, 2_000))[:50]
    assert tables[0]["x"].to_pylist() == wanted.tolist()


def test_long_values_are_cut() -> None:
    columns: dict[str, tuple[pa.Array, list[object]]] = {
        "s": (pa.array(["é" * 1_000, None]), [("é" * 400), None]),
        "b": (pa.array([b"x" * 100, None]), [b"x" * 64, None]),
        "l": (pa.array([["a" * 500] * 20, None, []]), [["a" * 400] * 8, None, []]),
        "f": (pa.array([[1, 2], None], pa.list_(pa.int64(), 2)), [[1, 2], None]),
        "t": (pa.array([{"s": "a" * 500}, None]), [{"s": "a" * 400}, None]),
        "n": (pa.array([1, None]), [1, None]),
        "d": (pa.array(["a", None]).dictionary_encode(), ["a", None]),
    }
    for column, expected in columns.values():
        assert trimmed(column).to_pylist() == expected
        assert trimmed(column.slice(1)).to_pylist() == expected[1:]


def test_a_sample_does_not_depend_on_threads_or_shards() -> None:
    rng = np.random.default_rng(5)
    table = pa.table({"x": rng.normal(size=20_000), "s": [f"k{at % 13}" for at in range(20_000)]})
    found = [
        generate_statistics(dataset_from_table(table, cut), sample_rate=0.25, engine=LocalEngine(threads))["data"]
        for cut, threads in ((20_000, 1), (900, 1), (900, 2), (7_000, 2))
    ]
    assert found[0].sample_rate == 0.25
    assert abs(found[0].num_examples - 5_000) < 5 * np.sqrt(20_000 * 0.25 * 0.75)
    for one in found[1:]:
        assert one.num_examples == found[0].num_examples
        assert one["s"] == found[0]["s"]
    numbers = found[0]["x"].num_stats
    assert numbers is not None
    assert numbers.mean is not None
    assert abs(numbers.mean) < 5 / np.sqrt(5_000)
    other = generate_statistics(table, options=StatsOptions(sample_rate=0.25, seed=1))["data"]
    assert other["s"] != found[0]["s"]


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.5])
def test_rates_lie_above_0_and_are_at_most_1(rate: float) -> None:
    with pytest.raises(UsageError, match="above 0 and is at most 1"):
        generate_statistics({"x": [1]}, sample_rate=rate)
