"""What every source must do."""

from __future__ import annotations

import hashlib
import pickle
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from headrace.data import ReportingShard, Source, Unreadable, hash_splits, open_parquet, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.data import Dataset

__all__ = ["SNAPSHOT_TYPES", "SourceSuite", "digest_file"]

SNAPSHOT_TYPES = (pa.int64(), pa.float64(), pa.string(), pa.bool_(), pa.timestamp("us"), pa.date32())
_BATCH_ROWS = 65_536


def digest_file(path: Path) -> str:
    """Return the digest of a file's bytes."""
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


class SourceSuite:
    """Subclass it and return a source with rows from the fixture ``source``.

    Return ``expected``, the rows that can be read as a table, to have the values checked as well.
    """

    @pytest.fixture
    def source(self) -> Source:
        """Return the source to test."""
        raise pytest.UsageError("the suite needs a fixture named source")

    @pytest.fixture
    def expected(self) -> pa.Table | None:
        """Return the rows, or None where they are not to be compared."""
        return None

    @pytest.fixture
    def dataset(self, source: Source) -> Dataset:
        """Return the opened source."""
        return source.dataset()

    def test_it_is_a_source(self, source: Source) -> None:
        """It has the methods."""
        assert isinstance(source, Source)

    def test_it_can_be_pickled(self, source: Source) -> None:
        """It goes to other processes."""
        again = pickle.loads(pickle.dumps(source))  # noqa: S301 - our own bytes
        assert again.dataset().to_table().equals(source.dataset().to_table())

    def test_shards_can_be_pickled(self, dataset: Dataset) -> None:
        """They go to other machines."""
        for shard in dataset.shards:
            again = pickle.loads(pickle.dumps(shard))  # noqa: S301 - our own bytes
            assert list(again.read()) == list(shard.read())

    def test_the_values(self, dataset: Dataset, expected: pa.Table | None) -> None:
        """The rows are those that are expected."""
        if expected is not None:
            assert dataset.to_table().replace_schema_metadata(None).equals(expected)

    def test_types_are_those_of_a_snapshot(self, dataset: Dataset) -> None:
        """There are six."""
        assert all(field.type in SNAPSHOT_TYPES for field in dataset.schema)

    def test_batches_have_the_schema_and_are_small(self, dataset: Dataset) -> None:
        """No batch is larger than 65,536 rows, and every shard has one."""
        for shard in dataset.shards:
            batches = list(shard.read())
            assert batches
            for batch in batches:
                assert batch.schema.equals(dataset.schema)
                assert batch.num_rows <= _BATCH_ROWS

    def test_shards_can_be_read_again(self, dataset: Dataset) -> None:
        """Twice is the same as once."""
        assert dataset.to_table().equals(dataset.to_table())

    def test_columns_are_chosen_in_the_order_asked_for(self, dataset: Dataset) -> None:
        """A projection has the same rows."""
        whole = dataset.to_table()
        backwards = dataset.columns[::-1]
        assert dataset.to_table(backwards).equals(whole.select(backwards))
        for name in dataset.columns:
            assert dataset.to_table([name]).equals(whole.select([name]))

    def test_num_rows_is_the_truth(self, dataset: Dataset) -> None:
        """A shard that knows its size is right."""
        for shard in dataset.shards:
            assert shard.num_rows in {None, sum(batch.num_rows for batch in shard.read())}

    def test_reporting_gives_the_same_rows(self, dataset: Dataset) -> None:
        """Whether anyone listens makes no difference."""
        for shard in dataset.shards:
            if isinstance(shard, ReportingShard):
                unreadable: list[Unreadable] = []
                assert list(shard.read_reporting(unreadable.append)) == list(shard.read())
                assert all(row.file and row.row > 0 and row.reason for row in unreadable)

    def test_the_fingerprint_is_stable(self, source: Source) -> None:
        """The same content has the same identity."""
        again: Source = pickle.loads(pickle.dumps(source))  # noqa: S301 - our own bytes
        assert source.fingerprint(digest_file) == again.fingerprint(digest_file)

    def test_a_snapshot_has_all_rows(self, source: Source, dataset: Dataset, tmp_path: Path) -> None:
        """Whole and in order; split, nothing is lost and nothing is twice."""
        whole = dataset.to_table()
        report = snapshot(source, tmp_path / "whole")
        assert report.rows == {"all": whole.num_rows}
        assert open_parquet(tmp_path / "whole" / "all").to_table().equals(whole)
        split = snapshot(source, tmp_path / "split", split=hash_splits({"train": 2, "eval": 1}))
        parts = [open_parquet(tmp_path / "split" / name).to_table() for name in ("train", "eval")]
        assert [part.num_rows for part in parts] == [split.rows["train"], split.rows["eval"]]
        keys = [(name, "ascending") for name in whole.column_names]
        assert pa.concat_tables(parts).sort_by(keys).equals(whole.sort_by(keys))
