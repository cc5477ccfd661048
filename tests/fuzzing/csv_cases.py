"""CSV files that are broken, and what must become of their rows: a splitter that goes from byte to byte."""

from __future__ import annotations

import bz2
import gzip
import io
import math
import warnings
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

import pyarrow as pa
from tests.fuzzing.cases import Case, Finding, Reading, Verdict, examine, mutated, token_soup

from headrace.data import HeaderWarning, csv, csv_records

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["check", "make", "split_records"]

WHITESPACE = " \t\n\v\f\r"
HINT = "The header has 1 column"
TOKENS = (
    *(b'"', b'""', b'"""', b",", b",,", b"\n", b"\r", b"\r\n", b"\n\n", b"\0", b"\xef\xbb\xbf", b"\xff", b"\xc3"),
    *(b"#", b"\n#", b";", b"\t", b'"\n"', b',"', b'",', b'\n"', b'"\r\n', b"'", b"\\", b'\\"', b" ", b'" '),
    *(b"9" * 400, b"1e999", b"-0", b"nan", b"-inf", b"0x1F", b"\x1a", "\u2028".encode(), b"\xc2\x85", b"\xed\xa0\x80"),
    *(b"2020-13-45", b"2020-01-02", b"true", b"1.5", b"-7", b"9223372036854775808", b"+5", b"1_000", b"\xff\xfe"),
)
WORDS = ("", "", "1", "-2", "3.5", "x", "a b", "é", "true", "2020-01-02", "2020-01-02 03:04:05", " 7 ", "?", "nan")
ENDS = ("\n", "\n", "\n", "\r\n", "\r")


@dataclass(frozen=True)
class Row:
    line: int
    text: bytes
    fields: tuple[bytes, ...]
    stray: bool

    def good(self, width: int) -> bool:
        try:
            self.text.decode()
        except UnicodeDecodeError:
            return False
        return not self.stray and len(self.fields) == width


def _field(rng: random.Random, text: str, separator: str, quote: str | None) -> str:
    if quote is not None and (rng.random() < 0.3 or any(char in text for char in (separator, quote, "\n", "\r"))):
        return quote + text.replace(quote, quote * 2) + quote
    return text


def make(rng: random.Random) -> Case:
    separator = rng.choice([",", ",", ",", ";", "\t", "|"])
    quote = rng.choice(['"', '"', '"', "'", None])
    options: dict[str, Any] = {"separator": separator, "quote": quote}
    if rng.random() < 0.3:
        options["comment"] = "#"
    if rng.random() < 0.3:
        options["strip"] = True
    if rng.random() < 0.3:
        options["null_values"] = ["", "?"]
    if rng.random() < 0.15:
        options["skip_rows"] = rng.randint(1, 3)
    width = rng.choice([1, 2, 3, 3, 4])
    names = [f"c{index}" for index in range(width)]
    end = rng.choice(ENDS)
    kinds = [rng.sample(WORDS, rng.randint(1, 4)) for _ in names]
    if quote is not None and rng.random() < 0.5:
        kinds[0] = [*kinds[0], f"a{quote}b", f"two{end}lines", f"a{separator}b"]
    rows = [[rng.choice(words) for words in kinds] for _ in range(int(2 ** rng.uniform(0, 6)))]
    if rng.random() < 0.3:
        options["names"] = names
    else:
        rows.insert(0, names)
    lines = [separator.join(_field(rng, text, separator, quote) for text in row) for row in rows]
    if rng.random() < 0.2:
        lines.insert(rng.randint(0, len(lines)), rng.choice(["", "# a comment", '# "odd', "   "]))
    data = ("\ufeff" if rng.random() < 0.1 else "").encode() + end.join([*lines, ""]).encode()
    if rng.random() < 0.95:
        data = mutated(rng, data, TOKENS)
    if rng.random() < 0.02:
        data = token_soup(rng, TOKENS)
    truth = {"mode": rng.choice(["texts", "texts", "inferred"]), "packed": False}
    suffix = ".csv"
    if rng.random() < 0.08:
        suffix, data = _packed(rng, data)
        if rng.random() < 0.5:
            data = mutated(rng, data, TOKENS, 2)
            truth["packed"] = True
    elif rng.random() < 0.05:
        options["encoding"] = rng.choice(["latin-1", "utf-16", "cp1252", "shift_jis", "utf-7"])
    return Case("csv", data, suffix, options, truth)


def _packed(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    kind = rng.choice(["gz", "bz2", "zst", "zip"])
    if kind == "gz":
        return ".csv.gz", gzip.compress(data)
    if kind == "bz2":
        return ".csv.bz2", bz2.compress(data)
    if kind == "zst":
        return ".csv.zst", _zstd(data)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.csv", data)
    return ".csv.zip", packed.getvalue()


def _zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue().to_pybytes())


def _unpacked(case: Case) -> bytes:
    data = case.data
    if case.suffix.endswith(".gz"):
        return gzip.decompress(data)
    if case.suffix.endswith(".bz2"):
        return bz2.decompress(data)
    if case.suffix.endswith(".zst"):
        return bytes(pa.CompressedInputStream(pa.BufferReader(data), "zstd").read())
    if case.suffix.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.read("data.csv")
    return data


def _line_end(data: bytes, at: int) -> tuple[int, int]:
    """Return where the line ends, and where the next one begins."""
    while at < len(data) and data[at] not in b"\r\n":
        at += 1
    return at, min(at + (2 if data[at : at + 2] == b"\r\n" else 1), len(data))


def _line_breaks(data: bytes) -> int:
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")


def split_records(
    data: bytes, separator: str = ",", quote: str | None = '"', comment: str | None = None, skip_rows: int = 0
) -> list[Row]:
    """Split as the reader documents it: quotes count at the start of a field, doubled ones are themselves.

    A quote that is never closed makes its record one that cannot be read, to the end of the quote's line.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    line, at = 1, 0
    for _ in range(skip_rows):
        stop, at = _line_end(data, at)
        line += 1
        if stop == len(data):
            return []
    found = []
    mark = None if quote is None else quote.encode()
    sep = separator.encode()
    while at < len(data):
        start = at
        if comment is not None and data[at : at + 1] == comment.encode():
            _, at = _line_end(data, at)
            line += 1
            continue
        fields: list[bytes] = []
        stray = False
        while True:
            text = b""
            if mark is not None and data[at : at + 1] == mark:
                close = _closing(data, at + 1, mark)
                if close is None:
                    stray = True
                    stop, at = _line_end(data, at)
                    break
                text = data[at + 1 : close].replace(mark * 2, mark)
                at = close + 1
            first = at
            while at < len(data) and data[at] not in b"\r\n" and data[at : at + 1] != sep:
                at += 1
            fields.append(text + data[first:at])
            if data[at : at + 1] != sep or at >= len(data):
                stop, at = _line_end(data, at)
                break
            at += 1
        if stop > start:
            found.append(Row(line, data[start:stop], tuple(fields), stray))
        line += _line_breaks(data[start:at])
    return found


def _closing(data: bytes, at: int, mark: bytes) -> int | None:
    while True:
        at = data.find(mark, at)
        if at < 0:
            return None
        if data[at + 1 : at + 2] != mark:
            return at
        at += 2


@contextmanager
def small(size: int) -> Iterator[None]:
    defaults = csv_records.cut_chunks.__kwdefaults__
    assert defaults is not None
    with mock.patch.dict(defaults, size=size):
        yield


def check(case: Case, folder: Path, rng: random.Random) -> Verdict:
    path = folder / f"fuzzed{case.suffix}"
    path.write_bytes(case.data)
    options = dict(case.options)
    known = not case.truth["packed"] and "encoding" not in options
    rows: list[Row] = []
    header: list[str] | None = options.get("names")
    refusable: tuple[str, ...] = ()
    if known:
        dialect = {key: options[key] for key in ("separator", "quote", "comment", "skip_rows") if key in options}
        rows = split_records(_unpacked(case), **dialect)
        refusable, header, rows = _judge_header(rows, header, options)
        if case.truth["mode"] == "texts" and header and not refusable:
            options["types"] = dict.fromkeys(header, "string")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HeaderWarning)
        reading = examine(
            csv(path, **options), rng, small, least=len(case.data) // 64, packed=bool(case.truth["packed"])
        )
    if not known:
        if reading.opened and reading.refusal is not None:
            raise Finding(f"opened, then refused: {reading.refusal}")
        return reading.verdict()
    if reading.refusal is not None:
        if not reading.refusal.rule.startswith(refusable):
            raise Finding(f"refused without a reason: {reading.refusal}")
        return reading.verdict()
    if refusable and refusable[0] != HINT:
        raise Finding(f"read, and should be refused: {refusable}")
    assert header is not None
    _judge_rows(reading, header, rows, options, case.truth["mode"])
    return reading.verdict()


def _judge_header(
    rows: list[Row], names: list[str] | None, options: dict[str, Any]
) -> tuple[tuple[str, ...], list[str] | None, list[Row]]:
    """Return with which words the file is to be refused (or, with a hint first, may be), its columns and its rows."""
    if not rows:
        return ("The file is empty",), names, []
    first = rows[0]
    hints: tuple[str, ...] = ()
    if first.text.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("The file is UTF-16",), names, rows
    try:
        first.text.decode()
        fields = [part.decode().strip(WHITESPACE) for part in first.fields]
    except UnicodeDecodeError:
        if names is None:
            return ("The header is not UTF-8",), names, rows
        fields = []
    if names is not None:
        if fields == names and len(fields) > 1 and not first.stray:
            return ("names are given, and the first line repeats them",), names, rows
    else:
        if first.stray:
            return ("The header has a quote that is never closed",), None, rows
        names, rows = fields, rows[1:]
        if len(names) == 1 and rows:
            for other in ",;\t|":
                text = first.text.decode()
                if other != options["separator"] and other in text:
                    hints = (HINT,)
        if not all(names):
            return ("Every column of a header has a name",), names, rows
        if len(set(names)) < len(names):
            return ("The names of a header are distinct",), names, rows
    width = len(names)
    if rows and not any(row.good(width) for row in rows):
        return ("No row can be read", *hints), names, rows
    return hints, names, rows


def _judge_rows(reading: Reading, header: list[str], rows: list[Row], options: dict[str, Any], mode: str) -> None:
    width = len(header)
    if reading.count + len(reading.aside) != len(rows):
        raise Finding(f"{reading.count} rows read and {len(reading.aside)} set aside, of {len(rows)}")
    aside = [one.row for one in reading.aside]
    broken = [row.line for row in rows if not row.good(width)]
    nulls = set(options.get("null_values", [""]))
    if mode == "texts":
        if aside != broken:
            raise Finding(f"set aside are lines {aside[:9]}, and {broken[:9]} are broken")
    elif not set(broken) <= set(aside):
        raise Finding(f"set aside are lines {aside[:9]}, and {broken[:9]} are broken")
    left = set(aside)
    kept = [row for row in rows if row.line not in left]
    assert reading.table is not None
    kinds = {field.name: str(field.type) for field in reading.table.schema}
    for row, found in zip(kept, reading.rows, strict=True):
        for name, raw in zip(header, row.fields, strict=True):
            text = raw.decode()
            kind = kinds[name]
            if options.get("strip") or kind != "string":
                text = text.strip(WHITESPACE)
            if not _agree(None if text in nulls else text, found[name], kind):
                raise Finding(f"line {row.line}, column {name!r}: {found[name]!r}, and the file has {text!r}")
    if mode == "inferred":
        for one in reading.aside:
            if one.row not in broken and "is not of type" not in one.reason:
                raise Finding(f"set aside without a reason: {one}")


def _agree(text: str | None, value: Any, kind: str) -> bool:
    if text is None or value is None:
        return text is None and value is None
    if kind == "string":
        return bool(text == value)
    if kind == "int64":
        return bool(int(text) == value)
    if kind == "double":
        number = float(text)
        return number == value or (math.isnan(number) and math.isnan(value))
    if kind == "bool":
        return (text.lower() in {"true", "1"}) is value
    return text[:10] == str(value)[:10] or kind.startswith("timestamp")
