from __future__ import annotations

import io

from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace.data.csv_records import Dialect, cut_chunks, find_records

CSV_BYTES = st.lists(
    st.sampled_from([b'"', b'""', b",", b"\n", b"\r\n", b"\r", b"#", b"a", b"bc", b" ", b"\xff", b"\xc3\xa9"]),
    max_size=60,
).map(b"".join)


def reference(data: bytes, *, quote: bool, comment: bool) -> list[tuple[int, int, bool]]:
    """Walk the bytes one by one: (start, line, stray) of each record."""
    found = []
    at = 0
    line = 1

    def end_of_line(pos: int) -> int:
        while pos < len(data) and data[pos] not in b"\r\n":
            pos += 1
        return pos

    def after(pos: int) -> int:
        return pos + (2 if data[pos : pos + 2] == b"\r\n" else 1) if pos < len(data) else pos

    def breaks(start: int, end: int) -> int:
        return data[start:end].replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n")

    while at < len(data):
        start = at
        stray = False
        if comment and data[at : at + 1] == b"#":
            end = end_of_line(at)
            blank = True
        else:
            pos = at
            fresh = True
            while pos < len(data) and data[pos] not in b"\r\n":
                if quote and fresh and data[pos : pos + 1] == b'"':
                    closing = pos + 1
                    while closing < len(data):
                        if data[closing : closing + 2] == b'""':
                            closing += 2
                        elif data[closing : closing + 1] == b'"':
                            break
                        else:
                            closing += 1
                    if closing >= len(data):
                        stray = True
                        pos = end_of_line(pos)
                        break
                    pos = closing + 1
                    fresh = False
                    continue
                fresh = data[pos : pos + 1] == b","
                pos += 1
            end = pos
            blank = end == start
        at = after(end)
        if not blank:
            found.append((start, line, stray))
        line += breaks(start, at)
    return found


@settings(deadline=None, max_examples=400)
@given(data=CSV_BYTES, quote=st.booleans(), comment=st.booleans())
@example(data=b'"a', quote=True, comment=False)
@example(data=b'#"\n"a\n', quote=True, comment=True)
def test_records_are_where_a_slow_reader_finds_them(data: bytes, quote: bool, comment: bool) -> None:
    dialect = Dialect(",", '"' if quote else None, "#" if comment else None)
    records = find_records(data, dialect)
    found = list(zip(records.starts.tolist(), records.lines.tolist(), records.stray.tolist(), strict=True))
    assert found == reference(data, quote=quote, comment=comment)


@settings(deadline=None, max_examples=400)
@given(data=CSV_BYTES, size=st.integers(1, 40), comment=st.booleans(), buffered=st.booleans())
def test_where_a_file_is_cut_makes_no_difference(data: bytes, size: int, comment: bool, buffered: bool) -> None:
    dialect = Dialect(",", '"', "#" if comment else None)
    whole = find_records(data, dialect)
    pieces = []
    stream = io.BufferedReader(io.BytesIO(data)) if buffered else io.BytesIO(data)
    for chunk in cut_chunks(stream, dialect, size=size):
        records = find_records(chunk.data, dialect, chunk.line)
        pieces += list(
            zip((records.starts + chunk.offset).tolist(), records.lines.tolist(), records.stray.tolist(), strict=True)
        )
    assert pieces == list(zip(whole.starts.tolist(), whole.lines.tolist(), whole.stray.tolist(), strict=True))


def test_a_quote_that_never_closes_does_not_hold_the_file_in_memory() -> None:
    data = b'a,b\n"stray,1\n' + b"x,2\n" * 12_000_000
    sizes = [len(chunk.data) for chunk in cut_chunks(io.BytesIO(data), Dialect(",", '"', None))]
    assert sum(sizes) == len(data)
    assert max(sizes) < 45_000_000
    assert sizes[:2] == [4, 9]
