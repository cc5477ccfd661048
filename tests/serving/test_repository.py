"""Watching, loading, swapping and unloading versions."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from headrace.errors import ServingError
from headrace.model import LoadedModel, bits_equal, load_model
from headrace.serving import ModelRepository, NotServedError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(make_model: Any, tmp_path: Path) -> Path:
    """Return a folder of models with versions 1 to 3 of one."""
    for version in (1, 2, 3):
        make_model(tmp_path / "models" / "census" / str(version), seed=version)
    return tmp_path / "models"


def test_the_newest_versions_are_kept(home: Path, make_model: Any) -> None:
    repository = ModelRepository(home, keep=2)
    repository.scan()
    assert repository.get("census").version == 3
    assert repository.get("census", 2).version == 2
    with pytest.raises(NotServedError, match=r"Specific\(census, 1\)"):
        repository.get("census", 1)
    held = repository.get("census")
    make_model(home / "census" / "10", seed=10)
    repository.scan()
    assert repository.get("census").version == 10
    assert [item.version for item in repository.status("census")] == [10, 3]
    assert repository.get("census", 3) is held


def test_a_request_in_flight_keeps_its_version(home: Path, graphs: Any) -> None:
    repository = ModelRepository(home)
    repository.scan()
    held = repository.get("census")
    before = held.model.predict(graphs.rows(3))
    shutil.rmtree(home / "census")
    repository.scan()
    assert repository.names == []
    with pytest.raises(NotServedError, match="Could not find any versions of model census"):
        repository.status("census")
    after = held.model.predict(graphs.rows(3))
    assert all(bits_equal(before[name], after[name]) for name in before)


def test_a_version_that_cannot_load_is_skipped_until_it_changes(home: Path, make_model: Any) -> None:
    loads: list[Path] = []

    def load(folder: Path) -> Any:
        from headrace.model import load_model

        loads.append(folder)
        return load_model(folder)

    broken = home / "census" / "4"
    broken.mkdir()
    (broken / "model.onnx").write_bytes(b"no model")
    (broken / "signature.json").write_text('{"inputs": [], "outputs": []}')
    repository = ModelRepository(home, load=load)
    repository.scan()
    repository.scan()
    assert loads.count(broken) == 1
    assert repository.get("census").version == 3
    assert repository.get("census", 2).version == 2
    first = repository.status("census")[0]
    assert (first.version, first.state, first.error_code) == (4, "END", "UNKNOWN")
    assert repository.ready
    make_model(broken)
    repository.scan()
    assert repository.get("census").version == 4
    assert repository.status("census")[0].error_message == ""


def test_a_version_replaced_in_place_is_loaded_again(home: Path, make_model: Any, graphs: Any) -> None:
    repository = ModelRepository(home)
    repository.scan()
    old = repository.get("census")
    make_model(home / "census" / "3", seed=77)
    repository.scan()
    new = repository.get("census")
    assert new.version == 3
    assert not bits_equal(old.model.predict(graphs.rows(3))["logits"], new.model.predict(graphs.rows(3))["logits"])
    (home / "census" / "3" / "model.onnx").write_bytes(b"broken")
    repository.scan()
    assert repository.get("census") is new
    assert repository.status("census")[0].state == "AVAILABLE"
    assert "can load" in repository.status("census")[0].error_message


def test_plain_folders_and_folders_of_versions_by_name(home: Path) -> None:
    repository = ModelRepository(models={"a": home / "census" / "2", "b": home / "census", "c": home / "later"})
    repository.scan()
    assert repository.get("a").version == 1
    assert repository.get("b").version == 3
    assert not repository.ready
    shutil.copytree(home / "census", home / "later")
    repository.scan()
    assert repository.get("c").version == 3
    assert repository.ready


def test_other_files_are_left_alone(home: Path) -> None:
    (home / "readme.txt").write_text("x")
    (home / "empty").mkdir()
    (home / ".staging").mkdir()
    (home / "census" / "latest").mkdir()
    (home / "census" / "5.tmp").mkdir()
    repository = ModelRepository(home)
    repository.scan()
    assert repository.names == ["census"]
    with pytest.raises(ServingError, match="At least one version"):
        ModelRepository(home, keep=0)


def test_a_graph_that_fails_on_a_warm_up_row_is_refused(home: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    from headrace.model import save_model, signature_of

    graph = helper.make_graph(
        [helper.make_node("Cast", ["x"], ["predictions"], to=TensorProto.FLOAT)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.STRING, ["N"])],
        [helper.make_tensor_value_info("predictions", TensorProto.FLOAT, ["N"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    save_model(home / "cast" / "1", model, signature_of(model))
    repository = ModelRepository(home)
    repository.scan()
    assert repository.status("cast")[0].state == "END"
    assert "failed on these rows" in repository.status("cast")[0].error_message
    assert not repository.ready


def test_a_model_that_breaks_its_loader_takes_no_other_model_down(home: Path, make_model: Any) -> None:
    def load(folder: Path) -> LoadedModel:
        if folder.name == "4":
            raise MemoryError
        return load_model(folder)

    make_model(home / "census" / "4")
    make_model(home / "later" / "1")
    repository = ModelRepository(home, load=load)
    repository.scan()
    assert repository.get("census").version == 3
    assert repository.get("later").version == 1
    first = repository.status("census")[0]
    assert (first.version, first.state, first.error_message) == (4, "END", "MemoryError")


def test_the_watcher_looks_at_once_when_asked(home: Path, make_model: Any) -> None:
    import time

    repository = ModelRepository(home, poll_seconds=600)
    repository.start()
    make_model(home / "census" / "9")
    repository.reload()
    end = time.monotonic() + 20
    while repository.get("census").version != 9:
        assert time.monotonic() < end
        time.sleep(0.01)
    repository.stop()
