from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from headrace.errors import StorageError
from headrace.registry import Registry
from headrace.registry.staging import LOCK, staging, sweep

if TYPE_CHECKING:
    from pathlib import Path

_LOOP = """
import sys
from headrace.registry import Registry
registry = Registry(sys.argv[1])
print("ready", flush=True)
while True:
    registry.publish("m", sys.argv[2], lineage={"run": "r"})
"""


def model_folder(folder: Path) -> Path:
    (folder / "native").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(os.urandom(200_000))
    (folder / "signature.json").write_text("{}")
    for at in range(5):
        (folder / "native" / f"{at}.bin").write_bytes(os.urandom(20_000))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def hidden(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob(".*") if path.name != LOCK)


def test_killed_publishers_leave_no_half_version(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model")
    expected = contents(folder)
    home = tmp_path / "home"
    generator = random.Random(0)
    for _ in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", _LOOP, str(home), str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(generator.uniform(0.0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    registry = Registry(home)
    last = registry.publish("m", folder)
    versions = registry.versions("m")
    assert [one.version for one in versions] == list(range(1, last.version + 1))
    for version in versions:
        found = contents(version.path)
        assert {name: found[name] for name in expected} == expected
        assert set(found) - set(expected) <= {"registered.json", "lineage.json"}
    assert hidden(registry.root) == []


def test_sweep_spares_the_living(tmp_path: Path) -> None:
    dead = tmp_path / ".staging-dead"
    dead.mkdir()
    (dead / "model.onnx").write_bytes(b"half")
    orphan = tmp_path / f".staging-orphan{LOCK}"
    orphan.touch()
    with staging(tmp_path) as living:
        swept = sweep(tmp_path)
        assert living.is_dir()
        assert {path.name for path in swept} == {".staging-dead", ".staging-orphan"}
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("at", [1, 3, 8, 12])
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    folder = model_folder(tmp_path / "model")
    registry = Registry(tmp_path / "home")
    calls = 0

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left") as caught:
        registry.publish("m", folder)
    assert "Free some space" in str(caught.value)
    assert registry.names() == []
    assert [path.name for path in (registry.root / "m").iterdir()] == [LOCK]
