from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from headrace.data import tfrecord, tfrecord_writer, write_tfrecord
from headrace.errors import DataError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_types_that_become_features(tmp_path: Path) -> None:
    table = pa.table(
        {
            "bool": [True, None],
            "word": pa.array(["x", "y"]).dictionary_encode(),
            "fixed": pa.array([[1.0, 2.0], None], pa.list_(pa.float32(), 2)),
            "nothing": pa.nulls(2),
        }
    )
    write_tfrecord(tmp_path / "x", table)
    assert tfrecord(tmp_path / "x").dataset().to_table().to_pylist() == [
        {"bool": 1, "fixed": [1.0, 2.0], "word": "x"},
        {"bool": None, "fixed": None, "word": "y"},
    ]


@pytest.mark.parametrize(
    ("column", "match"),
    [
        (pa.array([0], pa.timestamp("us")), "Cast it"),
        (pa.array([[[1]]]), "sequence_example"),
        (pa.array([[1, None]]), "missing value"),
    ],
)
def test_what_cannot_be_a_feature_leaves_no_file(tmp_path: Path, column: pa.Array, match: str) -> None:
    with pytest.raises(DataError, match=match):
        write_tfrecord(tmp_path / "x", pa.table({"a": column}))
    assert not list(tmp_path.iterdir())


def test_records_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one binary column"):
        write_tfrecord(tmp_path / "x", pa.table({"a": [1]}), payload="bytes")
    with pytest.raises(DataError, match="is not missing"):
        write_tfrecord(tmp_path / "x", pa.table({"a": [b"x", None]}), payload="bytes")


def test_options_that_are_wrong(tmp_path: Path) -> None:
    bad: Any = "lz4"
    with pytest.raises(UsageError, match="compression"):
        write_tfrecord(tmp_path / "x", {"a": [1]}, compression=bad)
    with pytest.raises(UsageError, match="payload"):
        write_tfrecord(tmp_path / "x", {"a": [1]}, payload=bad)


def test_an_interrupted_file_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_text("as before")
    monkeypatch.setattr(tfrecord_writer, "frame_records", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_tfrecord(tmp_path / "x", {"a": [1]})
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_text() == "as before"
