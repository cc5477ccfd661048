from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from headrace.errors import MetadataError
from headrace.metadata import MetadataReader

if TYPE_CHECKING:
    from pathlib import Path


def test_reading_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match="Run a pipeline first"):
        MetadataReader(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    (tmp_path / "metadata.db").write_bytes(b"no database at all, but text" * 10)
    with pytest.raises(MetadataError, match="must be readable"):
        MetadataReader(tmp_path)


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
