from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.data import csv, hash_splits, open_parquet, snapshot
from headrace.engines import LocalEngine
from headrace.errors import DataError, StorageError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

LINES = st.lists(
    st.one_of(
        st.tuples(st.integers(-9, 9), st.sampled_from(["x", "", "NA", "é", '"q"'])).map(
            lambda row: f"{row[0]},{row[1]}".encode()
        ),
        st.sampled_from([b"1", b"1,2,3", b"word,x", b"\xff,x", b"", b'"open,x', b",", b'"a ""b""",x', b"5,y\r"]),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=150)
@given(lines=LINES, mixed=st.booleans())
def test_every_row_is_read_or_set_aside(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], mixed: bool
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    data = b"a,b\n" + b"\n".join(lines)
    (folder / "x.csv").write_bytes(data)
    present = sum(1 for line in re.split(rb"\r\n|\r|\n", data) if line) - 1
    # Without quoting, a row is a line that is not blank: nothing to argue about.
    source = csv(folder / "x.csv", quote=None, types={"a": "int64"} if mixed else None)
    try:
        report = snapshot(source, folder / "out", split=hash_splits({"train": 3, "eval": 1}))
    except DataError:
        with pytest.raises(DataError, match=r"No row can be read|Not one row can be read"):
            snapshot(source, folder / "again")
        return
    assert report.rows_read + report.rows_set_aside == present
    written = [open_parquet(folder / "out" / name) for name in ("train", "eval")]
    assert [part.count_rows() for part in written] == list(report.rows.values())
    aside = folder / "out" / "unreadable.parquet"
    rows = pq.read_table(aside).to_pylist() if aside.exists() else []
    assert len(rows) == report.rows_set_aside
    texts = re.split(rb"\r\n|\r|\n", data)
    for row in rows:
        assert row["text"] == texts[row["row"] - 1].decode("utf-8", "replace")
        assert row["reason"]


@settings(deadline=None, max_examples=100)
@given(data=st.binary(max_size=200).map(lambda data: data.replace(b"\x00", b"0")))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "x.csv").write_bytes(b"1,x,2020-01-01\n" + data)
    report = snapshot(csv(folder / "x.csv", names=["a", "b", "c"]), folder / "out")
    assert report.rows_read >= 1
    assert open_parquet(folder / "out" / "all").count_rows() == report.rows_read


def test_a_wrong_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes("a,b\n1,x\n2,\u00e9\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"At most 0.5% of the rows .* got 1 of 2 .*encoding='latin-1'"):
        snapshot(csv(tmp_path / "x.csv"), tmp_path / "out", max_bad_rows=0.005)


def rows_with(folder: Path, bad: int, good: int) -> Path:
    path = folder / "x.csv"
    path.write_text("a,b\n" + "1,x\n" * good + "1\n" * bad)
    return path


@pytest.mark.parametrize(
    ("limit", "passes"), [(None, True), (5, True), (4, False), (0, False), (0.05, True), (0.04, False)]
)
def test_the_limit_on_unreadable_rows(tmp_path: Path, limit: float | None, passes: bool) -> None:
    source = csv(rows_with(tmp_path, 5, 95))
    if passes:
        report = snapshot(source, tmp_path / "out", max_bad_rows=limit)
        assert (report.rows_read, report.rows_set_aside) == (95, 5)
        assert report.unreadable[0].row == 97
        return
    with pytest.raises(DataError, match=r"got 5 of 100 \(.*x\.csv, row 97: 1 column instead of 2"):
        snapshot(source, tmp_path / "out", max_bad_rows=limit)
    assert list((tmp_path / "out").iterdir()) == []


def test_not_one_readable_row_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\nx,1\ny,2\n")
    with pytest.raises(DataError, match=r"Not one row can be read; got 2 unreadable rows .*row 2: column 'a': 'x'"):
        snapshot(csv(path, types={"a": "int64"}), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_header_alone_makes_an_empty_snapshot_with_the_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n")
    report = snapshot(csv(path), tmp_path / "out", split=hash_splits({"train": 1, "eval": 1}))
    assert report.rows == {"train": 0, "eval": 0}
    for name in ("train", "eval"):
        dataset = open_parquet(tmp_path / "out" / name)
        assert (dataset.columns, dataset.count_rows()) == (["a", "b"], 0)


def test_cleaning_survives_the_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1, x\n2,?\n")
    source = csv(path, strip=True, null_values=["?"])
    snapshot(source, tmp_path / "out")
    assert open_parquet(tmp_path / "out" / "all").schema.equals(source.dataset().schema, check_metadata=True)


def test_an_engine_gives_the_same_files_as_none(tmp_path: Path, census_dir: Path) -> None:
    source = csv([census_dir / "adult.data"] * 2, names=[f"c{i}" for i in range(15)])
    split = hash_splits({"train": 8, "eval": 2})
    one = snapshot(source, tmp_path / "one", split=split)
    two = snapshot(source, tmp_path / "two", split=split, engine=LocalEngine(workers=3))
    assert one == two
    assert one.rows_read == 2 * 32_561
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.parquet"))
    assert len(files) == 4
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


class FullDisk:
    def __init__(self, *arguments: Any, **options: Any) -> None: ...

    def write_table(self, table: pa.Table, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_says_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pq, "ParquetWriter", FullDisk)
    with pytest.raises(StorageError, match=r"The disk is full.*out/all/part-00000.*Free some space"):
        snapshot({"a": [1]}, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        snapshot({"a": [1]}, tmp_path / "file" / "out")


def test_a_snapshot_is_not_written_over_another(tmp_path: Path) -> None:
    snapshot({"a": [1]}, tmp_path)
    with pytest.raises(UsageError, match="folder of its own"):
        snapshot({"a": [2]}, tmp_path)
    assert open_parquet(tmp_path / "all").to_table().to_pydict() == {"a": [1]}


def test_a_negative_limit(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="max_bad_rows"):
        snapshot({"a": [1]}, tmp_path, max_bad_rows=-1)
