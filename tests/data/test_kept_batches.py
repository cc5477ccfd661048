from __future__ import annotations

import gc
import io
import os
import pickle
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headrace.data import csv, kept_batches
from headrace.data.kept_batches import Keeper, Kept, stamp_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def batch(number: int) -> pa.RecordBatch:
    words = pa.array([f"word {i % 3}" for i in range(number)]).dictionary_encode()
    return pa.RecordBatch.from_arrays([pa.array(range(number)), words], ["number", "word"])


def test_batches_come_back_whichever_thread_wrote_them(tmp_path: Path) -> None:
    keeper = Keeper()
    with ThreadPoolExecutor(4) as pool:
        pieces = list(pool.map(lambda number: keeper.add(batch(number)), range(50)))
    assert [keeper.read(piece) for piece in pieces if piece] == [batch(number) for number in range(50)]
    path = tmp_path / "x"
    path.write_text("one")
    stamp = stamp_of(str(path))
    assert stamp is not None
    kept = Kept(keeper, tuple(piece for piece in pieces if piece), stamp)
    found = kept.batches(str(path))
    assert found is not None
    assert sum(one.num_rows for one in found) == sum(range(50))
    assert pickle.loads(pickle.dumps(kept)).batches(str(path)) is None
    path.write_text("three")
    assert kept.batches(str(path)) is None
    before = stamp_of(str(path))
    found_at = path.stat().st_mtime_ns
    path.write_text("seven")
    os.utime(path, ns=(found_at, found_at))
    assert stamp_of(str(path)) != before
    assert stamp_of(str(tmp_path / "absent")) is None
    assert stamp_of("memory://x") is None


def test_no_more_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_batches, "DISK_BYTES", 10_000)
    keeper = Keeper()
    pieces = [keeper.add(batch(100)) for _ in range(10)]
    assert pieces[0] is not None
    assert pieces[-1] is None


def test_the_file_goes_with_its_keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files: list[Any] = []

    def remembered(**options: Any) -> Any:
        files.append(temporary(**options))
        return files[-1]

    temporary = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", remembered)
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,x\n")
    dataset = csv(path).dataset()
    table = dataset.to_table()
    assert [file.closed for file in files] == [False]
    del dataset
    gc.collect()
    assert [file.closed for file in files] == [True]
    # What was read stays.
    assert table.to_pydict() == {"a": [1], "b": ["x"]}


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,x\n")

    def refused(**options: Any) -> Any:
        raise PermissionError("read-only file system")

    for made in (refused, _Full):
        monkeypatch.setattr(tempfile, "TemporaryFile", made)
        assert Keeper().add(batch(3)) is None
        assert csv(path).dataset().to_table().to_pydict() == {"a": [1], "b": ["x"]}


class _Full(io.BytesIO):
    """A file on a full disk."""

    def __init__(self, prefix: str) -> None:
        super().__init__(prefix.encode())

    def write(self, data: Any) -> int:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        super().close()
        raise OSError(28, "No space left on device")
