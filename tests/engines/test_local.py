from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from headrace.data import ParquetSink, dataset_from_table
from headrace.engines import LocalEngine
from headrace.errors import DataError
from headrace.testing import EngineSuite
from headrace.testing.engines import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class TestOneThread(EngineSuite):
    @pytest.fixture
    def engine(self) -> LocalEngine:
        return LocalEngine(workers=1)


class TestManyThreads(EngineSuite):
    @pytest.fixture
    def engine(self) -> LocalEngine:
        return LocalEngine(workers=4)


class TestAllProcessors(EngineSuite):
    @pytest.fixture
    def engine(self) -> LocalEngine:
        return LocalEngine()


@dataclass(frozen=True)
class SlowShard:
    index: int
    started: list[int]

    @property
    def num_rows(self) -> int | None:
        return 1

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        self.started.append(self.index)
        # Later shards finish first, so an engine that merges as they come is found out.
        time.sleep(0.02 if self.index % 4 == 0 else 0)
        if self.index == 5:
            raise ValueError("five")
        yield pa.record_batch({"a": [self.index]})


def test_the_merge_is_in_the_order_of_the_shards() -> None:
    shards = [SlowShard(index, []) for index in (0, 1, 2, 3, 4, 6, 7, 8, 9)]
    assert LocalEngine(workers=4).fold(shards, Rows).result() == [0, 1, 2, 3, 4, 6, 7, 8, 9]


def test_an_error_cancels_what_has_not_begun() -> None:
    started: list[int] = []
    shards = [SlowShard(index, started) for index in range(500)]
    with pytest.raises(ValueError, match="five"):
        LocalEngine(workers=2).fold(shards, Rows)
    assert len(started) < 50


class Counting:
    alive = 0
    most = 0
    lock = threading.Lock()

    def __init__(self) -> None:
        self.rows = 0

    def update(self, batch: pa.RecordBatch) -> None:
        with Counting.lock:
            Counting.alive += 1
            Counting.most = max(Counting.most, Counting.alive)
        self.rows += batch.num_rows

    def merge(self, other: Counting) -> None:
        time.sleep(0.001)
        with Counting.lock:
            Counting.alive -= 1
        self.rows += other.rows

    def result(self) -> int:
        return self.rows


def test_few_results_wait_to_be_merged() -> None:
    dataset = dataset_from_table(pa.table({"a": range(200)}), 1)
    assert LocalEngine(workers=2).fold(dataset.shards, Counting).result() == 200
    assert Counting.most <= 2 * 2 + 1


def test_map_over_no_shards_says_that_the_schema_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="schema"):
        LocalEngine().map([], lambda batch: batch, ParquetSink(tmp_path))
