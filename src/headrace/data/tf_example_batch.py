"""Many ``tf.Example`` or ``tf.SequenceExample`` messages at once.

Messages are read in step with NumPy: the first field of all of them, then the second of those that have one, and so
on. A message that is not in the form that writers give it is *odd*: ``tf_example_wire`` reads it alone and writes it
again in that form, or says why it cannot be read.
"""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headrace.data.tf_example_wire import WireError, encode_record, parse_record
from headrace.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]
    Bytes = npt.NDArray[np.uint8]

__all__ = ["Batch", "FeatureLists", "Lists", "Names", "padded", "parse_batch", "sizes_at", "split_lists"]

_FIRST, _SECOND = 0x0A, 0x12  # the tags of fields 1 and 2 that have a length
_KINDS = (0x0A, 0x12, 0x1A)
_PAD = 16
# After so many steps, so few messages that go on are read alone.
_MANY_STEPS, _FEW = 64, 8


@dataclass
class Lists:
    """One feature's lists.

    Parameters
    ----------
    rows
        The record (or step) of each, rising.
    kinds
        1 for bytes, 2 for floats, 3 for ints, 0 where the feature has none of the lists.
    starts, ends
        Where the message of the list is.
    """

    rows: Ints
    kinds: Ints
    starts: Ints
    ends: Ints


@dataclass
class FeatureLists:
    """One feature list of a sequence example: the records that have it, their numbers of steps, and the steps."""

    rows: Ints
    counts: Ints
    steps: Lists


@dataclass
class Batch:
    """The features of some records.

    Parameters
    ----------
    data
        The bytes, with padding.
    rows
        How many records.
    features, sequences
        By name.
    errors
        Records that cannot be read, and why.
    odd
        Records that were written again; None while the first reading's are still to be.
    """

    data: Bytes
    rows: int
    features: dict[bytes, Lists]
    sequences: dict[bytes, FeatureLists]
    errors: dict[int, str]


class Names:
    """The names of features, found by a hash of eight bytes at a time; threads may share one."""

    def __init__(self, known: Iterable[bytes] = ()) -> None:
        self._lock = threading.Lock()
        self._state: tuple[npt.NDArray[np.uint64], Ints, list[bytes]] = (
            np.zeros(0, np.uint64),
            np.zeros(0, np.int64),
            [],
        )
        names = list(known)
        if names:
            data = padded(b"".join(names))
            ends = np.cumsum([len(name) for name in names])
            self.find(data, ends - [len(name) for name in names], ends)

    def find(self, data: Bytes, starts: Ints, ends: Ints) -> tuple[Ints, list[bytes]]:
        """Return the index of each name, and the names; new ones are learnt."""
        hashes = _hashes(data, starts, ends)
        state = self._state
        ids = _look_up(state, hashes)
        new = np.flatnonzero(ids < 0)
        if len(new):
            with self._lock:
                for index in new[np.unique(hashes[new], return_index=True)[1]].tolist():
                    self._learn(hashes[index], data[starts[index] : ends[index]].tobytes())
                state = self._state
            ids = _look_up(state, hashes)
        self._verify(data, starts, ends, ids, state[2])
        return ids, state[2]

    def _learn(self, value: np.uint64, name: bytes) -> None:
        hashes, ids, names = self._state
        place = int(np.searchsorted(hashes, value))
        if place < len(hashes) and hashes[place] == value:
            return
        self._state = (np.insert(hashes, place, value), np.insert(ids, place, len(names)), [*names, name])

    @staticmethod
    def _verify(data: Bytes, starts: Ints, ends: Ints, ids: Ints, names: list[bytes]) -> None:
        if not len(ids):
            return
        known = padded(b"".join(names))
        sizes = np.array([len(name) for name in names])
        places = np.cumsum(sizes) - sizes
        same = bool((ends - starts == sizes[ids]).all())
        if same:
            here, there = _words(data), _words(known)
            for first in range(0, int(sizes.max(initial=0)), 8):
                long = np.flatnonzero(sizes[ids] > first)
                keep = _KEEP[np.minimum(sizes[ids[long]] - first, 8)]
                one, other = here[starts[long] + first], there[places[ids[long]] + first]
                same = same and not ((one ^ other) & keep).any()
        if not same:
            raise DataError(
                "The names of two features cannot be told apart: they have the same hash", fix="Rename one of them"
            )


_KEEP = np.array([2 ** (8 * size) - 1 for size in range(9)], np.uint64)


def padded(data: bytes) -> Bytes:
    """Return the bytes with some zeros after them, so that reading a little too far is harmless."""
    return np.frombuffer(data + bytes(_PAD), np.uint8)


def _words(data: Bytes) -> npt.NDArray[np.uint64]:
    """Return the eight bytes from each place on as a number."""
    return np.ndarray((len(data) - 7,), "<u8", buffer=data, strides=(1,))


def _hashes(data: Bytes, starts: Ints, ends: Ints) -> npt.NDArray[np.uint64]:
    words = _words(data)
    sizes = ends - starts
    out = sizes.astype(np.uint64)
    multiplier = np.uint64(0x9E3779B97F4A7C15)
    for first in range(0, int(sizes.max(initial=0)), 8):
        long = np.flatnonzero(sizes > first)
        word = words[starts[long] + first] & _KEEP[np.minimum(sizes[long] - first, 8)]
        mixed = (out[long] ^ word) * multiplier
        out[long] = mixed ^ (mixed >> np.uint64(29))
    return out


def _look_up(state: tuple[npt.NDArray[np.uint64], Ints, list[bytes]], hashes: npt.NDArray[np.uint64]) -> Ints:
    known, ids, _ = state
    if not len(known):
        return np.full(len(hashes), -1)
    place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return np.where(known[place] == hashes, ids[place], -1)


def sizes_at(data: Bytes, position: Ints) -> tuple[Ints, Ints, Bools]:
    """Read a length at each place; return the lengths, the places after them, and whether they can be lengths."""
    size = data[position].astype(np.int64)
    position = position + 1
    right = np.ones(len(size), bool)
    long = np.flatnonzero(size >= 0x80)
    if len(long):
        size[long] &= 0x7F
        for shift in (7, 14, 21, 28):
            byte = data[np.minimum(position[long], len(data) - 1)].astype(np.int64)
            size[long] |= (byte & 0x7F) << shift
            position[long] += 1
            long = long[byte >= 0x80]
            if not len(long):
                break
        right[long] = False
    return size, position, right


def _split(data: Bytes, starts: Ints, ends: Ints, tags: tuple[int, ...]) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Take messages apart into their fields.

    Returns
    -------
    tuple
        For each field its message, tag, start and end, by message and then in order; and the messages that are odd.
    """
    found: list[tuple[Ints, Ints, Ints, Ints]] = []
    odd: list[Ints] = []
    going = np.flatnonzero(starts < ends)
    position, end = starts[going], ends[going]
    step = 0
    while len(going):
        if step >= _MANY_STEPS and len(going) <= _FEW:
            for message, first, last in zip(going.tolist(), position.tolist(), end.tolist(), strict=True):
                fields = _rest_of(data, first, last, tags)
                if fields is None:
                    odd.append(np.array([message]))
                else:
                    found.append((np.full(len(fields), message), *np.array(fields).T))
            break
        tag = data[position].astype(np.int64)
        size, begin, right = sizes_at(data, position + 1)
        after = begin + size
        right &= after <= end
        right &= np.isin(tag, tags) if len(tags) > 1 else tag == tags[0]
        if not right.all():
            odd.append(going[~right])
            going, tag, begin, after, end = going[right], tag[right], begin[right], after[right], end[right]
        found.append((going, tag, begin, after))
        more = after < end
        if not more.all():
            going, after, end = going[more], after[more], end[more]
        position = after
        step += 1
    none = np.zeros(0, np.int64)
    messages, tags_found, begins, afters = (np.concatenate([none, *(part[i] for part in found)]) for i in range(4))
    if step > 1:
        order = np.argsort(messages, kind="stable")
        messages, tags_found, begins, afters = messages[order], tags_found[order], begins[order], afters[order]
    return messages, tags_found, begins, afters, np.concatenate([none, *odd])


def _rest_of(data: Bytes, position: int, end: int, tags: tuple[int, ...]) -> list[tuple[int, int, int]] | None:
    """Return tag, start and end of each field of one message; None if it is odd."""
    fields = []
    content = data[position:end].tobytes()
    here = 0
    while here < len(content):
        tag, size, shift = content[here], 0, 0
        here += 1
        while here < len(content) and content[here] >= 0x80 and shift < 28:
            size |= (content[here] & 0x7F) << shift
            shift += 7
            here += 1
        if tag not in tags or here >= len(content) or content[here] >= 0x80:
            return None
        size |= content[here] << shift
        here += 1
        fields.append((tag, position + here, position + here + size))
        here += size
    return fields if here == len(content) else None


def split_lists(data: Bytes, starts: Ints, ends: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the list, start and end of each value of lists of bytes, and the lists that are odd."""
    lists, _, begin, after, odd = _split(data, starts, ends, (_FIRST,))
    return lists, begin, after, odd


def _entries(data: Bytes, rows: Ints, starts: Ints, ends: Ints) -> tuple[Ints, Ints, Ints, Ints, Ints, list[Ints]]:
    """Take the maps apart: the row, key start and end, value start and end of each entry, and the odd rows."""
    owner, _, begin, after, odd = _split(data, starts, ends, (_FIRST,))
    rows_odd = [rows[odd]]
    owner = rows[owner]
    key_size, key, right = sizes_at(data, begin + 1)
    key_end = np.minimum(key + key_size, len(data) - _PAD)
    value_size, value, also = sizes_at(data, key_end + 1)
    right &= also & (begin < after) & (data[begin] == _FIRST) & (data[key_end] == _SECOND)
    right &= (value <= after) & (value + value_size == after)
    if not right.all():
        rows_odd.append(owner[~right])
        owner, key, key_end, value, after = owner[right], key[right], key_end[right], value[right], after[right]
    return owner, key, key_end, value, after, rows_odd


def _kinds(data: Bytes, starts: Ints, ends: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the kind and start of the list in each feature, and which features are odd."""
    full = starts < ends
    tag = np.where(full, data[starts], 0)
    size, begin, right = sizes_at(data, starts + 1)
    kinds = np.where(full, tag >> 3, 0)
    odd = full & ~(right & np.isin(tag, _KINDS) & (begin + size == ends))
    return kinds.astype(np.int64), np.where(full, begin, starts), np.flatnonzero(odd)


def _order_of(ids: Ints) -> tuple[Ints, list[tuple[int, slice]]]:
    """Return the entries in the order of their names, and each name's index and where its entries then are."""
    # NumPy sorts small integers by their digits, in linear time.
    small = ids.astype(np.uint16) if ids.max(initial=0) < 2**16 else ids
    order = np.argsort(small, kind="stable")
    ids = ids[order]
    firsts = np.flatnonzero(np.diff(ids, prepend=-1))
    bounds = [*firsts.tolist(), len(ids)]
    parts = [slice(first, last) for first, last in itertools.pairwise(bounds)]
    return order, list(zip(ids[firsts].tolist(), parts, strict=True))


def _twice(ids: Ints, rows: Ints) -> Ints:
    """Return the rows that have a name twice; both are in the order of the names, and then of the rows."""
    again: Bools = (ids[1:] == ids[:-1]) & (rows[1:] == rows[:-1])
    return rows[1:][again]


def _parse(
    data: Bytes, starts: Ints, ends: Ints, names: Names, *, sequence: bool
) -> tuple[dict[bytes, Lists], dict[bytes, FeatureLists], Ints]:
    features: dict[bytes, Lists] = {}
    sequences: dict[bytes, FeatureLists] = {}
    tags = (_FIRST, _SECOND) if sequence else (_FIRST,)
    record, tag, begin, after, broken = _split(data, starts, ends, tags)
    odd = [broken]
    if sequence:
        second = tag == _SECOND
        rows, key, key_end, value, end, also = _entries(data, record[second], begin[second], after[second])
        odd += also
        record, begin, after = record[~second], begin[~second], after[~second]
        ids, known = names.find(data, key, key_end)
        order, parts = _order_of(ids)
        rows, value, end = rows[order], value[order], end[order]
        odd.append(_twice(ids[order], rows))
        for index, part in parts:
            own = rows[part]
            owner, _, first, last, bad = _split(data, value[part], end[part], (_FIRST,))
            odd.append(own[bad])
            kinds, list_start, bad = _kinds(data, first, last)
            odd.append(own[owner[bad]])
            steps = Lists(np.arange(len(owner)), kinds, list_start, last)
            sequences[known[index]] = FeatureLists(own, np.bincount(owner, minlength=len(own)), steps)
    rows, key, key_end, value, end, also = _entries(data, record, begin, after)
    odd += also
    ids, known = names.find(data, key, key_end)
    order, parts = _order_of(ids)
    rows, value, end = rows[order], value[order], end[order]
    odd.append(_twice(ids[order], rows))
    kinds, list_start, bad = _kinds(data, value, end)
    odd.append(rows[bad])
    for index, part in parts:
        features[known[index]] = Lists(rows[part], kinds[part], list_start[part], end[part])
    return features, sequences, np.unique(np.concatenate(odd))


def _not_utf8(names: Iterable[bytes]) -> set[bytes]:
    bad = set()
    for name in names:
        try:
            name.decode()
        except UnicodeDecodeError:
            bad.add(name)
    return bad


def parse_batch(
    data: bytes, starts: Ints, ends: Ints, names: Names, *, sequence: bool = False, odd: Ints | None = None
) -> Batch:
    """Find the features of records.

    Parameters
    ----------
    data
        The bytes that hold them.
    starts, ends
        The records.
    odd
        Records that are odd for what was found in their lists, which are not read here.
    """
    buffer = padded(data)
    features, sequences, found = _parse(buffer, starts, ends, names, sequence=sequence)
    strange = _not_utf8([*features, *sequences])
    for name in strange:
        holders = [group[name].rows for group in (features, sequences) if name in group]
        found = np.union1d(found, np.concatenate(holders))
    if odd is not None:
        found = np.union1d(found, odd)
    if not len(found):
        return Batch(buffer, len(starts), features, sequences, {})
    errors: dict[int, str] = {}
    again = []
    starts, ends = starts.copy(), ends.copy()
    place = len(data)
    for row in found.tolist():
        message = b""
        try:
            record = parse_record(data[starts[row] : ends[row]], sequence=sequence)
            message = encode_record(record, sequence=sequence)
        except WireError as error:
            errors[row] = f"it is not a {'tf.SequenceExample' if sequence else 'tf.Example'}: {error}"
        again.append(message)
        starts[row], ends[row] = place, place + len(message)
        place += len(message)
    buffer = padded(b"".join([data, *again]))
    features, sequences, left = _parse(buffer, starts, ends, names, sequence=sequence)
    assert not len(left)
    return Batch(buffer, len(starts), features, sequences, errors)
