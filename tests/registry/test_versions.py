from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.errors import StorageError
from headrace.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"graph")
    (folder / "signature.json").write_text("{}")
    version = Registry(tmp_path / "home").publish("m", folder, lineage={"run": "r", "path": tmp_path})
    assert version.lineage == {"run": "r", "path": str(tmp_path)}
    assert version.evaluation is None
    for text in ("{", "[1]"):
        (version.path / "evaluation.json").write_text(text)
        with pytest.raises(StorageError, match=r"evaluation\.json is a JSON object"):
            _ = version.blessed
    (version.path / "registered.json").write_text("{}")
    with pytest.raises(StorageError, match="readable record"):
        Registry(tmp_path / "home").get("m", 1)
