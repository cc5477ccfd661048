"""Columns of ``tf.Example`` messages: the values of their lists, what they say of types, and Arrow arrays of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from headrace.data.tf_example_batch import Lists, parse_batch, sizes_at, split_lists
from headrace.data.tf_example_wire import BYTES, FLOAT, INT64

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from headrace.data.tf_example_batch import Batch, Bools, Bytes, FeatureLists, Ints, Names

__all__ = ["Column", "Seen", "decode", "observe"]

LIST_NAMES = {BYTES: "bytes_list", FLOAT: "float_list", INT64: "int64_list"}
ACCEPTED = {"int64": {INT64}, "float64": {FLOAT, INT64}, "string": {BYTES}, "bytes": {BYTES}}
ARROW = {"int64": pa.int64(), "float64": pa.float64(), "string": pa.string(), "bytes": pa.binary()}
_TAG = 0x0A
# Places from here on do not fit into 32 bits.
_WIDE = 2**31
_SHOWN = 60


@dataclass(frozen=True)
class Column:
    """A column of the dataset.

    Parameters
    ----------
    feature
        The feature's name in the records.
    kind
        int64, float64, string or bytes.
    scalar
        Whether a row has one value, and not a list of them.
    sequence
        Whether it is a feature list of a sequence example: a list of lists.
    """

    feature: str
    kind: str
    scalar: bool
    sequence: bool = False

    @property
    def arrow_type(self) -> pa.DataType:
        """The type of the column."""
        kind = ARROW[self.kind]
        if self.sequence:
            return pa.list_(pa.list_(kind))
        return kind if self.scalar else pa.list_(kind)


@dataclass
class Seen:
    """What some records say of a feature's type.

    Parameters
    ----------
    kinds
        How many records have none of the lists, a list of bytes, of floats, of ints.
    shortest, longest
        Numbers of values of a record that has a list.
    text
        Whether all bytes are UTF-8.
    odd
        Whether a list had to be read alone, so that it may be damaged.
    """

    kinds: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    shortest: int = 2**62
    longest: int = 0
    text: bool = True
    odd: bool = False

    def merge(self, other: Seen) -> None:
        """Take in what other records say."""
        self.kinds = [a + b for a, b in zip(self.kinds, other.kinds, strict=True)]
        self.shortest = min(self.shortest, other.shortest)
        self.longest = max(self.longest, other.longest)
        self.text = self.text and other.text
        self.odd = self.odd or other.odd


@dataclass
class _Values:
    """The values of those of a feature's lists that are of one kind; ``index`` says which they are."""

    kind: int
    index: Ints
    counts: Ints
    values: Any


def _values_of(data: Bytes, many: Sequence[Lists]) -> list[tuple[list[_Values], Ints]]:
    """Return the values of each feature by kind, and its lists that are odd, which then have none.

    The lists of all features are read together, which is what makes records with thousands of features fast.
    """
    found: list[tuple[list[_Values], list[Ints]]] = [([], []) for _ in many]
    firsts = np.cumsum([0, *(len(lists.rows) for lists in many)])
    none = np.zeros(0, np.int64)
    kinds, starts, ends = (
        np.concatenate([none, *(getattr(lists, name) for lists in many)]) for name in ("kinds", "starts", "ends")
    )
    for kind, read in ((BYTES, _bytes), (FLOAT, _floats), (INT64, _ints)):
        index = np.flatnonzero(kinds == kind)
        if not len(index):
            continue
        counts, values, odd = read(data, starts[index], ends[index])
        places = np.concatenate([[0], np.cumsum(counts)])
        bounds = np.searchsorted(index, firsts)
        odd_bounds = np.searchsorted(odd, bounds)
        for feature in np.flatnonzero(bounds[1:] > bounds[:-1]).tolist():
            first, last = int(bounds[feature]), int(bounds[feature + 1])
            own = index[first:last] - firsts[feature]
            part = values[int(places[first]) : int(places[last])]
            found[feature][0].append(_Values(kind, own, counts[first:last], part))
            found[feature][1].append(own[odd[odd_bounds[feature] : odd_bounds[feature + 1]] - first])
    return [(values, np.concatenate([none, *odd])) for values, odd in found]


def _bytes(data: Bytes, starts: Ints, ends: Ints) -> tuple[Ints, pa.Array, Ints]:
    owner, begin, after, odd = split_lists(data, starts, ends)
    counts = np.bincount(owner, minlength=len(starts))
    if not len(begin):
        return counts, pa.array([], pa.binary()), odd
    # An array over the whole buffer, of what is between the values and the values by turns, needs no copy.
    order = np.argsort(begin, kind="stable") if (begin[1:] < begin[:-1]).any() else np.arange(len(begin))
    wide = len(data) >= _WIDE
    bounds = np.zeros(2 * len(begin) + 1, np.int64 if wide else np.int32)
    bounds[1::2] = begin[order]
    bounds[2::2] = after[order]
    kind = pa.large_binary() if wide else pa.binary()
    alternating = pa.Array.from_buffers(kind, len(bounds) - 1, [None, pa.py_buffer(bounds), pa.py_buffer(data)])
    places = np.empty(len(begin), np.int64)
    places[order] = np.arange(1, len(bounds), 2)
    return counts, alternating.take(pa.array(places)).cast(pa.binary()), odd


def _packed(data: Bytes, starts: Ints, ends: Ints) -> tuple[Ints, Bools]:
    """Return where the packed numbers of each list begin, and which lists are otherwise."""
    full = starts < ends
    size, begin, right = sizes_at(data, starts + 1)
    odd = full & ~(right & (data[starts] == _TAG) & (begin + size == ends))
    return np.where(full & ~odd, begin, ends), odd


def _places(starts: Ints, counts: Ints, width: int) -> Ints:
    """Return the places of ``counts`` items of some width that begin at each start."""
    total = int(counts.sum())
    if total == len(counts) and (counts == 1).all():
        return starts
    firsts = np.cumsum(counts) - counts
    return np.repeat(starts - width * firsts, counts) + width * np.arange(total)


def _floats(data: Bytes, starts: Ints, ends: Ints) -> tuple[Ints, npt.NDArray[np.float64], Ints]:
    begin, odd = _packed(data, starts, ends)
    odd |= (ends - begin) % 4 != 0
    counts = np.where(odd, 0, (ends - begin) // 4)
    singles = np.ndarray((len(data) - 3,), "<f4", buffer=data, strides=(1,))
    # Widening a NaN that signals makes a NaN that does not, which is no news to anyone.
    with np.errstate(invalid="ignore"):
        values = singles[_places(begin, counts, 4)].astype(np.float64)
    return counts, values, np.flatnonzero(odd)


def _ints(data: Bytes, starts: Ints, ends: Ints) -> tuple[Ints, npt.NDArray[np.int64], Ints]:
    begin, odd = _packed(data, starts, ends)
    # A number ends with the first byte below 128.
    odd |= (begin < ends) & (data[np.maximum(ends - 1, 0)] >= 0x80)
    sizes = np.where(odd, 0, ends - begin)
    last = np.flatnonzero(data[_places(begin, sizes, 1)] < 0x80)
    lengths = np.diff(last, prepend=-1)
    counts = np.diff(np.searchsorted(last, np.concatenate([[0], np.cumsum(sizes)])))
    firsts = _places(begin, sizes, 1)[last - lengths + 1]
    wrong = np.flatnonzero(lengths > 10)
    values = (data[firsts] & 0x7F).astype(np.uint64)
    for step in range(1, min(int(lengths.max(initial=0)), 10)):
        longer = np.flatnonzero(lengths > step)
        byte = (data[firsts[longer] + step] & 0x7F).astype(np.uint64)
        values[longer] |= byte << np.uint64(7 * step)
    if len(wrong):
        odd[np.repeat(np.arange(len(counts)), counts)[wrong]] = True
    return counts, values.view(np.int64), np.flatnonzero(odd)


def _owners(batch: Batch, name: bytes, *, sequence: bool) -> tuple[Lists | None, Ints]:
    """Return the lists of a feature, and the record of each."""
    if not sequence:
        lists = batch.features.get(name)
        return lists, np.zeros(0, np.int64) if lists is None else lists.rows
    group = batch.sequences.get(name)
    return (None, np.zeros(0, np.int64)) if group is None else (group.steps, np.repeat(group.rows, group.counts))


class _Reading:
    """A batch of records and the values of some features; odd records are read alone where there are any."""

    def __init__(
        self,
        data: bytes,
        starts: Ints,
        ends: Ints,
        names: Names,
        wanted: Iterable[tuple[bytes, bool]] | None,
        *,
        sequence: bool,
    ) -> None:
        self.odd_features: set[tuple[bytes, bool]] = set()
        self.batch = parse_batch(data, starts, ends, names, sequence=sequence)
        odd = self._read(wanted)
        if len(odd):
            self.batch = parse_batch(data, starts, ends, names, sequence=sequence, odd=odd)
            left = self._read(wanted)
            assert not len(left)

    def _read(self, wanted: Iterable[tuple[bytes, bool]] | None) -> Ints:
        batch = self.batch
        if wanted is None:
            wanted = [*((name, False) for name in batch.features), *((name, True) for name in batch.sequences)]
        self.values: dict[tuple[bytes, bool], tuple[Lists, list[_Values]]] = {}
        there = {}
        for key in wanted:
            lists, owners = _owners(batch, key[0], sequence=key[1])
            if lists is not None:
                there[key] = lists, owners
        odd = [np.zeros(0, np.int64)]
        found = _values_of(batch.data, [lists for lists, _ in there.values()])
        for (key, (lists, owners)), (values, strange) in zip(there.items(), found, strict=True):
            self.values[key] = lists, values
            if len(strange):
                self.odd_features.add(key)
                odd.append(owners[strange])
        return np.unique(np.concatenate(odd))


def observe(
    data: bytes, starts: Ints, ends: Ints, names: Names, *, sequence: bool
) -> tuple[dict[tuple[str, bool], Seen], dict[int, str]]:
    """Find out what records say of the types of their features.

    Returns
    -------
    tuple
        By name, and whether it is a feature list; and the records that cannot be read, and why.
    """
    reading = _Reading(data, starts, ends, names, None, sequence=sequence)
    seen: dict[tuple[str, bool], Seen] = defaultdict(Seen)
    for key in reading.odd_features:
        # A damaged record may be the only one that has the feature.
        seen[key[0].decode(), key[1]].odd = True
    for (name, in_sequence), (lists, values) in reading.values.items():
        one = seen[name.decode(), in_sequence]
        one.kinds = np.bincount(lists.kinds, minlength=4).tolist()
        for part in values:
            one.shortest = min(one.shortest, int(part.counts.min(initial=2**62)))
            one.longest = max(one.longest, int(part.counts.max(initial=0)))
            if part.kind == BYTES:
                one.text = _is_text(part.values)
    return dict(seen), reading.batch.errors


def _is_text(values: pa.Array) -> bool:
    try:
        values.cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def decode(
    data: bytes, starts: Ints, ends: Ints, names: Names, columns: Sequence[Column], *, sequence: bool
) -> tuple[list[pa.Array], dict[int, str]]:
    """Read the columns of some records.

    Returns
    -------
    tuple
        An array for each column, with a row for each record; and the records that cannot be read, and why.
    """
    wanted = [(column.feature.encode(), column.sequence) for column in columns]
    reading = _Reading(data, starts, ends, names, wanted, sequence=sequence)
    errors = reading.batch.errors
    arrays = []
    for column, key in zip(columns, wanted, strict=True):
        if key not in reading.values:
            arrays.append(pa.nulls(len(starts), column.arrow_type))
            continue
        lists, values = reading.values[key]
        problems: dict[int, str] = {}
        if column.sequence:
            group = reading.batch.sequences[key[0]]
            inner = _array(column, lists, values, len(lists.kinds), problems)
            arrays.append(_lists_of(inner, group, len(starts)))
            owners = np.repeat(group.rows, group.counts)
            problems = {int(owners[step]): reason for step, reason in reversed(problems.items())}
        else:
            arrays.append(_array(column, lists, values, len(starts), problems))
        for row, reason in problems.items():
            errors.setdefault(row, f"feature {column.feature!r} {reason}")
    return arrays, errors


def _lists_of(inner: pa.Array, group: FeatureLists, rows: int) -> pa.Array:
    counts = np.zeros(rows, np.int64)
    counts[group.rows] = group.counts
    absent = np.ones(rows, bool)
    absent[group.rows] = False
    return _list_array(counts, inner, absent)


def _list_array(counts: Ints, values: pa.Array, absent: Bools) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, mask=pa.array(absent))


def _array(column: Column, lists: Lists, values: Sequence[_Values], rows: int, problems: dict[int, str]) -> pa.Array:
    """Return the rows' lists or values; rows with other values than the column's are missing, and in ``problems``."""
    kept = []
    for part in values:
        if part.kind in ACCEPTED[column.kind]:
            kept.append(part)
            continue
        wanted = " or ".join(LIST_NAMES[kind] for kind in sorted(ACCEPTED[column.kind]))
        for row in lists.rows[part.index].tolist():
            problems[row] = f"is of kind {LIST_NAMES[part.kind]}, and the column, {column.kind}, wants {wanted}"
    counts = np.zeros(rows, np.int64)
    absent = np.ones(rows, bool)
    for part in kept:
        counts[lists.rows[part.index]] = part.counts
        absent[lists.rows[part.index]] = False
    flat = _flat(column, lists, kept, counts, problems)
    if not (column.scalar and not column.sequence):
        return _list_array(counts, flat, absent)
    for row in np.flatnonzero(counts > 1).tolist():
        problems[row] = f"has {counts[row]} values, and the column one"
    if len(flat) == rows and (counts == 1).all():
        return flat
    places = np.cumsum(counts) - counts
    return flat.take(pa.array(places, mask=counts == 0))


def _flat(column: Column, lists: Lists, kept: Sequence[_Values], counts: Ints, problems: dict[int, str]) -> pa.Array:
    """Return the values of all rows, one row after the other."""
    kind = ARROW[column.kind]
    if not kept:
        return pa.array([], kind)
    if column.kind == "string":
        [part] = kept
        try:
            return part.values.cast(kind)
        except pa.ArrowInvalid:
            owners = np.repeat(lists.rows[part.index], part.counts)
            good = []
            for row, value in zip(owners.tolist(), part.values.to_pylist(), strict=True):
                try:
                    good.append(value.decode())
                except UnicodeDecodeError:
                    good.append("")
                    problems[row] = f"has bytes that are not UTF-8: {value[:_SHOWN]!r}"
            return pa.array(good, kind)
    if len(kept) == 1:
        return pa.array(kept[0].values, kind, safe=False) if column.kind != "bytes" else kept[0].values
    # Ints among floats: each row's values go to the row's place.
    firsts = np.cumsum(counts) - counts
    merged = np.zeros(int(counts.sum()), np.float64)
    for part in kept:
        merged[_places(firsts[lists.rows[part.index]], part.counts, 1)] = part.values
    return pa.array(merged, kind)
