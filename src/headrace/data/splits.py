"""Which split a row belongs to."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors import DataError, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

__all__ = ["HashSplitter", "Splitter", "hash_rows", "hash_splits"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MISSING = np.uint64(0x6A09E667F3BCC909)
_BITS = 53


class Splitter(Protocol):
    """Assigns rows to named splits; the same row gets the same split wherever it stands."""

    @property
    def names(self) -> tuple[str, ...]:
        """The splits."""
        ...

    def assign(self, batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
        """Return the index into ``names`` for each row, int64 of shape [rows]."""
        ...


def _mix(bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Finish splitmix64 (Steele, Lea and Flood, 2014), modulo 2**64."""
    bits = bits + _GOLDEN
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _digest(text: str | bytes) -> int:
    data = text.encode() if isinstance(text, str) else text
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def _hash_column(column: pa.Array) -> npt.NDArray[np.uint64]:
    if pa.types.is_nested(column.type):
        return _hash_nested(column)
    text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type) or pa.types.is_binary(column.type)
    if text or pa.types.is_dictionary(column.type):
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        words = np.array([_MISSING if w is None else _digest(w) for w in encoded.dictionary.to_pylist()], np.uint64)
        words = np.append(words, _MISSING)
        indices = encoded.indices.cast(pa.int64()).fill_null(len(words) - 1)
        return np.asarray(words[indices.to_numpy(zero_copy_only=False)])
    if pa.types.is_floating(column.type):
        floats = column.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False)
        # Zeros of both signs are equal, and so are all NaNs for our purpose.
        floats = np.where(np.isnan(floats), np.nan, floats + 0.0)
        bits = np.ascontiguousarray(floats).view(np.uint64)
    else:
        if pa.types.is_date32(column.type):
            column = column.cast(pa.int32())
        elif not pa.types.is_boolean(column.type) and not pa.types.is_integer(column.type):
            column = column.cast(pa.timestamp("us"))
        integers = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        bits = np.ascontiguousarray(integers).view(np.uint64)
    hashed = _mix(bits)
    if column.null_count:
        hashed = np.where(column.is_null().to_numpy(zero_copy_only=False), _MISSING, hashed)
    return hashed


def _hash_nested(column: pa.Array) -> npt.NDArray[np.uint64]:
    missing = column.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_struct(column.type):
        total = np.full(len(column), _GOLDEN, np.uint64)
        named = sorted(
            zip((field.name for field in column.type), column.flatten(), strict=True), key=lambda one: one[0]
        )
        for name, child in named:
            total = _mix(total ^ _hash_column(child) ^ np.uint64(_digest(name)))
        return np.where(missing, _MISSING, total)
    lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    ends = np.cumsum(lengths)
    places = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
    # A sum modulo 2**64 of hashes of values and their places can be cut into lists by differences.
    items = _mix(_hash_column(column.flatten()) ^ _mix(places.astype(np.uint64)))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(items, dtype=np.uint64)])
    total = _mix(sums[ends] - sums[ends - lengths] + lengths.astype(np.uint64))
    return np.where(missing, _MISSING, total)


def hash_rows(batch: pa.RecordBatch, columns: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Return a 64-bit hash of each row's values, uint64 of shape [rows].

    It depends on the values and the names of the columns, not on their order, nor on the machine.
    """
    total = np.full(batch.num_rows, _GOLDEN, np.uint64)
    for name in sorted(columns):
        column = batch.column(batch.schema.get_field_index(name))
        total = _mix(total ^ _hash_column(column) ^ np.uint64(_digest(name)))
    return total


@dataclass(frozen=True)
class HashSplitter:
    """Splits by a hash of the row or of key columns; made by `hash_splits`."""

    weights: tuple[tuple[str, float], ...]
    by: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The splits, in the order of the weights."""
        return tuple(name for name, _ in self.weights)

    def assign(self, batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
        """Return the split of each row, as an index into ``names``.

        Raises
        ------
        DataError
            If the data lacks a key column.
        """
        for name in self.by or ():
            if name not in batch.schema.names:
                raise DataError(
                    "Splits are by a column that the data has", got=name, fix=did_you_mean(name, batch.schema.names)
                )
        hashed = hash_rows(batch, self.by or batch.schema.names) >> np.uint64(64 - _BITS)
        total = math.fsum(weight for _, weight in self.weights)
        sums = [math.fsum(weight for _, weight in self.weights[: index + 1]) for index in range(len(self.weights) - 1)]
        bounds = np.array([round(part / total * 2**_BITS) for part in sums], np.uint64)
        return np.searchsorted(bounds, hashed, side="right").astype(np.int64)


def hash_splits(weights: Mapping[str, float], by: Sequence[str] | None = None) -> HashSplitter:
    """Split rows at random but always alike: equal rows are always in the same split.

    Parameters
    ----------
    weights
        Splits and their shares, as ``{"train": 8, "eval": 2}``.
    by
        Key columns: rows with equal keys are in the same split. All columns when None.

    Examples
    --------
    >>> hash_splits({"train": 8, "eval": 2}).names
    ('train', 'eval')
    """
    if not weights:
        raise UsageError("At least one split is needed", got=dict(weights))
    for name, weight in weights.items():
        if not name or "/" in name or "\\" in name or name.startswith("."):
            raise UsageError("The name of a split is the name of a folder", got=name)
        if not (weight > 0 and math.isfinite(weight)):
            raise UsageError(f"The weight of split {name!r} is a number above 0", got=weight)
    if isinstance(by, str):
        by = [by]
    if by is not None and not by:
        raise UsageError("by names at least one column", got=list(by))
    return HashSplitter(tuple((name, float(w)) for name, w in weights.items()), None if by is None else tuple(by))
