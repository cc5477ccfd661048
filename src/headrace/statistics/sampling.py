"""Where rows stand in a data set, and samples that depend on nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.data import Dataset, ReportingShard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from headrace.data import Shard, Unreadable
    from headrace.engines.hashing import Hashes

__all__ = ["SAMPLE_ROWS", "RowNumbers", "RowSample", "chosen", "numbered", "row_hashes", "trimmed"]

SAMPLE_ROWS = 2_048
_KEY = b"headrace.first_row"
# Where a shard does not know its size, the next one's rows are numbered from a place of their own.
_SHARD = 1 << 40
_TEXT = 400
_BYTES = 64
_ITEMS = 8


@dataclass(frozen=True)
class _NumberedShard:
    """A shard whose batches say which row of the data set is their first."""

    shard: Shard
    first: int

    @property
    def num_rows(self) -> int | None:
        return self.shard.num_rows

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        yield from self._numbered(self.shard.read(columns))

    def read_reporting(
        self, report: Callable[[Unreadable], None], columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        if isinstance(self.shard, ReportingShard):
            yield from self._numbered(self.shard.read_reporting(report, columns))
        else:
            yield from self.read(columns)

    def _numbered(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        row = self.first
        for batch in batches:
            yield batch.replace_schema_metadata({**(batch.schema.metadata or {}), _KEY: str(row).encode()})
            row += batch.num_rows


def numbered(dataset: Dataset) -> Dataset:
    """Return the dataset with batches that say where they stand, for :class:`RowNumbers`.

    Rows are numbered through the whole data set as far as shards know their sizes, so that the numbers do not depend
    on how it is cut; a shard behind one that does not know its size has numbers of its own.
    """
    shards = []
    first: int | None = 0
    for index, shard in enumerate(dataset.shards):
        shards.append(_NumberedShard(shard, (index + 1) * _SHARD if first is None else first))
        size = shard.num_rows
        first = None if first is None or size is None else first + size
    return Dataset(dataset.schema, tuple(shards))


class RowNumbers:
    """Numbers of the rows of batches: their place in the data set, or counted where a batch does not say it."""

    def __init__(self) -> None:
        self._next = 0

    def first(self, batch: pa.RecordBatch) -> int:
        """Return the number of the batch's first row."""
        said = (batch.schema.metadata or {}).get(_KEY)
        first = self._next if said is None else int(said)
        self._next = first + batch.num_rows
        return first


def row_hashes(first: int, count: int, seed: int = 0) -> Hashes:
    """Return evenly spread hashes of the numbers of ``count`` rows from ``first`` on."""
    start = np.uint64((first + seed * 0xA0761D6478BD642F) % (1 << 64))
    # The output function of splitmix64 (Steele, Lea and Flood 2014), whose states are the numbers.
    mixed = (np.arange(1, count + 1, dtype=np.uint64) + start) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def chosen(hashes: Hashes, rate: float) -> NDArray[np.bool_]:
    """Return which rows a sample of a rate in (0, 1] has."""
    if rate >= 1.0:
        return np.ones(hashes.size, np.bool_)
    return hashes < np.uint64(int(rate * 2.0**64))


class RowSample:
    """The rows with the smallest hashes: a sample without replacement that is the same for any cut of the data.

    Texts are cut after 400 characters, bytes after 64, lists after 8 items, so that memory is bounded.

    Parameters
    ----------
    size
        Rows that are kept.
    """

    def __init__(self, size: int = SAMPLE_ROWS) -> None:
        self._size = size
        self._hashes: Hashes = np.empty(0, np.uint64)
        self._rows: list[pa.Table] = []
        self._limit: np.uint64 | None = None

    def update(self, batch: pa.RecordBatch, hashes: Hashes) -> None:
        """Take in a batch, with one hash a row."""
        picked = np.arange(hashes.size) if self._limit is None else np.flatnonzero(hashes < self._limit)
        if picked.size > self._size:
            picked = picked[np.argpartition(hashes[picked], self._size - 1)[: self._size]]
            picked.sort()
        if picked.size:
            self._add(hashes[picked], _trimmed_table(batch.take(pa.array(picked))))

    def merge(self, other: Self) -> None:
        """Take in what another sample of the same size has seen."""
        if other._hashes.size:
            self._add(other._hashes, pa.concat_tables(other._rows))

    def to_state(self) -> dict[str, Any]:
        """Return the sampled rows as a table, and their hashes."""
        return {"hashes": self._hashes, "rows": self.table()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state, in place of what was seen."""
        self._hashes, self._rows, self._limit = np.empty(0, np.uint64), [], None
        if state["rows"] is not None:
            self._add(state["hashes"], state["rows"])

    def table(self) -> pa.Table | None:
        """Return the sampled rows, in the order of their hashes; None where there was no row."""
        if not self._rows:
            return None
        self._compact()
        return self._rows[0]

    def __getstate__(self) -> dict[str, object]:
        if self._rows:
            self._compact()
        return self.__dict__

    def _add(self, hashes: Hashes, rows: pa.Table) -> None:
        self._hashes = np.concatenate([self._hashes, hashes])
        self._rows.append(rows)
        if self._hashes.size > 2 * self._size:
            self._compact()
        elif self._limit is None and self._hashes.size >= self._size:
            self._limit = np.partition(self._hashes, self._size - 1)[self._size - 1]

    def _compact(self) -> None:
        order = np.argsort(self._hashes, kind="stable")[: self._size]
        self._hashes = self._hashes[order]
        self._rows = [pa.concat_tables(self._rows).take(pa.array(order)).combine_chunks()]
        if order.size == self._size:
            self._limit = self._hashes[-1]


def _trimmed_table(batch: pa.RecordBatch) -> pa.Table:
    return pa.table([trimmed(column) for column in batch.columns], names=batch.schema.names)


def trimmed(column: pa.Array) -> pa.Array:
    """Return a column with the beginnings of long texts, bytes and lists, in place of all of them."""
    kind = column.type
    types = pa.types
    if types.is_dictionary(kind):
        return trimmed(column.dictionary_decode())
    if types.is_string(kind) or types.is_large_string(kind):
        return pc.utf8_slice_codeunits(column.cast(pa.large_string()), 0, _TEXT)
    if types.is_binary(kind) or types.is_large_binary(kind):
        return pc.binary_slice(column.cast(pa.large_binary()), 0, _BYTES)
    if types.is_fixed_size_list(kind) or types.is_list(kind) or types.is_large_list(kind):
        short = pc.list_slice(column, 0, _ITEMS, return_fixed_size_list=False)
        offsets = np.concatenate([[0], np.cumsum(pc.fill_null(pc.list_value_length(short), 0).to_numpy())])
        mask = column.is_null() if column.null_count else None
        return pa.LargeListArray.from_arrays(
            pa.array(offsets, pa.int64()), trimmed(short.flatten()), mask=None if mask is None else mask
        )
    if types.is_struct(kind):
        fields = [trimmed(column.field(at)) for at in range(kind.num_fields)]
        names = [kind.field(at).name for at in range(kind.num_fields)]
        return pa.StructArray.from_arrays(fields, names, mask=column.is_null() if column.null_count else None)
    return column
