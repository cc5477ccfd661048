from __future__ import annotations

import gzip
import pickle
import zlib
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import headrace as hr
from headrace.data import (
    ReportingShard,
    Unreadable,
    as_source,
    snapshot,
    tfrecord,
    tfrecord_dataset,
    tfrecord_files,
    tfrecord_frames,
    write_tfrecord,
)
from headrace.data.tf_example_wire import BYTES, FLOAT, INT64, FeatureValue, Record, encode_record
from headrace.data.tfrecord_files import kind_of_file
from headrace.data.tfrecord_writer import frame_records
from headrace.errors import DataError, UsageError
from headrace.testing import SourceSuite
from headrace.testing.sources import digest_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CensusSource

    from headrace.data import Dataset, TFRecordSource

PEOPLE = pa.table(
    {
        "age": pa.array([25, None, 42, 31] * 50, pa.int64()),
        "job": pa.array(["clerk", "é", None, ""] * 50),
        "score": pa.array([0.5, -1.25, None, 3.0] * 50),
    }
)


def record(**features: Any) -> bytes:
    def value(given: Any) -> FeatureValue:
        if given is None:
            return FeatureValue()
        kind = {int: INT64, float: FLOAT, bytes: BYTES, str: BYTES}[type(given[0])] if given else INT64
        return FeatureValue(kind, [one.encode() if isinstance(one, str) else one for one in given])

    return encode_record(Record({name: value(given) for name, given in features.items()}))


def write(path: Path, *records: bytes) -> Path:
    path.write_bytes(frame_records(records))
    return path


def reported(dataset: Dataset, columns: list[str] | None = None) -> list[Unreadable]:
    rows: list[Unreadable] = []
    for shard in dataset.shards:
        assert isinstance(shard, ReportingShard)
        list(shard.read_reporting(rows.append, columns))
    return rows


class TestPlainFiles(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> TFRecordSource:
        for number in range(2):
            write_tfrecord(tmp_path / f"{number}.tfrecord", PEOPLE)
        return tfrecord(tmp_path / "*.tfrecord")

    @pytest.fixture
    def expected(self) -> pa.Table:
        return pa.concat_tables([PEOPLE, PEOPLE]).combine_chunks()


class TestSmallShards(TestPlainFiles):
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tfrecord_files, "_BLOCK", 300)
        monkeypatch.setattr(tfrecord_frames, "CHUNK_BYTES", 1000)
        monkeypatch.setattr(tfrecord_dataset, "SHARD_BYTES", 2000)

    def test_there_are_many(self, dataset: Dataset) -> None:
        assert len(dataset.shards) > 4


class TestDamagedFile(SourceSuite):
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tfrecord_files, "_BLOCK", 300)
        monkeypatch.setattr(tfrecord_frames, "CHUNK_BYTES", 500)
        monkeypatch.setattr(tfrecord_dataset, "SHARD_BYTES", 1000)

    @pytest.fixture
    def source(self, tmp_path: Path) -> TFRecordSource:
        path = tmp_path / "x"
        write_tfrecord(path, PEOPLE)
        damaged = bytearray(path.read_bytes())
        for place in range(700, len(damaged), 700):
            damaged[place] ^= 1
        path.write_bytes(damaged[:-3])
        return tfrecord(path)

    def test_nothing_is_lost_silently(self, dataset: Dataset) -> None:
        rows = dataset.to_table().num_rows
        bad = reported(dataset)
        assert len({row.row for row in bad}) == len(bad)
        assert rows + len(bad) == PEOPLE.num_rows
        assert reported(dataset, ["age"]) == bad


class TestGzip(TestPlainFiles):
    @pytest.fixture
    def source(self, tmp_path: Path) -> TFRecordSource:
        for number in range(2):
            write_tfrecord(tmp_path / f"{number}.gz", PEOPLE)
        return tfrecord(tmp_path / "*.gz")


class TestZlibUnderAnyName(TestPlainFiles):
    @pytest.fixture
    def source(self, tmp_path: Path) -> TFRecordSource:
        for number in range(2):
            write_tfrecord(tmp_path / f"{number}.tfrecord", PEOPLE, compression="zlib")
        return tfrecord(tmp_path / "*.tfrecord")


class TestColumns(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> TFRecordSource:
        write_tfrecord(tmp_path / "x", PEOPLE)
        return tfrecord(tmp_path / "x", columns=["score", "age"])

    @pytest.fixture
    def expected(self) -> pa.Table:
        return PEOPLE.select(["score", "age"])


def test_census_there_and_back(census_source: CensusSource, tmp_path: Path) -> None:
    people = census_source("adult.test").dataset().to_table()
    assert write_tfrecord(tmp_path / "adult.gz", people) == people.num_rows == 16_281
    back = hr.tfrecord(tmp_path / "adult.gz").dataset().to_table().select(people.column_names)
    assert back.equals(people.cast(back.schema))
    numbers = hr.generate_statistics(hr.tfrecord(tmp_path / "adult.gz"))["data"]["age"].num_stats
    assert numbers is not None
    assert numbers.max == 90


def test_lists_and_what_is_missing(tmp_path: Path) -> None:
    first = record(n=[1, 2], w=["a"], f=[0.5], one=[7])
    second = record(n=None, w=["b", "c"], f=[1.5, 2.5])
    path = write(tmp_path / "x", first, second, record(w=[], one=[8]))
    # An empty list of ints among lists of bytes is of another type.
    dataset = tfrecord(path).dataset()
    assert {field.name: str(field.type) for field in dataset.schema} == {
        "f": "list<item: double>",
        "n": "list<item: int64>",
        "one": "int64",
        "w": "list<item: string>",
    }
    assert dataset.to_table().to_pylist() == [
        {"f": [0.5], "n": [1, 2], "one": 7, "w": ["a"]},
        {"f": [1.5, 2.5], "n": None, "one": None, "w": ["b", "c"]},
    ]
    place = f"; it begins at byte {len(frame_records([first, second]))}"
    assert [str(row) for row in reported(dataset)] == [
        f"{path}, row 3: feature 'w' is of kind int64_list, and the column, string, wants bytes_list{place}"
    ]
    assert [row.row for row in reported(dataset, ["one"])] == [3]


def test_bytes_are_text_where_all_of_them_are(tmp_path: Path) -> None:
    path = write(tmp_path / "x", record(a=[b"x"], b=[b"\xff"]), record(a=["é"], b=[b"x"]))
    assert [str(field.type) for field in tfrecord(path).dataset().schema] == ["string", "binary"]
    forced = tfrecord(path, types={"a": "bytes", "b": "string"}).dataset()
    assert forced.to_table().to_pylist() == [{"a": "é".encode(), "b": "x"}]
    assert [row.reason for row in reported(forced)] == [
        r"feature 'b' has bytes that are not UTF-8: b'\xff'; it begins at byte 0"
    ]


def test_the_type_of_most_records_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "x", record(a=[1]), record(a=[0.5]), record(a=[2.5]))
    dataset = tfrecord(path).dataset()
    assert dataset.to_table().to_pydict() == {"a": [1.0, 0.5, 2.5]}
    minority = tfrecord(path, types={"a": "int64"}).dataset()
    assert minority.to_table().to_pydict() == {"a": [1]}
    assert [row.row for row in reported(minority)] == [2, 3]


def test_scalars(tmp_path: Path) -> None:
    path = write(tmp_path / "x", record(a=[1], b=["x"]), record(a=[], b=["y", "z"]), record(b=["w"]))
    assert [str(f.type) for f in tfrecord(path).dataset().schema] == ["list<item: int64>", "list<item: string>"]
    assert [str(f.type) for f in tfrecord(path, scalars=False).dataset().schema] == [
        "list<item: int64>",
        "list<item: string>",
    ]
    scalar = tfrecord(path, scalars=True).dataset()
    assert scalar.to_table().to_pylist() == [{"a": 1, "b": "x"}, {"a": None, "b": "w"}]
    assert [row.reason for row in reported(scalar, ["a"])] == [
        "feature 'b' has 2 values, and the column one; it begins at byte 42"
    ]


def test_sequence_examples(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([1, 2], pa.int64()),
            "tokens": pa.array([[["a"], ["b", "c"]], None], pa.list_(pa.list_(pa.string()))),
            "times": pa.array([[[0.5], None, []], []], pa.list_(pa.list_(pa.float64()))),
        }
    )
    assert write_tfrecord(tmp_path / "x", table, payload="sequence_example") == 2
    dataset = tfrecord(tmp_path / "x", payload="sequence_example").dataset()
    assert dataset.to_table().select(table.column_names).to_pylist() == table.to_pylist()
    report = snapshot(tfrecord(tmp_path / "x", payload="sequence_example"), tmp_path / "snapshot")
    assert report.rows_read == 2


def test_a_feature_list_with_the_name_of_a_feature(tmp_path: Path) -> None:
    both = Record({"a": FeatureValue(INT64, [1])}, {"a": [FeatureValue(BYTES, [b"x"])]})
    path = write(tmp_path / "x", encode_record(both, sequence=True))
    rows = tfrecord(path, payload="sequence_example").dataset().to_table().to_pylist()
    assert rows == [{"a": 1, "sequence.a": [["x"]]}]


def test_records_as_they_are(tmp_path: Path) -> None:
    table = pa.table({"record": pa.array([b"one", b"", b"\xff"], pa.binary())})
    assert write_tfrecord(tmp_path / "x", table, payload="bytes") == 3
    assert tfrecord(tmp_path / "x", payload="bytes").dataset().to_table().equals(table)
    write(tmp_path / "empty")
    assert tfrecord(tmp_path / "empty", payload="bytes").dataset().count_rows() == 0


def test_the_compression_is_in_the_first_bytes(tmp_path: Path) -> None:
    content = frame_records([b"x"])
    for name, data in {"a": content, "b": gzip.compress(content), "c": zlib.compress(content), "d": b"\x78"}.items():
        (tmp_path / name).write_bytes(data)
    assert [kind_of_file(tmp_path / name, "infer") for name in "abcd"] == [None, "gzip", "zlib", None]
    # The length of this record has the bytes with which gzip begins.
    long = frame_records([b"x" * 0x8B1F])
    (tmp_path / "e").write_bytes(long)
    assert long[:2] == b"\x1f\x8b"
    assert kind_of_file(tmp_path / "e", "infer") is None
    with pytest.raises(UsageError, match="compression"):
        kind_of_file(tmp_path / "a", "gz")
    with pytest.raises(DataError, match="cannot be opened"):
        kind_of_file(tmp_path / "absent", "infer")


def test_packed_files_one_after_the_other(tmp_path: Path) -> None:
    parts = [gzip.compress(frame_records([record(a=[number])])) for number in range(3)]
    (tmp_path / "x").write_bytes(bytes(512).join(parts) + bytes(100))
    assert tfrecord(tmp_path / "x").dataset().to_table().to_pydict() == {"a": [0, 1, 2]}


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=30),
    st.sampled_from(["none", "gzip", "zlib"]),
    st.data(),
)
def test_damaged_files_never_lose_silently(
    tmp_path: Path, numbers: list[int], compression: Any, data: st.DataObject
) -> None:
    path = tmp_path / "fuzzed"
    write_tfrecord(path, pa.table({"a": numbers, "b": [str(number) for number in numbers]}), compression=compression)
    damaged = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, max(len(damaged) - 1, 0)))
        what = data.draw(st.sampled_from(["flip", "cut", "insert", "drop"]))
        if what == "flip" and damaged:
            damaged[place] ^= data.draw(st.integers(1, 255))
        elif what == "cut":
            del damaged[place:]
        elif what == "insert":
            damaged[place:place] = data.draw(st.binary(min_size=1, max_size=30))
        else:
            del damaged[place : place + data.draw(st.integers(1, 30))]
    path.write_bytes(damaged)
    rows: list[dict[str, Any]] = []
    bad: list[Unreadable] = []
    try:
        dataset = tfrecord(path, compression=compression).dataset()
    except DataError as error:
        assert "Not one record" in str(error) or not damaged  # noqa: PT017
        return
    for shard in dataset.shards:
        assert isinstance(shard, ReportingShard)
        for batch in shard.read_reporting(bad.append):
            rows += batch.to_pylist()
    there = [{"a": number, "b": str(number)} for number in numbers]
    # What is read was written; what is not is said, unless the file ends between two records.
    assert all(row in there for row in rows)
    assert bad or rows == there[: len(rows)]
    if compression == "none":
        # Damaged packed bytes may unpack to a record once more, before the packed file's own checksum is wrong.
        rest = iter(there)
        assert all(row in rest for row in rows)


def test_a_packed_file_gives_what_is_before_the_damage(tmp_path: Path) -> None:
    rows = 5_000
    path = tmp_path / "x.gz"
    write_tfrecord(path, pa.table({"a": range(rows)}))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    dataset = tfrecord(path).dataset()
    got = dataset.to_table()["a"].to_pylist()
    assert rows // 3 < len(got) < rows
    assert got == list(range(len(got)))
    assert "packed bytes end early" in reported(dataset)[-1].reason
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    path.write_bytes(flipped)
    dataset = tfrecord(path).dataset()
    assert dataset.to_table().num_rows > rows // 3
    assert reported(dataset)
    wrong_sum = whole[:-8] + bytes(8)
    path.write_bytes(wrong_sum)
    dataset = tfrecord(path).dataset()
    assert dataset.to_table().num_rows == rows
    assert "incorrect data check" in reported(dataset)[0].reason


def test_options_that_are_wrong(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'example'"):
        tfrecord("x", payload="exampel")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="Did you mean 'gzip'"):
        tfrecord("x", compression="gz")
    with pytest.raises(UsageError, match="type of 'a'"):
        tfrecord("x", types={"a": "int32"})
    with pytest.raises(UsageError, match="scalars"):
        tfrecord("x", scalars="yes")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="features of examples"):
        tfrecord("x", payload="bytes", types={"a": "int"})
    with pytest.raises(UsageError, match="list of names"):
        tfrecord("x", columns="a")
    path = write(tmp_path / "x", record(age=[1]))
    with pytest.raises(DataError, match="Did you mean 'age'"):
        tfrecord(path, types={"aeg": "int"}).dataset()
    with pytest.raises(DataError, match="Did you mean 'age'"):
        tfrecord(path, columns=["aeg"]).dataset()


def test_files_that_hold_no_record(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(DataError, match="no feature in the records; got 0 records"):
        tfrecord(tmp_path / "empty").dataset()
    write(tmp_path / "text", b"not an example")
    with pytest.raises(DataError, match=r"Not one record.*is not a tf\.Example"):
        tfrecord(tmp_path / "text").dataset()
    (tmp_path / "csv").write_text("a,b\n1,2\n" * 100)
    with pytest.raises(DataError, match=r"Not one record.*Check that the files are TFRecord files"):
        tfrecord(tmp_path / "csv").dataset()
    with pytest.raises(DataError, match="does not exist"):
        tfrecord(tmp_path / "absent").dataset()


def test_a_file_that_changes_meanwhile(tmp_path: Path) -> None:
    path = write(tmp_path / "x", *(record(a=[number]) for number in range(100)))
    dataset = tfrecord(path).dataset()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="has changed"):
        dataset.to_table()
    path.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        dataset.to_table()


def test_fingerprints(tmp_path: Path) -> None:
    path = write(tmp_path / "x", record(a=[1]))
    plain = tfrecord(path).fingerprint(digest_file)
    assert tfrecord(path, scalars=False).fingerprint(digest_file) != plain
    write(path, record(a=[2]))
    assert tfrecord(path).fingerprint(digest_file) != plain


def test_spans(tmp_path: Path) -> None:
    for span in range(3):
        write(tmp_path / f"{span}.tfrecord", record(a=[span]))
    source = tfrecord(tmp_path / "{SPAN}.tfrecord", spans=hr.rolling(2))
    assert pickle.loads(pickle.dumps(source)).dataset().to_table().to_pydict() == {"a": [1, 2]}
    assert tfrecord(tmp_path / "{SPAN}.tfrecord").dataset().to_table().to_pydict() == {"a": [2]}


def test_from_a_url(tmp_path: Path) -> None:
    import fsspec

    write_tfrecord(tmp_path / "a.tfrecord", pa.table({"x": [1, 2, 3]}))
    fsspec.filesystem("memory").pipe("/tfrecords/a.tfrecord", (tmp_path / "a.tfrecord").read_bytes())
    there, here = (tfrecord(place) for place in ("memory://tfrecords/a.tfrecord", tmp_path / "a.tfrecord"))
    assert there.dataset().to_table() == here.dataset().to_table()


@pytest.mark.parametrize("name", ["a.tfrecord", "a.tfrecords", "a.tfrecord.gz", "a.tfrecord-00000-of-00002"])
def test_a_path_alone(tmp_path: Path, name: str) -> None:
    plain = tmp_path / "plain"
    write_tfrecord(plain, pa.table({"x": [1, 2, 3]}))
    (tmp_path / name).write_bytes(gzip.compress(plain.read_bytes()) if name.endswith("gz") else plain.read_bytes())
    assert as_source(tmp_path / name).dataset().to_table().to_pydict() == {"x": [1, 2, 3]}
