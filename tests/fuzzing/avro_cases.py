"""Avro files that are broken: blocks that were not touched come out as they were, the others are said."""

from __future__ import annotations

import bz2
import copy
import io
import json
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

import fastavro
from tests.fuzzing.cases import Case, Finding, Verdict, examine, mutated

from headrace.data import avro, avro_files

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["block_of", "check", "file_of", "make", "number"]

TOKENS = (
    *(
        b"\0",
        b"\x01",
        b"\x02",
        b"\xff" * 10,
        b"\x80" * 12,
        b"\xfe\xff\xff\xff\x0f",
        b"\xfe" + b"\xff" * 8 + b"\x01",
        b"\x7f",
    ),
    *(
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b'"null"',
        b'"int"',
        b'"type"',
        b'"name"',
        b"9" * 400,
        b"1e999",
        b"\\u0000",
    ),
    *(
        b'{"type":"array","items":"null"}',
        b'"scale":99999999',
        b'"logicalType":"decimal"',
        b'"fields":[]',
        b"null",
        b"\xff",
    ),
    *(
        b'"items":',
        b'"symbols":[]',
        b'"size":-1',
        b'"namespace":5',
        b'{"type":',
        b"[" * 2000,
        b"Obj\x01",
        b"deflate",
        b"xz",
    ),
)
TYPES: tuple[Any, ...] = (
    "int",
    "long",
    "float",
    "double",
    "string",
    "bytes",
    "boolean",
    "null",
    ["null", "int"],
    ["null", "string"],
    ["int", "string"],
    ["null", "int", "double"],
    {"type": "array", "items": "int"},
    {"type": "array", "items": ["null", "string"]},
    {"type": "map", "values": "long"},
    {"type": "enum", "name": "E", "symbols": ["A", "B"]},
    {"type": "fixed", "name": "F", "size": 3},
    {
        "type": "record",
        "name": "R",
        "fields": [{"name": "p", "type": "int"}, {"name": "q", "type": ["null", "string"]}],
    },
    {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
    {"type": "int", "logicalType": "date"},
    {"type": "long", "logicalType": "timestamp-millis"},
    {"type": "long", "logicalType": "timestamp-nanos"},
    {"type": "string", "logicalType": "uuid"},
)
# What a schema may say and nobody means.
HOSTILE: tuple[Any, ...] = (
    {"type": "array", "items": "null"},
    {"type": "array", "items": {"type": "fixed", "name": "Z", "size": 0}},
    {"type": "array", "items": {"type": "record", "name": "N", "fields": [{"name": "n", "type": "null"}]}},
    {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 10**9},
    {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": -5},
    {"type": "fixed", "name": "Z", "size": 2**40},
    {"type": "fixed", "name": "Z", "size": -1},
    {"type": "record", "name": "Row", "fields": [{"name": "p", "type": "Row"}]},
    {"type": "record", "name": "P", "fields": [{"name": "p", "type": "int"}, {"name": "p", "type": "int"}]},
    {"type": "record", "name": "P", "fields": []},
    {"type": "map", "values": {"type": "map", "values": "null"}},
    {"type": "enum", "name": "Z", "symbols": []},
    {"type": "array", "items": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
    ["null", "null"],
    ["int", ["int"]],
    [],
    {"type": {"type": "int"}},
    {"logicalType": "date"},
    "unknown",
    7,
    None,
)
CODECS = ("null", "null", "deflate", "bzip2")


@dataclass(frozen=True)
class Truth:
    """What was written.

    Parameters
    ----------
    untouched
        The ids of the rows of blocks that were not touched, in order; None where nothing can be told.
    exact
        How many rows there are, where that can be told.
    """

    untouched: tuple[int, ...] | None
    exact: int | None


def _value(rng: random.Random, kind: Any) -> Any:
    if isinstance(kind, list):
        return _value(rng, rng.choice(kind))
    if isinstance(kind, str):
        return {
            "int": rng.randint(-(2**31), 2**31 - 1),
            "long": rng.randint(-(2**63), 2**63 - 1),
            "float": rng.choice([0.5, -2.0, float("nan")]),
            "double": rng.uniform(-1e9, 1e9),
            "string": rng.choice(["", "a", "é" * 20, "2020-01-01"]),
            "bytes": rng.randbytes(rng.choice([0, 2, 30])),
            "boolean": rng.random() < 0.5,
            "null": None,
        }[kind]
    what = kind["type"]
    if what == "array":
        return [_value(rng, kind["items"]) for _ in range(rng.randint(0, 4))]
    if what == "map":
        return {key: _value(rng, kind["values"]) for key in "ab"[: rng.randint(0, 2)]}
    if what == "enum":
        return rng.choice(kind["symbols"])
    if what == "fixed":
        return rng.randbytes(kind["size"])
    if what == "record":
        return {field["name"]: _value(rng, field["type"]) for field in kind["fields"]}
    if kind.get("logicalType") == "date":
        return rng.randint(-10_000, 30_000)
    if kind.get("logicalType") == "decimal" and rng.random() < 0.02:
        return rng.randbytes(500)
    if kind.get("logicalType", "").startswith("timestamp"):
        return rng.randint(-(10**11), 10**13)
    return _value(rng, what)


def _plain(kind: Any) -> Any:
    return kind["type"] if isinstance(kind, dict) and "logicalType" in kind else kind


def number(value: int) -> bytes:
    rest = (value << 1) ^ (value >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*out, rest])


def block_of(schema: Any, rows: Sequence[Any], codec: str, sync: bytes, change: Any = None) -> bytes:
    """Return a block; ``change`` is done to the rows' bytes before they are packed."""
    out = io.BytesIO()
    for row in rows:
        fastavro.schemaless_writer(out, schema, row)
    data = out.getvalue() if change is None else change(out.getvalue())
    if codec == "deflate":
        packer = zlib.compressobj(wbits=-15)
        data = packer.compress(data) + packer.flush()
    elif codec == "bzip2":
        data = bz2.compress(data)
    return number(len(rows)) + number(len(data)) + data + sync


def file_of(schema: Any, blocks: Sequence[bytes], codec: str, sync: bytes) -> tuple[bytes, bytes]:
    """Return the header and the blocks."""
    facts = {b"avro.schema": json.dumps(schema).encode(), b"avro.codec": codec.encode()}
    head = b"Obj\x01" + number(len(facts))
    for key, value in facts.items():
        head += number(len(key)) + key + number(len(value)) + value
    return head + number(0) + sync, b"".join(blocks)


def make(rng: random.Random) -> Case:
    kinds = copy.deepcopy(rng.sample(TYPES, rng.randint(0, 4)))
    fields = [
        {"name": "id", "type": "long"},
        *({"name": f"c{index}", "type": kind} for index, kind in enumerate(kinds)),
    ]
    schema = {"type": "record", "name": "Row", "fields": fields}
    plain = fastavro.parse_schema(
        {**schema, "fields": [{"name": field["name"], "type": _plain(field["type"])} for field in fields]}
    )
    codec, sync = rng.choice(CODECS), rng.randbytes(16)
    counts = [int(2 ** rng.uniform(0, 5)) for _ in range(int(2 ** rng.uniform(0, 3.5)))]
    first, groups = 0, []
    for count in counts:
        groups.append(
            [
                {"id": first + index} | {f"c{i}": _value(rng, kind) for i, kind in enumerate(kinds)}
                for index in range(count)
            ]
        )
        first += count
    how = rng.choice(["inside", "inside", "blocks", "blocks", "blocks", "header", "none"])
    blocks = [block_of(plain, rows, codec, sync) for rows in groups]
    ids = [tuple(row["id"] for row in rows) for rows in groups]
    whole = tuple(one for rows in ids for one in rows)
    exact: int | None = first
    untouched: tuple[int, ...] | None = whole
    head, _ = file_of(schema, blocks, codec, sync)
    if how in {"inside", "blocks"}:
        rate = rng.choice([0.1, 0.3, 0.8])
        touched = {index for index in range(len(blocks)) if rng.random() < rate}
        untouched = tuple(one for index, rows in enumerate(ids) if index not in touched for one in rows)
        for index in touched:
            if how == "inside":
                blocks[index] = block_of(plain, groups[index], codec, sync, lambda data: _changed(rng, data))
            else:
                blocks[index] = _broken(rng, blocks[index], len(groups[index]))
                exact = None
        if how == "blocks":
            # Where the marker before a block is gone, nothing says where the block begins.
            before = [sync, *blocks]
            found = [index for index in range(len(blocks)) if index not in touched and _ends(before[: index + 1], sync)]
            untouched = tuple(one for index in found for one in ids[index])
        if how == "blocks" and blocks[-1] and rng.random() < 0.1:
            blocks[-1] = blocks[-1][: rng.randrange(len(blocks[-1]))]
            exact = None
            untouched = tuple(one for one in untouched if one not in ids[-1])
    elif how == "header":
        if rng.random() < 0.5:
            head = mutated(rng, head, TOKENS, 2)
        else:
            rng.choice(fields)[rng.choice(["type", "type", "type", "name"])] = rng.choice(HOSTILE)
            head, _ = file_of(schema, blocks, codec, sync)
        exact = untouched = None
    return Case("avro", head + b"".join(blocks), ".avro", {}, Truth(untouched, exact))


def _ends(before: Sequence[bytes], sync: bytes) -> bool:
    return b"".join(before).endswith(sync)


def _changed(rng: random.Random, data: bytes) -> bytes:
    return mutated(rng, data, TOKENS, 2)


def _broken(rng: random.Random, block: bytes, rows: int) -> bytes:
    """Change a block anyhow, or what it says of its rows and its size."""
    what = rng.choice(["any", "any", "marker", "rows", "size", "gone", "before"])
    if what == "marker":
        return block[:-1] + bytes([block[-1] ^ 1])
    body = block[len(number(rows)) :]
    if what == "rows":
        return number(rng.choice([0, 1, rows + 1, rows - 1, 2**31, 2**62, -1, rng.randint(0, 10**6)])) + body
    if what == "size":
        size = len(body) - 16
        size -= len(number(size - 2)) if size > 2 else 0
        # None that leads to the end of another block: what stands between would be one block by all that can be seen.
        wrong = rng.choice([0, 1, size + 1, size - 1, size + 17, 2 * size, 2**40, -5, rng.randint(0, 500)])
        return number(rows) + number(wrong) + body[len(number(size)) :]
    if what == "gone":
        return b""
    if what == "before":
        return rng.randbytes(rng.randint(1, 40)) + block
    return mutated(rng, block, TOKENS, 2)


@contextmanager
def small(size: int) -> Iterator[None]:
    with mock.patch.object(avro_files, "SHARD_BYTES", size), mock.patch.object(avro_files, "BATCH_ROWS", 4 * size):
        yield


def check(case: Case, folder: Path, rng: random.Random) -> Verdict:
    path = folder / "fuzzed.avro"
    path.write_bytes(case.data)
    truth: Truth = case.truth
    reading = examine(avro(path), rng, small)
    if reading.refusal is not None:
        if truth.untouched is not None:
            raise Finding(f"refused, and the header is whole: {reading.refusal}")
        return reading.verdict()
    if truth.exact is not None and reading.count + len(reading.aside) != truth.exact:
        raise Finding(f"{reading.count} rows read and {len(reading.aside)} set aside, of {truth.exact}")
    if truth.untouched is not None:
        assert reading.table is not None
        ids = reading.table["id"].to_pylist()
        misfits = sum(one.reason.startswith("column ") for one in reading.aside)
        missing = [one for one in truth.untouched if one not in ids]
        if len(missing) > misfits:
            raise Finding(
                f"rows {missing[:5]} are in blocks that were not touched, and gone; aside: {reading.aside[:3]}"
            )
        rest = iter(ids)
        if not all(one in rest for one in truth.untouched if one in ids):
            raise Finding("rows come out in another order")
    return reading.verdict()
