"""What every source must do."""

from __future__ import annotations

import hashlib
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from headrace.data import ReportingShard, Source, Unreadable, hash_splits, open_parquet, snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headrace.data import Dataset

__all__ = ["SNAPSHOT_TYPES", "SourceSuite", "digest_file", "is_normal"]

SNAPSHOT_TYPES = (pa.int64(), pa.float64(), pa.string(), pa.bool_(), pa.timestamp("us"), pa.date32(), pa.binary())
_BATCH_ROWS = 65_536


def is_normal(kind: pa.DataType) -> bool:
    """Tell whether a type is one of a snapshot: of ``SNAPSHOT_TYPES``, or a list or struct of normal types."""
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        return is_normal(kind.value_type)
    if pa.types.is_struct(kind):
        return all(is_normal(field.type) for field in kind)
    return kind in SNAPSHOT_TYPES


def digest_file(path: Path) -> str:
    """Return the digest of a file's bytes."""
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


class SourceSuite:
    """Subclass it and return a source with rows from the fixture ``source``.

    Return ``expected``, the rows that can be read as a table, to have the values checked as well. Return ``broken``, to
    have it checked that no row gets lost, and ``others`` and ``alike`` for what is in the fingerprint and what is not.
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
    def broken(self) -> tuple[Source, int] | None:
        """Return a source some of whose rows cannot be read, and how many rows it has; None where there is none."""
        return None

    @pytest.fixture
    def others(self, source: Source) -> Sequence[Source]:  # noqa: ARG002 - a subclass may want it
        """Return sources that differ from ``source`` and from each other in content or options."""
        return ()

    @pytest.fixture
    def alike(self, source: Source) -> Sequence[Source]:  # noqa: ARG002 - a subclass may want it
        """Return sources with the content and options of ``source``, in other places."""
        return ()

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
        """There are seven, and lists and structs of them."""
        assert all(is_normal(field.type) for field in dataset.schema)

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

    def test_shards_can_be_read_side_by_side(self, dataset: Dataset) -> None:
        """On many threads, each shard by two of them, the rows are the same as one after the other."""
        shards = [shard for shard in dataset.shards for _ in range(2)]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda shard: list(shard.read()), shards))
        alone = [list(shard.read()) for shard in dataset.shards]
        assert found[::2] == alone
        assert found[1::2] == alone

    def test_no_row_is_lost(self, broken: tuple[Source, int] | None) -> None:
        """Rows read and rows set aside are the rows that are there, whatever columns are asked for."""
        if broken is None:
            pytest.skip("the suite was given no broken source")
        source, present = broken
        dataset = source.dataset()
        for columns in (None, dataset.columns[:1], dataset.columns[-1:]):
            unreadable: list[Unreadable] = []
            read = 0
            for shard in dataset.shards:
                batches = (
                    shard.read_reporting(unreadable.append, columns)
                    if isinstance(shard, ReportingShard)
                    else shard.read(columns)
                )
                read += sum(batch.num_rows for batch in batches)
            assert unreadable
            assert read + len(unreadable) == present
            assert all(row.file and row.row > 0 and row.reason for row in unreadable)

    def test_the_fingerprint_is_of_content_and_options(
        self, source: Source, others: Sequence[Source], alike: Sequence[Source]
    ) -> None:
        """It changes with them, and with nothing else."""
        own = source.fingerprint(digest_file)
        assert len({own, *(other.fingerprint(digest_file) for other in others)}) == 1 + len(others)
        assert {own, *(other.fingerprint(digest_file) for other in alike)} == {own}

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
        together = pa.concat_tables(parts)
        if any(pa.types.is_nested(field.type) for field in whole.schema):
            assert sorted(map(repr, together.to_pylist())) == sorted(map(repr, whole.to_pylist()))
        else:
            keys = [(name, "ascending") for name in whole.column_names]
            assert together.sort_by(keys).equals(whole.sort_by(keys))
