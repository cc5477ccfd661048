from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from headrace.pipeline.locks import FileLock, is_locked

if TYPE_CHECKING:
    from pathlib import Path


def test_locks_exclude_and_end_with_their_process(tmp_path: Path) -> None:
    path = tmp_path / "a" / "lock"
    assert not is_locked(path)
    lock = FileLock(path)
    assert lock.acquire()
    assert is_locked(path)
    assert not FileLock(path).acquire()
    lock.release()
    assert not is_locked(path)
    script = (
        "import sys, time; from pathlib import Path; from headrace.pipeline.locks import FileLock\n"
        f"lock = FileLock(Path({str(path)!r}))\nassert lock.acquire()\nprint('held', flush=True)\ntime.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert is_locked(path)
    holder.kill()
    holder.communicate()
    assert not is_locked(path)


def test_a_removed_lock_file_is_made_anew(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.acquire()
    first.release(remove=True)
    assert not (tmp_path / "lock").exists()
    assert second.acquire()
    assert second.descriptor is not None
    second.release()
    second.release()
