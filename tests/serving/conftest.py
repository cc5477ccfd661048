"""Model folders for the tests of serving."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from headrace.model import compose, save_model, signature_of

if TYPE_CHECKING:
    from types import ModuleType


class MakeModel(Protocol):
    """Writes a model folder."""

    def __call__(self, folder: Path, seed: int = 0, *, log: bool = False) -> Path: ...


def _load_graphs() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "headrace_test_graphs", Path(__file__).parents[1] / "model" / "graphs.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def graphs() -> Any:
    """Return the module with the graphs and rows of the tests of models."""
    return _load_graphs()


@pytest.fixture(scope="session")
def make_model(graphs: Any) -> MakeModel:
    """Return what writes a two-class model of age, hours and job."""

    def make(folder: Path, seed: int = 0, *, log: bool = False) -> Path:
        graph = compose(graphs.transform_graph(), graphs.classifier_graph(seed, log=log))
        return save_model(folder, graph, signature_of(graph, classes=["<=50K", ">50K"], ignored=["note"]))

    return make


@pytest.fixture
def model(make_model: MakeModel, tmp_path: Path) -> Path:
    """Return a model folder."""
    return make_model(tmp_path / "model")
