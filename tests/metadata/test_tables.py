from __future__ import annotations

import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from headrace.errors import MetadataError, StorageError
from headrace.metadata import MetadataReader, MetadataStore, RunRecord
from headrace.metadata.tables import database_error, open_engine

if TYPE_CHECKING:
    from pathlib import Path


def test_reading_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match="Run a pipeline first"):
        MetadataReader(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    (tmp_path / "metadata.db").write_bytes(b"no database at all, but text" * 10)
    with pytest.raises(MetadataError, match="must be readable"):
        MetadataReader(tmp_path)


@pytest.mark.parametrize("name", ["why? #1 %40", "a=1&b;c", "memory :memory:", "[x] {y}"])
def test_a_home_may_have_any_name(tmp_path: Path, name: str) -> None:
    open_engine(tmp_path / "metadata.db", create=True).dispose()
    with MetadataStore(tmp_path / name) as store:
        store.begin_run(RunRecord("r", "p", "f", {}, "running", 1, None, None, 1, "h"), [])
    assert (tmp_path / name / "metadata.db").is_file()
    with MetadataReader(tmp_path / name) as reader:
        assert [run.id for run in reader.runs()] == ["r"]


def test_a_home_that_may_only_be_read_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = RunRecord("r", "p", "f", {}, "running", 1, None, None, 1, "h")
    with MetadataStore(tmp_path / "why? #1") as store:
        store.begin_run(record, [])
    # What the system says of a folder's mode does not hold for root, as whom tests may run.
    monkeypatch.setattr("headrace.metadata.tables.os.access", lambda *_: False)
    with MetadataReader(tmp_path / "why? #1") as reader:
        assert [run.id for run in reader.runs()] == ["r"]
        assert sorted(path.name for path in reader.home.iterdir()) == ["metadata.db"]
        with sqlite3.connect(tmp_path / "why? #1" / "metadata.db") as writer:
            writer.execute("UPDATE runs SET state = 'done'")
            writer.commit()
            assert [run.state for run in reader.runs()] == ["done"]
        writer.close()
    monkeypatch.undo()
    with MetadataStore(tmp_path / "why? #1") as store:
        store.end_run("r", "failed", 1, 2.0)


def test_many_processes_write_at_once(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom headrace.metadata import MetadataStore, RunRecord\n"
        "with MetadataStore('home') as store:\n"
        "    for i in range(9):\n"
        "        store.begin_run(RunRecord(f'{sys.argv[1]}-{i}', 'p', 'f', {}, 'running', 1, None, None, 1, 'h'), [])\n"
        "        store.end_run(f'{sys.argv[1]}-{i}', 'done', 0, 2.0)\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", script, str(i)], cwd=tmp_path) for i in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    with MetadataReader(tmp_path / "home") as reader:
        assert len(reader.runs(state="done")) == 36


def test_a_full_disk_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_engine(tmp_path / "metadata.db", create=True)

    def error(text: str) -> sa.exc.DBAPIError:
        return sa.exc.OperationalError("INSERT", {}, sqlite3.OperationalError(text))

    full = database_error(error("database or disk is full"), engine, "writable")
    assert isinstance(full, StorageError)
    assert full.where == str(tmp_path / "metadata.db")
    assert "Free some space" in str(full)
    broken = database_error(error("disk I/O error"), engine, "writable")
    assert isinstance(broken, MetadataError)
    assert "broken" in str(broken)
    monkeypatch.setattr("headrace.metadata.tables._LEAST_FREE_BYTES", 1 << 62)
    assert isinstance(database_error(error("disk I/O error"), engine, "writable"), StorageError)
    assert isinstance(database_error(error("file is not a database"), engine, "readable"), MetadataError)
    engine.dispose()
