"""What every engine must do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from headrace.data import ParquetSink, dataset_from_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from headrace.engines import Engine

__all__ = ["EngineSuite", "FailingShard", "Rows"]


@dataclass
class Rows:
    """An accumulator that remembers the values of the first column, in order."""

    values: list[Any] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def update(self, batch: pa.RecordBatch) -> None:
        """Take in a batch."""
        self.names = batch.schema.names
        self.values += batch.column(0).to_pylist()

    def merge(self, other: Rows) -> None:
        """Take in another accumulator."""
        self.names = self.names or other.names
        self.values += other.values

    def result(self) -> list[Any]:
        """Return the values."""
        return self.values


@dataclass(frozen=True)
class FailingShard:
    """A shard that yields a batch and then fails."""

    message: str = "the disk is on fire"

    @property
    def num_rows(self) -> int | None:
        """Not known."""
        return None

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:  # noqa: ARG002 - it has one column
        """Yield one batch, then raise."""
        yield pa.record_batch({"a": [1, 2]})
        raise ValueError(self.message)


def _double(batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.record_batch({"twice": [2 * value for value in batch.column("a").to_pylist()]})


def _same(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch


def _fail_on_seven(batch: pa.RecordBatch) -> pa.RecordBatch:
    if 7 in batch.column("a").to_pylist():
        raise ValueError("seven")
    return batch


class EngineSuite:
    """Subclass it and return your engine from the fixture ``engine``.

    Examples
    --------
    ::

        class TestMine(EngineSuite):
            @pytest.fixture
            def engine(self):
                return MyEngine()
    """

    @pytest.fixture
    def engine(self) -> Engine:
        """Return the engine to test."""
        raise pytest.UsageError("the suite needs a fixture named engine")

    @pytest.fixture
    def table(self) -> pa.Table:
        """Return 1,000 rows."""
        return pa.table({"a": range(1000), "b": [f"row {index}" for index in range(1000)]})

    @pytest.mark.parametrize("rows_per_shard", [1, 7, 100, 1000, 5000])
    def test_fold_sees_every_row_in_order(self, engine: Engine, table: pa.Table, rows_per_shard: int) -> None:
        """The order of the shards is the order of the merge."""
        table = table.slice(0, 150) if rows_per_shard == 1 else table
        dataset = dataset_from_table(table, rows_per_shard)
        assert engine.fold(dataset.shards, Rows).result() == table.column("a").to_pylist()

    def test_fold_reads_only_the_columns_asked_for(self, engine: Engine, table: pa.Table) -> None:
        """The accumulator sees these columns, in this order."""
        folded = engine.fold(dataset_from_table(table, 300).shards, Rows, columns=["b"])
        assert folded.names == ["b"]
        assert folded.result()[-1] == "row 999"

    def test_fold_of_no_shards_is_an_empty_accumulator(self, engine: Engine) -> None:
        """There is nothing to do."""
        assert engine.fold([], Rows).result() == []

    def test_fold_of_no_rows_knows_the_schema(self, engine: Engine, table: pa.Table) -> None:
        """A shard yields a batch even where it has no rows."""
        folded = engine.fold(dataset_from_table(table.slice(0, 0)).shards, Rows)
        assert (folded.names, folded.result()) == (["a", "b"], [])

    def test_fold_hands_on_the_error(self, engine: Engine, table: pa.Table) -> None:
        """The error of a shard is the caller's."""
        shards = [*dataset_from_table(table, 100).shards, FailingShard()]
        with pytest.raises(ValueError, match="on fire"):
            engine.fold(shards, Rows)

    @pytest.mark.parametrize("rows_per_shard", [7, 100, 1000])
    def test_map_keeps_the_order(self, engine: Engine, table: pa.Table, tmp_path: Path, rows_per_shard: int) -> None:
        """Row ``i`` of the result comes from row ``i``."""
        dataset = engine.map(dataset_from_table(table, rows_per_shard).shards, _double, ParquetSink(tmp_path))
        assert dataset.columns == ["twice"]
        assert dataset.to_table().column("twice").to_pylist() == list(range(0, 2000, 2))

    def test_map_reads_only_the_columns_asked_for(self, engine: Engine, table: pa.Table, tmp_path: Path) -> None:
        """The function sees these columns."""
        shards = dataset_from_table(table.append_column("c", table.column("b")), 100).shards
        dataset = engine.map(shards, _same, ParquetSink(tmp_path), columns=["c", "a"])
        assert dataset.columns == ["c", "a"]
        assert dataset.count_rows() == table.num_rows

    def test_map_of_no_rows_knows_the_schema(self, engine: Engine, table: pa.Table, tmp_path: Path) -> None:
        """The function is called with an empty batch."""
        dataset = engine.map(dataset_from_table(table.slice(0, 0)).shards, _double, ParquetSink(tmp_path))
        assert (dataset.columns, dataset.count_rows()) == (["twice"], 0)

    def test_map_hands_on_the_error_and_leaves_nothing_in_part(
        self, engine: Engine, table: pa.Table, tmp_path: Path
    ) -> None:
        """What a failed shard has written is removed."""
        with pytest.raises(ValueError, match="seven"):
            engine.map(dataset_from_table(table, 1000).shards, _fail_on_seven, ParquetSink(tmp_path))
        with pytest.raises(ValueError, match="on fire"):
            engine.map([FailingShard()], _double, ParquetSink(tmp_path))
        assert list(tmp_path.iterdir()) == []

    def test_the_same_work_gives_the_same_bytes(self, engine: Engine, table: pa.Table, tmp_path: Path) -> None:
        """Threads and processes do not show in the result."""
        shards = dataset_from_table(table, 90).shards
        for name in ("one", "two"):
            engine.map(shards, _double, ParquetSink(tmp_path / name))
        files = sorted(path.name for path in (tmp_path / "one").iterdir())
        assert files
        for file in files:
            assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
