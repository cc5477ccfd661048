"""JSON files that are broken, judged by Python's own parser."""

from __future__ import annotations

import gzip
import json
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

from tests.fuzzing.cases import Case, Finding, Reading, Verdict, examine, mutated, token_soup

from headrace.data import json_lines, json_records

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["check", "make"]

BLANK = b" \t\r\n"
DEEPEST = 64
TOKENS = (
    *(b'"', b'\\"', b"\\", b"{", b"}", b"[", b"]", b"[[", b"{}", b"[]", b",", b":", b"\n", b"\r", b"\r\n", b"\n\n"),
    *(b"\0", b"\xef\xbb\xbf", b"\xff", b"\xc3", b"\\u0000", b"\\ud800", b"\\udc00\\ud800", b"\xed\xa0\x80", b" "),
    *(b"9" * 400, b"1e999", b"-0", b"NaN", b"-Infinity", b"null", b"true", b"1.5", b"9223372036854775808", b"1e5"),
    *(b'{"a":1}', b'{"a":1,"a":2}', b'{"b":{"c":[1]}}', b'"a":', b'"":1,', b"// x\n", b"'", b"2020-01-02", b"[1,2]"),
    *(b'{"a":' * 80, b"[" * 3000, b'{"a":' * 3000, b"\n{}", b"]\n[", b"01", b".5", b"+1", b"1.", b"\xc2\x85"),
)
VALUES = (None, 1, 2, -3, 1.5, True, False, "x", "é", "2020-01-02", "2020-01-02T03:04:05", "\u2028", 'a"b', "", 2**40)


def _value(rng: random.Random, kind: str, depth: int = 0) -> Any:
    if kind == "list":
        return [_value(rng, rng.choice(["int", "text"]), depth + 1) for _ in range(rng.randint(0, 3))]
    if kind == "struct":
        inner = rng.choice(["int", "any", "list"]) if depth < 3 else "int"
        return {name: _value(rng, inner, depth + 1) for name in rng.sample(["p", "q", "r.s"], rng.randint(0, 3))}
    if kind == "any":
        return rng.choice(VALUES)
    if kind == "text":
        return rng.choice([one for one in VALUES if isinstance(one, str)])
    return rng.choice([one for one in VALUES if type(one) is int])


def make(rng: random.Random) -> Case:
    kinds = {name: rng.choice(["int", "text", "any", "list", "struct"]) for name in "abcd"[: rng.randint(1, 4)]}
    rows = [
        {name: _value(rng, kind) for name, kind in kinds.items() if rng.random() < 0.9}
        for _ in range(int(2 ** rng.uniform(0, 6)))
    ]
    indent = rng.choice([None, None, 1])
    ascii_only = rng.random() < 0.5
    array = rng.random() < 0.3
    if array:
        text = json.dumps(rows, indent=indent, ensure_ascii=ascii_only)
    else:
        end = rng.choice(["\n", "\n", "\r\n"])
        text = end.join([*(json.dumps(row, ensure_ascii=ascii_only) for row in rows), ""])
    data = ("\ufeff" if rng.random() < 0.1 else "").encode() + text.encode()
    if rng.random() < 0.95:
        data = mutated(rng, data, TOKENS)
    if rng.random() < 0.02:
        data = token_soup(rng, TOKENS)
    options: dict[str, Any] = {}
    if rng.random() < 0.3:
        options["types"] = {
            name: rng.choice(["string", "string", "int64", "float64", "bool", "timestamp", "date32"])
            for name in kinds
            if rng.random() < 0.7
        }
    if rng.random() < 0.15:
        options["columns"] = sorted({*kinds, *options.get("types", ())}, key=lambda _: rng.random())
    suffix = ".jsonl"
    if rng.random() < 0.05:
        suffix, data = ".jsonl.gz", gzip.compress(data)
    elif rng.random() < 0.03:
        options["encoding"] = rng.choice(["latin-1", "utf-16"])
    return Case("json", data, suffix, options)


@contextmanager
def small(size: int) -> Iterator[None]:
    with mock.patch.object(json_records.cut_pieces, "__defaults__", (size,)):
        yield


def check(case: Case, folder: Path, rng: random.Random) -> Verdict:
    path = folder / f"fuzzed{case.suffix}"
    path.write_bytes(case.data)
    reading = examine(json_lines(path, **case.options), rng, small, least=len(case.data) // 64)
    if reading.opened and reading.refusal is not None:
        raise Finding(f"opened, then refused: {reading.refusal}")
    if "encoding" in case.options:
        return reading.verdict()
    data = gzip.decompress(case.data) if case.suffix.endswith(".gz") else case.data
    data = data.removeprefix(b"\xef\xbb\xbf")
    texts = _rows(data)
    if texts is None:
        # What the rows of a broken array are cannot be told by another parser.
        return reading.verdict()
    objects = [(line, _object(text)) for line, text in texts]
    if reading.refusal is not None:
        _judge_refusal(reading, objects, case)
        return reading.verdict()
    if reading.count + len(reading.aside) != len(texts):
        raise Finding(f"{reading.count} rows read and {len(reading.aside)} set aside, of {len(texts)}")
    _judge_rows(reading, objects)
    return reading.verdict()


def _rows(data: bytes) -> list[tuple[int | None, bytes]] | None:
    """Return the rows with their lines, or None where they cannot be told."""
    if data.lstrip(BLANK).startswith(b"["):
        lines = data.lstrip(BLANK).split(b"\n")
        if any(line.strip(BLANK) for line in lines[1:]):
            try:
                json.loads(lines[0])
            except (ValueError, RecursionError):
                pass
            else:
                return None
        try:
            whole = json.loads(data)
        except (ValueError, RecursionError):
            return None
        # What is written in an array is told from its values: a key twice is one key.
        return [(None, json.dumps(one).encode()) for one in whole]
    return [(number, line.strip(BLANK)) for number, line in enumerate(data.split(b"\n"), 1) if line.strip(BLANK)]


def _object(text: bytes) -> dict[str, Any] | None:
    """Return an object that is surely one; None if it is none or may be none."""
    try:
        value = json.loads(text.decode())
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and not _odd(value) else None


def _odd(value: Any) -> bool:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST or any(isinstance(one, float) and math.isinf(one) for one in level):
            return True
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return False


def _judge_refusal(reading: Reading, objects: list[tuple[int | None, dict[str, Any] | None]], case: Case) -> None:
    assert reading.refusal is not None
    rule = reading.refusal.rule
    good = [one for _, one in objects if one is not None]
    keys = {key for one in good for key in one}
    if rule == "Not one row can be read" and not good and objects:
        return
    if rule == "The keys of the objects are the columns" and not keys:
        return
    named = [*case.options.get("types", ()), *case.options.get("columns", ())]
    if rule.endswith("name a column that no object has") and not keys.issuperset(named):
        return
    raise Finding(f"refused without a reason: {reading.refusal}")


def _judge_rows(reading: Reading, objects: list[tuple[int | None, dict[str, Any] | None]]) -> None:
    assert reading.table is not None
    aside = {one.row for one in reading.aside}
    by_line = all(line is not None for line, _ in objects)
    there = dict(objects)
    for one in reading.aside:
        if by_line and not one.reason.startswith("column ") and there.get(one.row) is not None:
            raise Finding(f"set aside without a reason: {one}")
    if not by_line:
        return
    kept = [one for line, one in objects if line not in aside]
    kinds = {field.name: field.type for field in reading.table.schema}
    for given, found in zip(kept, reading.rows, strict=True):
        if given is None:
            # Python's parser is stricter in something, or the row holds what it would not write.
            continue
        for name, value in found.items():
            if not _agree(given.get(name), value, str(kinds[name])):
                raise Finding(f"column {name!r}: {value!r}, and the file has {given.get(name)!r}")


def _agree(given: Any, found: Any, kind: str) -> bool:
    if given is None or found is None:
        return given is None and found is None
    if kind == "string":
        return found == given if isinstance(given, str) else repr(json.loads(found)) == repr(given)
    if kind.startswith(("timestamp", "date32")):
        return str(given)[:4] == str(found)[:4] or not isinstance(given, str) or given[:1] in " +-"
    if kind.startswith("struct"):
        return isinstance(given, dict) and all(
            _agree(given.get(name), value, _guess(value)) for name, value in found.items()
        )
    if kind.startswith("list"):
        pairs = zip(given, found, strict=True)
        return isinstance(given, list) and all(_agree(one, other, _guess(other)) for one, other in pairs)
    if isinstance(given, str):
        # A text that the type was given for.
        return kind == "bool" or float(given) == float(found) or math.isnan(float(given))
    if isinstance(given, float) and math.isnan(given):
        return bool(math.isnan(found))
    return bool(given == found) or float(given) == float(found)


def _guess(value: Any) -> str:
    kinds = {dict: "struct", list: "list", str: "string", float: "double", int: "int64", bool: "bool"}
    return kinds.get(type(value), "string")
