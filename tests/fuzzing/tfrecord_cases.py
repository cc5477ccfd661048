"""TFRecord files that are broken: records that were not touched come out as they were, the others are said."""

from __future__ import annotations

import gzip
import struct
import zlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

import google_crc32c
from tests.fuzzing.cases import Case, Finding, Reading, Verdict, examine, mutated
from tests.fuzzing.messages import message_of, parsed

from headrace.data import tfrecord, tfrecord_dataset, tfrecord_files, tfrecord_frames

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["check", "framed", "make"]

TOKENS = (
    *(
        b"\0",
        b"\xff" * 10,
        b"\x80" * 12,
        b"\x0a",
        b"\x12",
        b"\x1a",
        b"\x0a\x00",
        b"\x0a\xff\xff\xff\xff\x0f",
        b"\x08\x01",
    ),
    *(
        b"\x0b\x0c",
        b"\x0b" * 200,
        b"\x0f",
        b"\x0a\x03\x0a\x01\xff",
        b"\x1a\x02\x08\x05",
        b"\x12\x05\x0d\0\0\x80?",
        b"\xc3",
    ),
)


@dataclass(frozen=True)
class Truth:
    """What was written.

    Parameters
    ----------
    records
        All records as they are in the file, whose frames are whole; None where a frame may be damaged.
    untouched
        The rows of records no byte of which was changed, in order, by an id that each has.
    exact
        How many rows there are, where that can be told.
    damaged
        Something between two records, or of one, was changed.
    """

    untouched: tuple[int, ...]
    exact: int | None
    damaged: bool
    records: tuple[bytes, ...] | None = None


def _crc(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def framed(record: bytes) -> bytes:
    length = struct.pack("<Q", len(record))
    return length + _crc(length) + record + _crc(record)


def _row(rng: random.Random, number: int, kinds: dict[str, str], *, sequence: bool) -> bytes:
    features: dict[str, list[Any] | None] = {"id": [number]}
    for name, kind in kinds.items():
        if rng.random() < 0.1:
            features[name] = rng.choice([None, []])
            continue
        size = rng.choice([1, 1, 1, 0, 2, 5])
        values: dict[str, list[Any]] = {
            "int": [rng.randint(-(2**63), 2**63 - 1) for _ in range(size)],
            "float": [rng.uniform(-1, 1) for _ in range(size)],
            "text": [rng.choice(["a", "é", ""]).encode() for _ in range(size)],
            "bytes": [rng.randbytes(rng.choice([0, 3, 200])) for _ in range(size)],
        }
        features[name] = values[kind if rng.random() < 0.95 else rng.choice(["int", "float", "bytes"])]
    steps = {"steps": [[1, 2], [], [rng.randint(0, 9)]]} if sequence else None
    return message_of(features, steps)


def make(rng: random.Random) -> Case:
    payload = rng.choice(["example", "example", "example", "sequence_example", "bytes"])
    kinds = {name: rng.choice(["int", "float", "text", "bytes"]) for name in "xyz"[: rng.randint(0, 3)]}
    count = int(2 ** rng.uniform(0, 6))
    if payload == "bytes":
        # Never eight bytes: cut short behind its head, such a record has the next one's head for data and checksum.
        records = [struct.pack("<Q", number) + rng.randbytes(rng.choice([1, 2, 50])) for number in range(count)]
    else:
        records = [_row(rng, number, kinds, sequence=payload == "sequence_example") for number in range(count)]
    options: dict[str, Any] = {"payload": payload}
    if payload != "bytes" and rng.random() < 0.3:
        options["scalars"] = rng.choice([True, False])
    how = rng.choice(["frames", "frames", "messages", "messages", "checks", "packed", "none"])
    if how == "packed":
        data = b"".join(map(framed, records))
        options["compression"] = rng.choice(["gzip", "zlib"])
        data = gzip.compress(data) if options["compression"] == "gzip" else zlib.compress(data)
        if rng.random() < 0.8:
            data = mutated(rng, data, TOKENS, 2)
        return Case("tfrecord", data, ".tfrecord", options, Truth((), None, damaged=True))
    options["compression"] = "none"
    if how == "messages" and payload != "bytes":
        for index in rng.sample(range(count), rng.randint(1, max(1, count // 4))):
            records[index] = mutated(rng, records[index], TOKENS, 3)
        frames = [framed(one) for one in records]
        return Case("tfrecord", b"".join(frames), ".tfrecord", options, Truth((), count, False, tuple(records)))
    frames = [framed(one) for one in records]
    if how == "checks":
        touched = set(rng.sample(range(count), rng.randint(1, max(1, count // 4))))
        for index in touched:
            frame = bytearray(frames[index])
            frame[rng.randrange(12, len(frame))] ^= rng.randint(1, 255)
            frames[index] = bytes(frame)
        untouched = tuple(number for number in range(count) if number not in touched)
        return Case("tfrecord", b"".join(frames), ".tfrecord", options, Truth(untouched, count, damaged=True))
    if how == "none":
        return Case(
            "tfrecord", b"".join(frames), ".tfrecord", options, Truth(tuple(range(count)), count, damaged=False)
        )
    return Case("tfrecord", *_damaged(rng, frames, options))


def _damaged(
    rng: random.Random, frames: list[bytes], options: dict[str, Any]
) -> tuple[bytes, str, dict[str, Any], Truth]:
    """Change some frames anyhow, and put bytes between them."""
    out, untouched, damaged = [], [], False
    rate = rng.choice([0.05, 0.2, 0.5])
    for number, frame in enumerate(frames):
        if rng.random() < rate:
            changed = mutated(rng, frame, TOKENS, 2)
            if changed != frame:
                damaged = True
                out.append(changed)
                continue
        out.append(frame)
        untouched.append(number)
    if rng.random() < 0.2:
        out.insert(rng.randint(0, len(out)), rng.randbytes(rng.randint(1, 30)))
        damaged = True
    if rng.random() < 0.2 and untouched and untouched[-1] == len(frames) - 1 and out[-1] is frames[-1]:
        out[-1] = out[-1][: rng.randint(1, len(out[-1]) - 1)]
        untouched.pop()
        damaged = True
    return b"".join(out), ".tfrecord", options, Truth(tuple(untouched), None, damaged)


@contextmanager
def small(size: int) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(tfrecord_frames, "CHUNK_BYTES", size))
        stack.enter_context(mock.patch.object(tfrecord_dataset, "SHARD_BYTES", 3 * size))
        stack.enter_context(mock.patch.object(tfrecord_files, "_BLOCK", max(size // 2, 1)))
        yield


def check(case: Case, folder: Path, rng: random.Random) -> Verdict:
    path = folder / "fuzzed.tfrecord"
    path.write_bytes(case.data)
    truth: Truth = case.truth
    packed = case.options["compression"] != "none"
    reading = examine(tfrecord(path, **case.options), rng, small, least=len(case.data) // 64)
    if reading.opened and reading.refusal is not None:
        raise Finding(f"opened, then refused: {reading.refusal}")
    if reading.refusal is not None:
        rule = reading.refusal.rule
        if not rule.startswith(("Not one record can be read", "There is no feature in the records")):
            raise Finding(f"refused without a reason: {reading.refusal}")
        if truth.untouched and case.options["payload"] == "bytes":
            raise Finding(f"refused, though records {truth.untouched[:5]} are whole")
        return reading.verdict()
    if truth.exact is not None and reading.count + len(reading.aside) != truth.exact:
        raise Finding(f"{reading.count} rows read and {len(reading.aside)} set aside, of {truth.exact}")
    if truth.records is not None:
        _judge_messages(reading, truth.records, case.options)
    elif not packed:
        _judge_untouched(reading, truth, case.options["payload"])
    return reading.verdict()


def _ids(reading: Reading, payload: str) -> list[Any]:
    if payload == "bytes":
        return [int.from_bytes(row["record"][:8], "little") for row in reading.rows]
    ids = [row.get("id") for row in reading.rows]
    return [one[0] if isinstance(one, list) and one else one for one in ids]


def _judge_untouched(reading: Reading, truth: Truth, payload: str) -> None:
    ids = _ids(reading, payload)
    # Records of another type than most are set aside, untouched or not.
    misfits = sum(one.reason.startswith("feature ") for one in reading.aside)
    missing = [one for one in truth.untouched if one not in ids]
    if len(missing) > misfits:
        raise Finding(f"records {missing[:9]} were not touched and are gone; set aside: {reading.aside[:3]}")
    rest = iter(ids)
    if not all(one in rest for one in truth.untouched if one in ids):
        raise Finding("records come out in another order")
    if len(truth.untouched) + misfits < len(ids) + len(reading.aside) and not truth.damaged:
        raise Finding("more rows than records")


def _judge_messages(reading: Reading, records: tuple[bytes, ...], options: dict[str, Any]) -> None:
    """Compare with what protocol buffers make of each record."""
    sequence = options["payload"] == "sequence_example"
    told = [parsed(one, sequence=sequence) for one in records]
    aside = {one.row: one.reason for one in reading.aside}
    for number, message in enumerate(told, 1):
        if message is None and number not in aside:
            raise Finding(f"record {number} is no message, and is read")
        if message is not None and number in aside and not aside[number].startswith("feature "):
            raise Finding(f"record {number} is a message, and is set aside: {aside[number]}")
    kept = [message for number, message in enumerate(told, 1) if number not in aside]
    for message, row in zip(kept, reading.rows, strict=True):
        assert message is not None
        features, lists = message
        if not features and not lists:
            continue
        for name, value in row.items():
            # A feature list has a longer name if a feature of any record has its name.
            known = (features.get(name), lists.get(name), lists.get(name.removeprefix("sequence.")))
            if not any(_agree(one, value) for one in known):
                raise Finding(f"feature {name!r}: {value!r}, and the record has {known!r}")


def _agree(given: Any, found: Any) -> bool:
    if given is None or found is None:
        # An empty list in a column of single values is missing.
        return found is None and not given
    if isinstance(found, str):
        return bool(given == [found.encode()])
    if not isinstance(found, list):
        return bool(given[0] == found) or repr(given[0]) == repr(found) or float(given[0]) == found
    if given and isinstance(given[0], list):
        return len(given) == len(found) and all(map(_agree, given, found))
    plain = [one.encode() if isinstance(one, str) else one for one in found]
    if len(plain) != len(given):
        return False
    # Among floats, whole numbers are floats too.
    return all(one == two or repr(one) == repr(two) or float(one) == two for one, two in zip(given, plain, strict=True))
