"""Compares rows of the same key in two data sets, as those of training and of serving, feature by feature."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.data import Dataset, as_source, counted, set_aside_in, warn_of_rows
from headrace.data.set_aside import SetAside
from headrace.data.splits import hash_rows
from headrace.errors import DataError, UsageError
from headrace.storage import disk_errors
from headrace.validation.located import kind_of
from headrace.validation.mending import is_nested
from headrace.validation.row_checks import text_of
from headrace.validation.skew_result import Confusion, FeatureSkew, KeyCounts, SkewPair, SkewResult

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["detect_feature_skew"]

_BUFFER = 64 * 2**20
_CONFUSION = 1_000
_HASH = "headrace_hash"
_KEY_TYPES = {"INT": pa.int64(), "STRING": pa.string(), "BOOL": pa.bool_(), "TIMESTAMP": pa.timestamp("us")}


def detect_feature_skew(
    baseline: Any,
    test: Any,
    keys: Sequence[str],
    *,
    features: Sequence[str] | None = None,
    float_round: int | None = None,
    sample: int = 10,
    confusion: Sequence[str] | None = None,
    partitions: int = 32,
) -> SkewResult:
    """Join two data sets by key, and count for each feature where they differ.

    A key that one side has more than once says not which rows belong together: such rows are counted, and not
    compared; nor are rows without a whole key.

    Parameters
    ----------
    baseline, test
        Anything that ``headrace.data.as_source`` takes, or datasets.
    keys
        The columns that tell rows apart: integers, strings, truth values or moments.
    features
        The columns that are compared; all that either side has when None.
    float_round
        Decimals to which floats are rounded before they are compared; exact when None. NaN agrees with NaN.
    sample
        How many pairs that differ are kept of each feature, the same ones in every run.
    confusion
        The string features whose pairs of values are counted, up to 1,000 pairs each; all of them when None.
    partitions
        Rows are dealt out by a hash of their key to so many parts, on disk where they are many, and one part of both
        sides at a time is in memory.

    Raises
    ------
    DataError
        If a source cannot be read, or lacks a column.
    UsageError
        If there is no key, or it is of another type on the other side, or of one that is not compared exactly.
    StorageError
        If the disk for temporary files is full.
    """
    if isinstance(keys, str) or not keys:
        raise UsageError("keys names at least one column", got=keys, fix="Give a list, as keys=['id']")
    if partitions < 1 or sample < 0:
        raise UsageError("partitions is 1 or more, and sample 0 or more", got=(partitions, sample))
    sides = [source if isinstance(source, Dataset) else as_source(source).dataset() for source in (baseline, test)]
    for side in sides:
        side.check_columns(keys)
    _check_keys(sides, keys)
    every = [name for name in dict.fromkeys(name for side in sides for name in side.columns) if name not in keys]
    for name in features or ():
        if name not in every:
            raise DataError("A feature that is compared is in the data, and no key", got=name)
    wanted = list(features or every)
    comparing = _Comparing(tuple(keys), tuple(wanted), float_round, sample, confusion)
    with tempfile.TemporaryDirectory(prefix="headrace-skew-") as folder:
        dealt = [
            _Dealt(side, keys, [name for name in wanted if name in side.columns], partitions, Path(folder) / str(index))
            for index, side in enumerate(sides)
        ]
        if any(side.on_disk for side in dealt):
            for part in range(partitions):
                comparing.add(dealt[0].part(part), dealt[1].part(part))
        else:
            comparing.add(dealt[0].whole(), dealt[1].whole())
    return comparing.result(dealt[0], dealt[1])


def _check_keys(sides: Sequence[Dataset], keys: Sequence[str]) -> None:
    for name in keys:
        kinds = [kind_of(side.schema.field(name).type) for side in sides]
        if kinds[0] != kinds[1]:
            raise UsageError(
                "A key has one type on both sides", got=f"{kinds[0]} and {kinds[1]}", where=f"key {name!r}"
            )
        nested = any(is_nested(side.schema.field(name).type) for side in sides)
        if kinds[0] not in _KEY_TYPES or nested:
            raise UsageError(
                "A key is an integer, a string, a truth value or a moment",
                got="a list or struct" if nested else kinds[0],
                where=f"key {name!r}",
                fix="Use a column that is compared exactly",
            )


class _Dealt:
    """The rows of one side in parts by the hash of their key, in memory or in files."""

    def __init__(self, side: Dataset, keys: Sequence[str], features: Sequence[str], parts: int, folder: Path) -> None:
        self.rows = self.missing = 0
        self._folder = folder
        self._keys = list(keys)
        fields = [pa.field(name, _KEY_TYPES[kind_of(side.schema.field(name).type) or ""]) for name in keys]
        fields += [pa.field(name, _plain_type(side.schema.field(name).type)) for name in features]
        self._schema = pa.schema([*fields, pa.field(_HASH, pa.uint64())])
        self._waiting: list[list[pa.RecordBatch]] = [[] for _ in range(parts)]
        self._files: list[Any] = [None] * parts
        aside, size = SetAside(), 0
        for batch in counted(side).batches([*keys, *features]):
            left_out = set_aside_in(batch)
            if left_out is not None:
                aside += left_out
                continue
            size += self._deal(batch, parts)
            if size > _BUFFER:
                self._spill()
                size = 0
        warn_of_rows(aside, self.rows)
        if self.on_disk:
            self._spill()
            for file in self._files:
                if file is not None:
                    file.close()

    @property
    def on_disk(self) -> bool:
        """Whether there are too many rows for memory."""
        return any(file is not None for file in self._files)

    def whole(self) -> pa.Table:
        """Return all rows that have a key."""
        return pa.concat_tables([self.part(index) for index in range(len(self._files))])

    def part(self, index: int) -> pa.Table:
        """Return the rows of one part."""
        if self._files[index] is None:
            return pa.Table.from_batches(self._waiting[index], self._schema)
        with pa.ipc.open_stream(self._path(index)) as reader:
            return reader.read_all()

    def _deal(self, batch: pa.RecordBatch, parts: int) -> int:
        self.rows += batch.num_rows
        columns = [
            batch.column(index).cast(field.type) for index, field in enumerate(self._schema) if field.name != _HASH
        ]
        keyed = pa.RecordBatch.from_arrays(columns, schema=self._schema.remove(len(self._schema) - 1))
        whole = np.ones(batch.num_rows, bool)
        for name in self._keys:
            whole &= keyed.column(keyed.schema.get_field_index(name)).is_valid().to_numpy(zero_copy_only=False)
        self.missing += int((~whole).sum())
        keyed = keyed.filter(pa.array(whole))
        hashes = hash_rows(keyed, self._keys)
        hashed = pa.RecordBatch.from_arrays([*keyed.columns, pa.array(hashes)], schema=self._schema)
        assigned = (hashes % np.uint64(parts)).astype(np.int64)
        order = np.argsort(assigned, kind="stable")
        bounds = np.searchsorted(assigned[order], np.arange(parts + 1))
        for part in range(parts):
            rows = order[bounds[part] : bounds[part + 1]]
            if rows.size:
                self._waiting[part].append(hashed.take(pa.array(rows)))
        return int(hashed.nbytes)

    def _spill(self) -> None:
        with disk_errors(self._folder):
            self._folder.mkdir(exist_ok=True)
            for index, batches in enumerate(self._waiting):
                if batches and self._files[index] is None:
                    self._files[index] = pa.ipc.new_stream(self._path(index), self._schema)
                for batch in batches:
                    self._files[index].write_batch(batch)
                batches.clear()

    def _path(self, index: int) -> str:
        return str(self._folder / f"part-{index:05d}.arrow")


@dataclass
class _Counts:
    base: int = 0
    test: int = 0
    match: int = 0
    mismatch: int = 0
    base_only: int = 0
    test_only: int = 0
    examples: list[tuple[int, SkewPair]] = field(default_factory=list)
    confusion: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)
    complete: bool = True


class _Comparing:
    """Counts pairs, part by part."""

    def __init__(
        self,
        keys: tuple[str, ...],
        features: tuple[str, ...],
        digits: int | None,
        sample: int,
        confusion: Sequence[str] | None,
    ) -> None:
        self._keys, self._features, self._digits, self._sample = keys, features, digits, sample
        self._confusion = confusion
        self._pairs = 0
        self._counts = {name: _Counts() for name in features}
        self._sides = [Counter[str](), Counter[str]()]
        self._repeated: list[list[tuple[int, tuple[str, ...]]]] = [[], []]

    def add(self, base: pa.Table, test: pa.Table) -> None:
        """Take in one part of both sides."""
        keys = list(self._keys)
        groups = []
        for side, rows in enumerate((base, test)):
            numbered = rows.select([*keys, _HASH]).append_column(f"row{side}", pa.array(np.arange(rows.num_rows)))
            found = numbered.group_by([*keys, _HASH]).aggregate([(f"row{side}", "min"), (f"row{side}", "count")])
            repeated = found.filter(pc.greater(found[f"row{side}_count"], 1))
            self._sides[side]["duplicates"] += pc.sum(repeated[f"row{side}_count"]).as_py() or 0
            self._repeated[side] += [
                (row[_HASH], tuple(text_of(row[key]) for key in keys)) for row in repeated.to_pylist()
            ]
            self._repeated[side] = sorted(self._repeated[side])[: self._sample]
            groups.append(found)
        both = groups[0].join(groups[1], [*keys, _HASH], join_type="full outer").sort_by(_HASH)
        first, second = (both[f"row{side}_count"].fill_null(0).to_numpy() for side in (0, 1))
        self._sides[0]["alone"] += int(((first == 1) & (second == 0)).sum())
        self._sides[1]["alone"] += int(((second == 1) & (first == 0)).sum())
        self._sides[0]["skipped"] += int(((first == 1) & (second > 1)).sum())
        self._sides[1]["skipped"] += int(((second == 1) & (first > 1)).sum())
        pairs = both.filter(pa.array((first == 1) & (second == 1)))
        self._pairs += pairs.num_rows
        if pairs.num_rows:
            left = base.take(pairs["row0_min"])
            right = test.take(pairs["row1_min"])
            for name in self._features:
                self._feature(name, left, right)

    def result(self, base: _Dealt, test: _Dealt) -> SkewResult:
        """Return the counts of all parts."""
        sides = [
            KeyCounts(
                dealt.rows,
                dealt.missing,
                counts["duplicates"],
                tuple(key for _, key in repeated),
                counts["alone"],
                counts["skipped"],
            )
            for dealt, counts, repeated in zip((base, test), self._sides, self._repeated, strict=True)
        ]
        features = [
            FeatureSkew(
                name,
                one.base,
                one.test,
                one.match,
                one.mismatch,
                one.base_only,
                one.test_only,
                tuple(pair for _, pair in one.examples),
                tuple(Confusion(*pair, count) for pair, count in _ordered(one.confusion)),
                one.complete,
            )
            for name, one in self._counts.items()
        ]
        features.sort(key=lambda one: (-one.diff_count, one.feature))
        return SkewResult(self._keys, self._pairs, sides[0], sides[1], tuple(features))

    def _feature(self, name: str, left: pa.Table, right: pa.Table) -> None:
        counts, rows = self._counts[name], left.num_rows
        x, y = (
            side[name].combine_chunks() if name in side.column_names else pa.nulls(rows, pa.string())
            for side in (left, right)
        )
        has_x, has_y = (side.is_valid().to_numpy(zero_copy_only=False) for side in (x, y))
        equal = _equal(x, y, self._digits) & has_x & has_y
        counts.base += int(has_x.sum())
        counts.test += int(has_y.sum())
        counts.match += int(equal.sum())
        counts.mismatch += int((has_x & has_y & ~equal).sum())
        counts.base_only += int((has_x & ~has_y).sum())
        counts.test_only += int((has_y & ~has_x).sum())
        different = np.flatnonzero((has_x | has_y) & ~equal)[: self._sample]
        for row in different.tolist():
            key = tuple(text_of(left[key][row].as_py()) for key in self._keys)
            values = [None if not side[row].is_valid else text_of(side[row].as_py()) for side in (x, y)]
            counts.examples.append((left[_HASH][row].as_py(), SkewPair(key, values[0], values[1])))
        counts.examples = sorted(counts.examples, key=lambda item: item[0])[: self._sample]
        strings = all(kind_of(side.type) == "STRING" and not is_nested(side.type) for side in (x, y))
        if strings and (self._confusion is None or name in self._confusion):
            self._confuse(counts, x, y)

    def _confuse(self, counts: _Counts, x: pa.Array, y: pa.Array) -> None:
        grouped = pa.table({"x": x, "y": y}).group_by(["x", "y"]).aggregate([([], "count_all")])
        for row in grouped.to_pylist():
            pair = row["x"], row["y"]
            if pair != (None, None):
                counts.confusion[pair] += row["count_all"]
        if len(counts.confusion) > _CONFUSION:
            counts.complete = False
            counts.confusion = Counter(dict(_ordered(counts.confusion)[:_CONFUSION]))


def _ordered(confusion: Counter[tuple[str | None, str | None]]) -> list[tuple[tuple[str | None, str | None], int]]:
    return sorted(confusion.items(), key=lambda item: (-item[1], item[0][0] or "", item[0][1] or ""))


def _plain_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _equal(x: pa.Array, y: pa.Array, digits: int | None) -> np.ndarray:
    """Return where two arrays agree, as booleans; what is missing counts as nothing here."""
    kinds = kind_of(x.type), kind_of(y.type)
    if is_nested(x.type) or is_nested(y.type):
        pairs = zip(x.to_pylist(), y.to_pylist(), strict=True)
        return np.fromiter((_same(a, b, digits) for a, b in pairs), bool, len(x))
    if "FLOAT" in kinds and set(kinds) <= {"INT", "FLOAT"}:
        x, y = x.cast(pa.float64(), safe=False), y.cast(pa.float64(), safe=False)
        if digits is not None:
            x, y = pc.round(x, digits), pc.round(y, digits)
        either = pc.or_(pc.equal(x, y), pc.and_(pc.is_nan(x), pc.is_nan(y)))
    elif kinds[0] == kinds[1]:
        either = pc.equal(x, y.cast(x.type))
    else:
        return np.zeros(len(x), bool)
    return np.asarray(pc.fill_null(either, fill_value=False).to_numpy(zero_copy_only=False))


def _same(a: Any, b: Any, digits: int | None) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_same(one, other, digits) for one, other in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key], digits) for key in a)
    if isinstance(a, float) and isinstance(b, float):
        both_nan = math.isnan(a) and math.isnan(b)
        return both_nan or (a == b if digits is None else round(a, digits) == round(b, digits))
    return bool(a == b)
