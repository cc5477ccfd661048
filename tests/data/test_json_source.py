from __future__ import annotations

import bz2
import gzip
import json
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.data import JsonSource, Source, Unreadable, json_lines, same_types, snapshot
from headrace.data.json_records import cut_pieces, form_of, rows_of
from headrace.errors import DataError, UsageError
from headrace.testing import SourceSuite

if TYPE_CHECKING:
    from pathlib import Path

GOOD: list[dict[str, Any]] = [
    {"a": 1, "b": "x", "c": {"d": [1, 2]}, "when": "2020-01-01"},
    {"a": None, "b": "é\n", "c": None},
    {"a": 3, "when": "2020-01-02", "c": {"d": [], "e": "f"}},
] * 20
BAD = [b'{"a":1', b"[1]", b"7", b'{"a":"x"}', b'{"c":[1]}', b'{"a":1} {"a":2}', b'{"b":"\xff"}', b'{"when":3}', b"nul"]
EXPECTED = pa.table(
    {
        "a": [row.get("a") for row in GOOD],
        "b": [row.get("b") for row in GOOD],
        "c": pa.array([row.get("c") for row in GOOD], pa.struct([("d", pa.list_(pa.int64())), ("e", pa.string())])),
        "when": pa.array([row.get("when") for row in GOOD]).cast(pa.date32()),
    }
)


def lines(rows: list[Any], bad: list[bytes] | None = None) -> bytes:
    whole = [json.dumps(row, ensure_ascii=False).encode() for row in rows]
    for index, one in enumerate(bad or []):
        whole.insert(index * 3 + 1, one)
    return b"\n".join(whole) + b"\n"


def read(source: JsonSource) -> tuple[list[dict[str, Any]], list[Unreadable]]:
    unreadable: list[Unreadable] = []
    found = []
    for shard in source.dataset().shards:
        for batch in shard.read_reporting(unreadable.append):  # type: ignore[attr-defined]
            found += batch.to_pylist()
    return found, unreadable


def rows(folder: Path, data: bytes, name: str = "x.jsonl", **options: Any) -> list[dict[str, Any]]:
    (folder / name).write_bytes(data)
    return read(json_lines(folder / name, **options))[0]


def reasons(folder: Path, data: bytes, name: str = "x.jsonl", **options: Any) -> list[tuple[int, str]]:
    (folder / name).write_bytes(data)
    return [(one.row, one.reason) for one in read(json_lines(folder / name, **options))[1]]


class TestLines(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        (tmp_path / "x.jsonl").write_bytes(lines(GOOD))
        return json_lines(tmp_path / "x.jsonl")

    @pytest.fixture
    def expected(self) -> pa.Table:
        return EXPECTED

    @pytest.fixture
    def broken(self, tmp_path: Path) -> tuple[Source, int]:
        (tmp_path / "broken.jsonl").write_bytes(lines(GOOD, BAD))
        return json_lines(tmp_path / "broken.jsonl", types={"when": "date32"}), len(GOOD) + len(BAD)

    @pytest.fixture
    def others(self, tmp_path: Path, source: Source) -> list[Source]:
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "x.jsonl").write_bytes(lines(GOOD[1:]))
        path = tmp_path / "x.jsonl"
        return [
            json_lines(tmp_path / "other" / "x.jsonl"),
            json_lines(path, columns=["a"]),
            json_lines(path, types={"a": "float64"}),
            json_lines(path, encoding="latin-1"),
        ]

    @pytest.fixture
    def alike(self, tmp_path: Path, source: Source) -> list[Source]:
        (tmp_path / "same").mkdir()
        (tmp_path / "same" / "x.jsonl").write_bytes(lines(GOOD))
        return [json_lines(tmp_path / "same" / "x.jsonl"), json_lines(f"file://{tmp_path}/x.jsonl")]


class TestManyShards(SourceSuite):
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cut_pieces, "__defaults__", (300,))

    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        (tmp_path / "x.jsonl").write_bytes(lines(GOOD))
        source = json_lines(tmp_path / "x.jsonl")
        assert len(source.dataset().shards) > 5
        return source

    @pytest.fixture
    def expected(self) -> pa.Table:
        return EXPECTED

    @pytest.fixture
    def broken(self, tmp_path: Path) -> tuple[Source, int]:
        (tmp_path / "broken.jsonl").write_bytes(lines(GOOD, BAD))
        return json_lines(tmp_path / "broken.jsonl", types={"when": "date32"}), len(GOOD) + len(BAD)


class TestArray(SourceSuite):
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cut_pieces, "__defaults__", (500,))

    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        (tmp_path / "x.json").write_text(json.dumps(GOOD, indent=2))
        source = json_lines(tmp_path / "x.json")
        assert len(source.dataset().shards) > 5
        return source

    @pytest.fixture
    def expected(self) -> pa.Table:
        return EXPECTED

    @pytest.fixture
    def broken(self, tmp_path: Path) -> tuple[Source, int]:
        whole = [json.dumps(row, indent=1).encode() for row in GOOD]
        whole[3:3] = [b"[1]", b"7", b"", b'{"a":"x"}', b"nul"]
        (tmp_path / "broken.json").write_bytes(b" [\n" + b",\n".join(whole) + b"]\n")
        return json_lines(tmp_path / "broken.json"), len(whole)


class TestPackedAndInAnotherEncoding(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        half = len(GOOD) // 2
        (tmp_path / "1.jsonl.gz").write_bytes(
            gzip.compress(lines(GOOD[:half]).decode().encode("utf-16")) + gzip.compress(b"")
        )
        (tmp_path / "2.jsonl.gz").write_bytes(gzip.compress(lines(GOOD[half:]).decode().encode("utf-16")))
        return json_lines(tmp_path / "*.gz", encoding="utf-16")

    @pytest.fixture
    def expected(self) -> pa.Table:
        return EXPECTED

    @pytest.fixture
    def broken(self, tmp_path: Path) -> tuple[Source, int]:
        (tmp_path / "broken.jsonl.bz2").write_bytes(bz2.compress(lines(GOOD, BAD)))
        return json_lines(tmp_path / "broken.jsonl.bz2", types={"when": "date32"}), len(GOOD) + len(BAD)


class TestOnlySomeColumns(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        # What the other columns hold does not matter.
        (tmp_path / "x.jsonl").write_bytes(lines(GOOD, [b'{"b":[1]}', b'{"q":{"q":1}}']))
        return json_lines(tmp_path / "x.jsonl", columns=["when", "a"], types={"a": "float64"})


def test_types_are_found_out_from_all_rows(tmp_path: Path) -> None:
    data = b'{"i":1,"f":1,"t":"2020-01-01","b":true,"n":null,"e":{},"m":1}\n'
    data += b'{"i":-2,"f":0.5,"t":"2020-01-01T10:00:00Z","b":false,"l":[[1.5],[2]],"m":"x"}\n'
    (tmp_path / "x.jsonl").write_bytes(data)
    schema = json_lines(tmp_path / "x.jsonl").dataset().schema
    assert {field.name: str(field.type) for field in schema} == {
        "i": "int64",
        "f": "double",
        "t": "timestamp[us]",
        "b": "bool",
        "n": "string",
        "e": "string",
        "m": "string",
        "l": "list<item: list<item: double>>",
    }


def test_few_values_of_another_type_set_their_rows_aside(tmp_path: Path) -> None:
    many = b'{"a":1,"b":[1],"c":{"d":true}}\n' * 60
    assert reasons(tmp_path, many + b'{"a":"x"}\n{"a":[2]}\n{"b":["y"]}\n{"c":3}\n{"c":{"d":0}}\n{"a":2.5}\n') == [
        (61, "column 'a': \"x\" is not a number"),
        (62, "column 'a': [2] is not a number"),
        (63, "column 'b[]': \"y\" is not a whole number of 64 bits"),
        (64, "column 'c': 3 is not an object"),
        (65, "column 'c.d': 0 is not true or false"),
    ]


def test_where_no_type_has_most_values_all_are_kept_as_texts(tmp_path: Path) -> None:
    data = b'{"a":1}\n{"a":"x"}\n{"a":[1,{"b":null}]}\n{"a":true}\n{"a":1.50}\n'
    assert [row["a"] for row in rows(tmp_path, data)] == ["1", "x", '[1,{"b":null}]', "true", "1.5"]


def test_types_that_are_given_are_read_from_texts_too(tmp_path: Path) -> None:
    data = (
        b'{"a":"12","z":1234,"d":"2020-01-01"}\n{"a":3,"z":"x","d":"soon"}\n{"a":"q","z":[1]}\n{"a":true}\n{"a":2.5}\n'
    )
    types = {"a": "int64", "z": "string", "d": "date32"}
    assert [(row["a"], row["z"]) for row in rows(tmp_path, data, types=types)] == [(12, "1234")]
    assert reasons(tmp_path, data, types=types) == [
        (2, "column 'd': \"soon\" cannot be read as date32"),
        (3, "column 'a': \"q\" cannot be read as int64"),
        (4, "column 'a': \"true\" cannot be read as int64"),
        (5, "column 'a': \"2.5\" cannot be read as int64"),
    ]


def test_numbers_at_the_edges(tmp_path: Path) -> None:
    data = b'{"i":9223372036854775807,"f":1e308,"n":NaN}\n'
    data += b'{"i":-9223372036854775808,"f":9223372036854775808,"n":-Infinity}\n'
    found = rows(tmp_path, data)
    assert [row["i"] for row in found] == [2**63 - 1, -(2**63)]
    assert [row["f"] for row in found] == [1e308, 2.0**63]
    assert str([row["n"] for row in found]) == "[nan, -inf]"
    assert reasons(tmp_path, data + b'{"f":1e999}\n{"n":1e999,"f":NaN}\n') == [
        (3, "not valid JSON: number out of range - at `$[...]`"),
        (4, "not valid JSON: number out of range - at `$[...]`"),
    ]


def test_rows_that_are_no_objects(tmp_path: Path) -> None:
    data = b'{"a":1}\r\n\r\n  \n{"a":2}{"a":3}\n{"a":\n4}\n"x"\n{"a":5,"a":6}\n{"a":"\\ud800"}\n {"a":7} \n'
    assert rows(tmp_path, data) == [{"a": 1}, {"a": 6}, {"a": 7}]
    assert [row for row, _ in reasons(tmp_path, data)] == [4, 5, 6, 7, 9]


def test_deep_nesting_is_set_aside_and_not_fatal(tmp_path: Path) -> None:
    deep = [b"[" * depth + b"]" * depth for depth in (100_000, 5_000, 70)]
    data = b"".join(b'{"a":' + one + b"}\n" for one in deep) + b'{"a":[1]}\n'
    data += b'{"b":{"x":["' + b"[" * 5_000 + b'"]}}\n'
    assert rows(tmp_path, data) == [{"a": [1], "b": None}, {"a": None, "b": {"x": ["[" * 5_000]}}]
    assert reasons(tmp_path, data) == [(row, "nested more than 64 deep") for row in (1, 2, 3)]


def test_objects_with_too_many_names(tmp_path: Path) -> None:
    data = json.dumps({"a": {f"k{index}": 1 for index in range(10_001)}}).encode()
    (tmp_path / "x.jsonl").write_bytes(data + b"\n")
    with pytest.raises(DataError, match="at most 10,000 different names"):
        json_lines(tmp_path / "x.jsonl").dataset()


@pytest.mark.parametrize(
    ("data", "good", "aside"),
    [
        (b"[]{}", None, None),
        (b'[{"a":1},{"a":2}', 2, ["the file ends before its array does"]),
        (b'[{"a":1},{"a":', 1, ["not valid JSON: input data was truncated"]),
        (b'[{"a":1},', 1, ["the file ends before its array does"]),
        (b'[{"a":1},]', 1, ["no value stands between two commas"]),
        (b'[{"a":1}] x', 1, ["the array has ended before this"]),
        (b'[{"a":"]},\\"["},{"a":"\\\\"}]\n', 2, []),
        (b'[1]\n{"a":1}\n', 1, ["[1] is not an object"]),
        (b'\xef\xbb\xbf[{"a":1}]', 1, []),
    ],
)
def test_arrays_whole_and_broken(tmp_path: Path, data: bytes, good: int | None, aside: list[str] | None) -> None:
    if good is None or aside is None:
        with pytest.raises(DataError, match="Not one row can be read"):
            rows(tmp_path, data, "x.json")
        return
    assert len(rows(tmp_path, data, "x.json")) == good
    assert [reason for _, reason in reasons(tmp_path, data, "x.json")] == aside


@pytest.mark.parametrize(
    ("data", "message"), [(b"", "no row"), (b"[]", "no row"), (b"{}\n{}\n", "objects without keys")]
)
def test_files_without_columns(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"The keys of the objects are the columns; got {message}"):
        rows(tmp_path, data)


def test_files_of_another_kind_say_what_to_do(tmp_path: Path) -> None:
    for data in (b"a,b\n1,2\n", b"\x00\x01\x02" * 100, b'{\n  "a": 1\n}\n'):
        with pytest.raises(DataError, match=r"Not one row can be read.*x\.jsonl.*jq -c"):
            rows(tmp_path, data)
    with pytest.raises(DataError, match="cannot be unpacked"):
        rows(tmp_path, gzip.compress(b'{"a":1}\n' * 1000)[:-20], "x.jsonl.gz")


def test_columns_and_types_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"columns name a column that no object has; got educaton .*'education'"):
        rows(tmp_path, b'{"education":1}\n', columns=["educaton"])
    with pytest.raises(DataError, match=r"types name a column that no object has; got b .*Known names: a"):
        rows(tmp_path, b'{"a":1}\n', types={"b": "string"})
    with pytest.raises(UsageError, match="The type of 'a' is unknown; got text"):
        json_lines("x.jsonl", types={"a": "text"})
    with pytest.raises(UsageError, match="not read; got b"):
        json_lines("x.jsonl", columns=["a"], types={"b": "string"})
    with pytest.raises(UsageError, match="list of distinct names"):
        json_lines("x.jsonl", columns="ab")


def test_long_rows_are_set_aside_without_being_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.data.json_records.MAX_ROW_BYTES", 2_000)
    monkeypatch.setattr(cut_pieces, "__defaults__", (500,))
    data = b'{"a":1}\n{"a":"' + b"x" * 9_000 + b'"}\n{"a":2}\n' + b"y" * 5_000
    assert rows(tmp_path, data) == [{"a": 1}, {"a": 2}]
    assert [(row, reason[:11]) for row, reason in reasons(tmp_path, data)] == [(2, "longer than"), (4, "longer than")]
    assert rows(tmp_path, b'[{"a":1},{"a":"' + b"x" * 9_000 + b'"},{"a":2}]', "x.json") == [{"a": 1}]


def test_sources_that_are_read_together_agree(tmp_path: Path) -> None:
    (tmp_path / "1.jsonl").write_bytes(b'{"a":1,"d":"2020-01-01"}\n')
    (tmp_path / "2.jsonl").write_bytes(b'{"a":1.5,"d":null}\n')
    agreed = same_types({"one": json_lines(tmp_path / "1.jsonl"), "two": json_lines(tmp_path / "2.jsonl")})
    schemas = [source.dataset().schema for source in agreed.values()]
    assert schemas[0] == schemas[1]
    assert [str(kind) for kind in schemas[0].types] == ["double", "date32[day]"]


def test_a_snapshot_keeps_what_was_set_aside(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(lines(GOOD, BAD))
    report = snapshot(json_lines(tmp_path / "x.jsonl", types={"when": "date32"}), tmp_path / "s", max_bad_rows=9)
    assert (report.rows_read, report.rows_set_aside) == (len(GOOD), len(BAD))
    assert report.unreadable[0].text == '{"a":1'


def test_real_data_are_the_same_as_csv(census_dir: Path, census_columns: list[str], tmp_path: Path) -> None:
    path = tmp_path / "census.jsonl"
    names = ", ".join(f"'{name}'" for name in census_columns)
    people = duckdb.sql(f"select * from read_csv('{census_dir}/adult.data', header=false, names=[{names}])")
    duckdb.sql(f"copy (from people) to '{path}' (format json)")
    found = json_lines(path).dataset().to_table()
    wanted = people.to_arrow_table()
    assert found.num_rows == 32_561
    assert found.equals(wanted.cast(found.schema))


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xy"), inner, max_size=2),
    max_leaves=5,
)
objects = st.lists(st.dictionaries(st.sampled_from(["a", "b"]), values, max_size=2), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(objects, st.booleans(), st.integers(1, 60))
def test_rows_are_found_however_a_file_is_cut(given_rows: list[Any], array: bool, size: int) -> None:
    import io

    data = json.dumps(given_rows, indent=1).encode() if array else lines(given_rows)
    form = form_of(io.BytesIO(data))
    assert form == ("array" if array else "lines")
    found = []
    for piece in cut_pieces(io.BytesIO(data), form, size):
        some = rows_of(piece, form)
        assert not some.faults
        found += [json.loads(some.text(index)) for index in range(len(some))]
        starts = [data.split(b"\n")[number - 1].lstrip()[:1] for number in some.numbers.tolist()]
        assert set(starts) <= {b"{"}
    assert found == given_rows


def same(value: Any, read_as: Any) -> bool:
    """Whether a value came through: with its type, or as its JSON where the column is of strings."""
    if isinstance(read_as, str) and not isinstance(value, str):
        again = json.loads(read_as)
        return bool(again == value)
    if isinstance(read_as, dict):
        return isinstance(value, dict) and all(same(value.get(name), one) for name, one in read_as.items())
    if isinstance(read_as, list):
        return isinstance(value, list) and len(value) == len(read_as) and all(map(same, value, read_as))
    if isinstance(read_as, float) and isinstance(value, int):
        # Beside fractions whole numbers are float64, which rounds those beyond 2**53.
        return float(value) == read_as
    return bool(value == read_as)


@settings(max_examples=60, deadline=None)
@given(objects)
def test_values_come_through_or_their_rows_are_set_aside(tmp_path_factory: Any, given_rows: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("json")
    (folder / "x.jsonl").write_bytes(lines(given_rows))
    source = json_lines(folder / "x.jsonl")
    try:
        found, unreadable = read(source)
    except DataError:
        # All objects are empty, or no column has a row that fits.
        assert not any(given_rows)
        return
    numbers = {one.row for one in unreadable}
    kept = [row for number, row in enumerate(given_rows, 1) if number not in numbers]
    assert len(kept) == len(found)
    for row, read_as in zip(kept, found, strict=True):
        for name, value in read_as.items():
            assert same(row.get(name), value)


@settings(max_examples=80, deadline=None)
@given(st.data(), st.booleans())
def test_broken_bytes_neither_crash_nor_lose_rows(tmp_path_factory: Any, data: st.DataObject, array: bool) -> None:
    whole = bytearray(json.dumps(GOOD[:6]).encode() if array else lines(GOOD[:6]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"\n", b'"', b"\\", b"{", b"]", b",", b"\x00", b"\xff"])
        )
    folder = tmp_path_factory.mktemp("json")
    (folder / "x.json").write_bytes(bytes(whole))
    source = json_lines(folder / "x.json")
    try:
        found, unreadable = read(source)
    except DataError:
        return
    assert source.dataset().count_rows() == len(found)
    for name in source.dataset().columns:
        assert source.dataset().to_table([name]).num_rows == len(found)
    if not array and whole.lstrip(b" \r\n\t")[:1] != b"[":
        present = sum(1 for line in bytes(whole).removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip(b" \t\r\n"))
        assert len(found) + len(unreadable) == present
