from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from headrace.errors import ModelError, StorageError, UsageError
from headrace.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path


def model_folder(folder: Path, content: bytes = b"graph") -> Path:
    (folder / "native").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(content)
    (folder / "signature.json").write_text('{"inputs": []}')
    (folder / "native" / "weights.bin").write_bytes(content * 100)
    return folder


def hidden(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob(".*") if path.name != ".lock")


def test_publish_and_read_back(tmp_path: Path) -> None:
    evaluation = tmp_path / "found.json"
    evaluation.write_text('{"blessed": true}')
    registry = Registry(tmp_path / "home")
    assert registry.names() == []
    folder = model_folder(tmp_path / "model")
    first = registry.publish("census", folder, lineage={"run": "r1"}, evaluation=evaluation)
    (folder / "model.onnx").write_bytes(b"another")
    second = registry.publish("census", folder, extras={"schema.yaml": evaluation})
    assert (first.version, second.version) == (1, 2)
    assert str(second) == "models/census/2"
    assert first.path == tmp_path / "home" / "models" / "census" / "1"
    assert first.lineage == {"run": "r1"}
    assert first.blessed is True
    assert second.blessed is None
    assert second.lineage == {}
    assert (second.path / "schema.yaml").is_file()
    assert (second.path / "native" / "weights.bin").read_bytes() == b"graph" * 100
    assert first.digest != second.digest
    assert second.digest == hashlib.sha256(b"another").hexdigest()
    assert first.signature_digest == second.signature_digest
    assert registry.names() == ["census"]
    assert registry.versions("census") == [first, second]
    assert registry.get("census") == second
    assert registry.get("census", 1) == first
    assert registry.newest_blessed("census") == first
    assert registry.newest_blessed("unheard") is None
    assert hidden(registry.root) == []


def test_versions_are_numbers_not_words(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    folder = model_folder(tmp_path / "model")
    for _ in range(11):
        registry.publish("m", folder)
    (tmp_path / "models" / "m" / "notes").mkdir()
    assert [one.version for one in registry.versions("m")] == list(range(1, 12))


def test_same_key_is_one_version(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "home")
    folder = model_folder(tmp_path / "model")
    first = registry.publish("m", folder, key="abc")
    assert registry.publish("m", folder, key="abc") == first
    assert registry.publish("m", folder, key="abd").version == 2
    assert registry.publish("m", folder).version == 3
    assert registry.publish("m", folder, key="abc") == first


def test_a_registry_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model")
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="models"):
        Registry(tmp_path).publish("m", folder)


@pytest.mark.parametrize("missing", ["model.onnx", "signature.json"])
def test_refuses_what_is_no_model_folder(tmp_path: Path, missing: str) -> None:
    folder = model_folder(tmp_path / "model")
    (folder / missing).unlink()
    registry = Registry(tmp_path / "home")
    with pytest.raises(ModelError, match=missing):
        registry.publish("m", folder)
    assert registry.names() == []


@pytest.mark.parametrize("name", ["", "Census", "-x", ".x", "a/b", "..", "a b", "é"])
def test_refuses_names(tmp_path: Path, name: str) -> None:
    folder = model_folder(tmp_path / "model")
    with pytest.raises(UsageError, match="name"):
        Registry(tmp_path).publish(name, folder)
    with pytest.raises(UsageError, match="name"):
        Registry(tmp_path).get(name)


def test_resolve(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "home")
    folder = model_folder(tmp_path / "model")
    paths = [registry.publish("census", folder).path for _ in range(2)]
    assert registry.resolve("models/census/1") == paths[0]
    assert registry.resolve("census/1") == paths[0]
    assert registry.resolve("census") == paths[1]
    assert registry.resolve(folder) == folder
    assert registry.resolve(str(paths[0])) == paths[0]
    with pytest.raises(ModelError, match="Did you mean 'census'"):
        registry.resolve("cencus")
    with pytest.raises(ModelError, match="There are: 1, 2"):
        registry.resolve("census/7")
    with pytest.raises(ModelError, match="and a version, or a folder"):
        registry.resolve("census/latest")
    with pytest.raises(ModelError, match="No model has been published"):
        Registry(tmp_path / "empty").resolve("census")


def test_unknown_names_are_corrected(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "home")
    registry.publish("census", model_folder(tmp_path / "model"))
    for call in (registry.get, registry.versions):
        with pytest.raises(ModelError, match="Did you mean 'census'"):
            call("censu")


def test_a_folder_that_was_put_there_by_hand(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "home")
    registry.publish("m", model_folder(tmp_path / "model"))
    model_folder(registry.root / "m" / "2")
    with pytest.raises(StorageError, match="by hand"):
        registry.get("m")


_PUBLISH = """
import sys
from headrace.registry import Registry
for _ in range(8):
    print(Registry(sys.argv[1]).publish("m", sys.argv[2], key=sys.argv[3] or None).version)
"""


@pytest.mark.parametrize("key", ["", "one"])
def test_publishers_side_by_side(tmp_path: Path, key: str) -> None:
    folder = model_folder(tmp_path / "model")
    home = tmp_path / "home"
    command = [sys.executable, "-c", _PUBLISH, str(home), str(folder), key]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    numbers = sorted(int(line) for process in running for line in process.communicate()[0].split())
    assert numbers == (list(range(1, 25)) if not key else [1] * 24)
    assert hidden(Registry(home).root) == []
    for version in Registry(home).versions("m"):
        assert json.loads((version.path / "signature.json").read_text()) == {"inputs": []}
