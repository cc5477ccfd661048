from __future__ import annotations

import bz2
import csv as python_csv
import gzip
import io
import sys
import zipfile
from subprocess import run
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from headrace.data import CsvSource, Unreadable, cleaning, csv
from headrace.data.csv_shards import CsvShard
from headrace.errors import DataError, UsageError
from headrace.testing import SourceSuite
from headrace.testing.sources import digest_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CensusSource


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(path: Path | list[Path], **options: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = csv(path, **options).dataset().to_table().to_pydict()
    return found


def unreadable(source: CsvSource) -> list[Unreadable]:
    rows: list[Unreadable] = []
    for shard in source.dataset().shards:
        assert isinstance(shard, CsvShard)
        list(shard.read_reporting(rows.append))
    return rows


class TestPlain(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> CsvSource:
        text = (
            "a,b,c,d,e,f\n1,1.5,x,true,2020-01-02,2020-01-02 03:04:05\n,,,,,\n"
            '-3,2e3,"y, z",False,1999-12-31,2020-01-02 00:00:00\n'
        )
        return csv(write(tmp_path / "plain.csv", text))

    @pytest.fixture
    def expected(self) -> pa.Table:
        return pa.table(
            {
                "a": pa.array([1, None, -3], pa.int64()),
                "b": [1.5, None, 2000.0],
                "c": ["x", None, "y, z"],
                "d": [True, None, False],
                "e": pa.array(["2020-01-02", None, "1999-12-31"]).cast(pa.date32()),
                "f": pa.array(["2020-01-02 03:04:05", None, "2020-01-02 00:00:00"]).cast(pa.timestamp("us")),
            }
        )


class TestWithUnreadableRows(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> CsvSource:
        rows = [f"{index},{index}.5,word {index % 7}" for index in range(400)]
        rows[17] = "seventeen,17.5,a"
        rows[200] = "200,200.5"
        rows[333] = "333,1,2,3"
        return csv(write(tmp_path / "bad.csv", "a,b,c\n" + "\n".join(rows)))


class TestSeveralPackedFiles(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> CsvSource:
        write(tmp_path / "1.csv.gz", gzip.compress(b"a,b\n1,x\n2,y\n"))
        write(tmp_path / "2.csv.gz", gzip.compress(b"b,a\nz,3\n"))
        return csv(tmp_path / "*.csv.gz")

    @pytest.fixture
    def expected(self) -> pa.Table:
        return pa.table({"a": [1, 2, 3], "b": ["x", "y", "z"]})


class TestHeaderOnly(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> CsvSource:
        return csv(write(tmp_path / "header.csv", "a,b\n"))

    @pytest.fixture
    def expected(self) -> pa.Table:
        return pa.table({"a": pa.array([], pa.string()), "b": pa.array([], pa.string())})


def test_importing_and_describing_loads_neither_numpy_nor_arrow() -> None:
    code = (
        "import sys, headrace.data as d; d.csv('x', types={'a': 'int'}); d.parquet('y'); "
        "assert not {'numpy', 'pyarrow'} & set(sys.modules)"
    )
    run([sys.executable, "-c", code], check=True)


def test_adult_data_is_what_pandas_reads(
    census_source: CensusSource, census_dir: Path, census_columns: list[str]
) -> None:
    table = census_source("adult.data").dataset().to_table()
    frame = pd.read_csv(census_dir / "adult.data", names=census_columns, skipinitialspace=True, na_values=["?"])
    assert table.num_rows == 32_561
    for name in census_columns:
        theirs = [None if pd.isna(value) else value for value in frame[name].tolist()]
        assert table.column(name).to_pylist() == theirs
    assert table.column("workclass").null_count == 1836


def test_adult_test_begins_with_a_comment(census_source: CensusSource) -> None:
    source = census_source("adult.test")
    table = source.dataset().to_table()
    assert table.num_rows == 16_281
    assert table.column("income").unique().to_pylist() == ["<=50K.", ">50K."]
    assert unreadable(source) == []


def test_flights_are_what_pandas_reads(flights_dir: Path) -> None:
    source = csv(flights_dir / "flights.csv.zip", null_values=["", "NA"])
    table = source.dataset().to_table()
    frame = pd.read_csv(flights_dir / "flights.csv.zip")
    assert table.num_rows == len(frame) == 336_776
    assert table.schema.field("time_hour").type == pa.timestamp("us")
    for name in ("dep_time", "arr_delay", "air_time", "distance"):
        assert table.column(name).null_count == frame[name].isna().sum()
        assert pc.sum(table.column(name)).as_py() == frame[name].sum()
    assert table.column("tailnum").null_count == frame["tailnum"].isna().sum()
    hours = pd.to_datetime(frame["time_hour"], utc=True).dt.tz_localize(None).astype("datetime64[us]")
    assert (table.column("time_hour").to_numpy() == hours.to_numpy()).all()


def test_flights_without_null_values_set_the_words_aside(flights_dir: Path) -> None:
    source = csv(flights_dir / "flights.csv.zip")
    dataset = source.dataset()
    rows = unreadable(source)
    assert dataset.count_rows() + len(rows) == 336_776
    assert rows[0].row == 473
    assert rows[0].reason == "column 'arr_delay': 'NA' is not of type int64"
    assert rows[0].text is not None
    assert rows[0].text.startswith("2013,1,1,1525,1530,-5,1934,1805,NA,MQ")


def test_babyweight_is_what_pandas_reads(shared_data: Path) -> None:
    path = shared_data / "babyweight" / "train.csv"
    names = ["weight", "is_male", "age", "plurality", "weeks", "key"]
    table = csv(path, names=names).dataset().to_table()
    frame = pd.read_csv(path, names=names)
    assert table.num_rows == len(frame)
    assert table.column("weight").to_pylist() == frame["weight"].tolist()
    assert table.column("plurality").to_pylist() == frame["plurality"].tolist()
    assert table.column("key").to_pylist() == frame["key"].tolist()


def test_quotes_with_line_breaks_and_quotes_inside(tmp_path: Path) -> None:
    path = write(tmp_path / "q.csv", 'a,b\r\n"x\r\ny",1\r\n"say ""hi""",2\r\n"",3\r\nin "the" middle,4\r\n')
    assert read(path) == {"a": ["x\r\ny", 'say "hi"', None, 'in "the" middle'], "b": [1, 2, 3, 4]}


def test_lines_are_counted_through_quotes_comments_and_blanks(tmp_path: Path) -> None:
    path = write(tmp_path / "l.csv", '# top\n\na,b\n"x\n\ny",1\n\n# c "\nz\nw,2\n"u,3\n')
    source = csv(path, comment="#")
    assert source.dataset().to_table().to_pydict() == {"a": ["x\n\ny", "w"], "b": [1, 2]}
    assert [(row.row, row.reason, row.text) for row in unreadable(source)] == [
        (9, "1 column instead of 2", "z"),
        (11, "a quote is opened and never closed", '"u,3'),
    ]


def test_a_stray_quote_costs_one_row_only(tmp_path: Path) -> None:
    path = write(tmp_path / "s.csv", 'a,b\n1,x\n2,"y\n3,z\n4,w\n')
    assert read(path) == {"a": [1, 3, 4], "b": ["x", "z", "w"]}


def test_without_a_quote_character_quotes_are_text(tmp_path: Path) -> None:
    assert read(write(tmp_path / "n.csv", 'a,b\n1,"y\n2,z"\n'), quote=None) == {"a": [1, 2], "b": ['"y', 'z"']}


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings(tmp_path: Path, ending: str) -> None:
    assert read(write(tmp_path / "e.csv", ending.join(["a,b", "1,x", "", "2,y", ""]))) == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [(".gz", gzip.compress), (".bz2", bz2.compress), (".zst", lambda d: pa.compress(d, "zstd", asbytes=True))],
)
def test_packed_files(tmp_path: Path, suffix: str, pack: Any) -> None:
    assert read(write(tmp_path / f"p.csv{suffix}", pack(b"a,b\n1,x\n"))) == {"a": [1], "b": ["x"]}


def test_zip_files_hold_one_file(tmp_path: Path) -> None:
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("in.csv", "a,b\n1,x\n")
    assert read(path) == {"a": [1], "b": ["x"]}
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/._in.csv", "mac")
        archive.writestr(".DS_Store", "mac")
    assert read(path) == {"a": [1], "b": ["x"]}
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.csv", "a,b\n2,y\n")
    with pytest.raises(DataError, match=r"one file; got 2 files: in\.csv, other\.csv .*zip://\*\.csv::.*z\.zip"):
        read(path)
    assert csv(f"zip://*.csv::{path}").dataset().to_table().to_pydict() == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig", "cp1252", "utf-8"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "u.csv", "name,b\nJosé,1\n".encode(encoding))
    assert read(path, encoding=encoding) == {"name": ["José"], "b": [1]}


def test_a_byte_order_mark_is_not_part_of_the_first_name(tmp_path: Path) -> None:
    assert read(write(tmp_path / "b.csv", b"\xef\xbb\xbfa,b\n1,x\n")) == {"a": [1], "b": ["x"]}
    with pytest.raises(DataError, match="encoding='utf-16'"):
        read(write(tmp_path / "c.csv", "a,b\n1,x\n".encode("utf-16")))


def test_spans(tmp_path: Path) -> None:
    for span in (1, 2, 3, 10):
        write(tmp_path / f"span-{span:02d}" / "data.csv", f"a\n{span}\n")
    pattern = tmp_path / "span-{SPAN}" / "data.csv"
    assert read(pattern, spans=(2, 10)) == {"a": [2, 3, 10]}
    assert read(pattern) == {"a": [10]}
    with pytest.raises(DataError, match=r"no span from 4 to 9 .*1 to 10"):
        read(pattern, spans=(4, 9))


def test_skipped_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "k.csv", 'Report, made "today\n\na,b\n1,2\n3\n')
    source = csv(path, skip_rows=2)
    assert source.dataset().to_table().to_pydict() == {"a": [1], "b": [2]}
    assert [row.row for row in unreadable(source)] == [5]


def test_cleaning_is_declared_and_done(tmp_path: Path) -> None:
    dataset = csv(write(tmp_path / "c.csv", "a,b\n ? ,x \n 7,?\n"), strip=True, null_values=["?"]).dataset()
    assert dataset.to_table().to_pydict() == {"a": [None, 7], "b": ["x", None]}
    declared = cleaning(dataset.schema.field("b"))
    assert (declared.strip, declared.null_values) == (True, ("?",))
    assert dataset.schema.field("a").metadata is None


def test_without_strip_spaces_are_text_but_not_around_numbers(tmp_path: Path) -> None:
    assert read(write(tmp_path / "c.csv", "a,b\n 1 , x\n 2, \n")) == {"a": [1, 2], "b": [" x", " "]}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "+2", "-3", "007"], "int64"),
        (["1", "2.5"], "double"),
        ([".5", "1.", "1e5", "NaN", "-inf"], "double"),
        (["9223372036854775807", "-9223372036854775808"], "int64"),
        (["9223372036854775808", "1"], "double"),
        (["0x1F", "0x2F"], "string"),
        (["true", "False"], "bool"),
        (["yes", "no"], "string"),
        (["0", "1"], "int64"),
        (["2020-01-02"], "date32[day]"),
        (["2020-01-02", "2020-01-02T03:04:05"], "timestamp[us]"),
        (["2020-01-02T03:04:05Z", "2020-01-02 03:04:05+01:00", "2020-01-02 03:04"], "timestamp[us]"),
        (["2020-13-02"], "string"),
        (["1_000", "2"], "string"),
        (["", ""], "string"),
    ],
)
def test_types_are_found(tmp_path: Path, values: list[str], kind: str) -> None:
    path = write(tmp_path / "t.csv", "a,b\n" + "".join(f"{value},x\n" for value in values))
    assert str(csv(path).dataset().schema.field("a").type) == kind


@pytest.mark.parametrize(("bad", "kind"), [(5, "int64"), (6, "string")])
def test_numeric_is_a_column_with_95_percent_numbers(tmp_path: Path, bad: int, kind: str) -> None:
    values = ["word"] * bad + ["1"] * (100 - bad) + [""] * 50
    source = csv(write(tmp_path / "t.csv", "a,b\n" + "".join(f"{value},x\n" for value in values)))
    assert str(source.dataset().schema.field("a").type) == kind
    assert len(unreadable(source)) == (bad if kind == "int64" else 0)


def test_the_last_row_decides_the_type_too(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a\n" + "1\n" * 50_000 + "1.5\n")
    assert read(path)["a"][-1] == 1.5


def test_given_types_set_aside_what_does_not_fit(tmp_path: Path) -> None:
    source = csv(write(tmp_path / "g.csv", "a,b\n1,x\nten,y\n3.0,z\n"), types={"a": "int64"})
    assert source.dataset().to_table().to_pydict() == {"a": [1], "b": ["x"]}
    assert [row.reason for row in unreadable(source)] == [
        "column 'a': 'ten' is not of type int64",
        "column 'a': '3.0' is not of type int64",
    ]
    assert read(write(tmp_path / "s.csv", "a\n007\n"), types={"a": "string"}) == {"a": ["007"]}
    assert read(write(tmp_path / "b.csv", "a,b\n1,x\n0,y\n"), types={"a": "bool"})["a"] == [True, False]


def test_bytes_that_are_not_utf8_cost_their_row_only(tmp_path: Path) -> None:
    source = csv(write(tmp_path / "u.csv", b"a,b\n1,caf\xe9\n2,caf\xc3\xa9\n3,x\n"))
    assert source.dataset().to_table().to_pydict() == {"a": [2, 3], "b": ["café", "x"]}
    assert unreadable(source) == [
        Unreadable(str(tmp_path / "u.csv"), 2, "byte 6 of the row (0xe9) is not UTF-8", "1,caf\ufffd")
    ]


def test_a_missing_file_suggests_its_neighbour(tmp_path: Path) -> None:
    write(tmp_path / "adult.data", "x")
    with pytest.raises(DataError, match=r"does not exist.*Did you mean '.*adult\.data'\?"):
        csv(tmp_path / "adlut.data").dataset()
    with pytest.raises(DataError, match=r"folder .*nowhere does not exist either"):
        csv(tmp_path / "nowhere" / "x.csv").dataset()
    with pytest.raises(DataError, match="matches no file"):
        csv(tmp_path / "*.nothing").dataset()
    with pytest.raises(DataError, match="not a folder"):
        csv(tmp_path).dataset()


def test_files_must_have_the_same_columns(tmp_path: Path) -> None:
    one, two = write(tmp_path / "1.csv", "a,b\n1,2\n"), write(tmp_path / "2.csv", "a,c\n1,2\n")
    with pytest.raises(DataError, match=r"'b', 'c' only in one of them .*1\.csv and .*2\.csv"):
        csv([one, two]).dataset()


def test_packed_files_that_are_cut_short(tmp_path: Path) -> None:
    packed = gzip.compress(b"a,b\n" + b"".join(f"{i},{i * i}\n".encode() for i in range(5000)))
    with pytest.raises(DataError, match=r"cannot be unpacked.*cut\.csv\.gz"):
        csv(write(tmp_path / "cut.csv.gz", packed[: len(packed) // 2])).dataset()
    with pytest.raises(DataError, match="cannot be unpacked"):
        csv(write(tmp_path / "not.csv.gz", "a,b\n1,2\n")).dataset()
    with pytest.raises(DataError, match="cannot be opened"):
        csv(write(tmp_path / "not.zip", "a,b\n1,2\n")).dataset()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"separator": ", "}, "strip=True"),
        ({"separator": ""}, "one ASCII character"),
        ({"separator": '"'}, "must differ"),
        ({"names": ["a", "a"]}, "distinct"),
        ({"names": []}, "not empty"),
        ({"names": "abc"}, "list of columns"),
        ({"types": {"a": "int46"}}, r"Did you mean 'int64'\?"),
        ({"names": ["age"], "types": {"agee": "int64"}}, r"Did you mean 'age'\?"),
        ({"null_values": "?"}, r"null_values=\['\?'\]"),
        ({"compression": "gzipp"}, "gzip"),
        ({"skip_rows": -1}, "number of lines"),
    ],
)
def test_wrong_options_are_found_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        csv("x.csv", **options)


def test_an_unknown_encoding(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="encoding is unknown"):
        csv(write(tmp_path / "x.csv", "a\n1\n"), encoding="utf-9").dataset()


def test_the_fingerprint_depends_on_content_and_options(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "a\n1\n")
    prints = {
        csv(path, **options).fingerprint(digest_file) for options in ({}, {"strip": True}, {"types": {"a": "str"}})
    }
    write(path, "a\n2\n")
    prints.add(csv(path).fingerprint(digest_file))
    assert len(prints) == 4


def test_wide_and_python_made_files(tmp_path: Path) -> None:
    rows = [[f"r{r}c{c}" if c % 2 else f'say "{r}"\nand {c}' for c in range(300)] for r in range(50)]
    out = io.StringIO()
    python_csv.writer(out).writerows([[f"column {c}" for c in range(300)], *rows])
    table = csv(write(tmp_path / "w.csv", out.getvalue())).dataset().to_table()
    assert [list(row.values()) for row in table.to_pylist()] == rows
