"""Small real slices of census data, on their way through the components."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import headrace as hr
from headrace import transform as tft
from headrace.components import (
    evaluator,
    example_gen,
    infra_validator,
    schema_gen,
    statistics_gen,
    trainer,
    transform,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import ndonnx as ndx

    from headrace.components import (
        Examples,
        ExampleStatistics,
        InfraBlessing,
        Model,
        ModelEvaluation,
        Schema,
        TransformGraph,
    )
    from headrace.data import CsvSource

COLUMNS = [
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship"),
    *("race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income_bracket"),
]


def census(path: Path, **options: Any) -> CsvSource:
    """Describe a census file."""
    return hr.csv(path, names=COLUMNS, strip=True, null_values=["?"], comment="|", **options)


def preprocessing_fn(inputs: Mapping[str, ndx.Array]) -> dict[str, ndx.Array]:
    """Make few features, a label, and an amount for regressors."""
    return {
        "age": tft.scale_to_z_score(inputs["age"]),
        "education_num": tft.scale_to_z_score(inputs["education_num"]),
        "marital_status": tft.compute_and_apply_vocabulary(inputs["marital_status"], num_oov_buckets=1),
        "workclass": tft.compute_and_apply_vocabulary(inputs["workclass"], num_oov_buckets=1),
        "label": tft.isin(inputs["income_bracket"], [">50K", ">50K."]),
        "hours": inputs["hours_per_week"],
    }


FEATURES = ("age", "education_num", "marital_status", "workclass")


@pytest.fixture(scope="session")
def folder(census_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the first 2,000 people of adult.data and the first 1,000 of adult.test."""
    folder = tmp_path_factory.mktemp("census")
    for name, lines in (("adult.data", 2000), ("adult.test", 1001)):
        with (census_dir / name).open(encoding="utf-8") as file:
            (folder / name).write_text("".join(next(file) for _ in range(lines)), "utf-8")
    return folder


@pytest.fixture(scope="session")
def examples(folder: Path) -> Examples:
    """Return train and eval from adult.data, and test."""
    return example_gen(
        {"train": census(folder / "adult.data"), "test": census(folder / "adult.test")},
        splits={"train": {"train": 8, "eval": 2}},
    )


@pytest.fixture(scope="session")
def statistics(examples: Examples) -> ExampleStatistics:
    """Return the statistics of the three splits."""
    return statistics_gen(examples)


@pytest.fixture(scope="session")
def schema(statistics: ExampleStatistics) -> Schema:
    """Return the inferred schema."""
    return schema_gen(statistics)


@pytest.fixture(scope="session")
def graph_and_transformed(examples: Examples, schema: Schema) -> tuple[TransformGraph, Examples]:
    """Return what the transform makes."""
    return transform(examples, schema, preprocessing_fn)


@pytest.fixture(scope="session")
def graph(graph_and_transformed: tuple[TransformGraph, Examples]) -> TransformGraph:
    """Return the graph."""
    return graph_and_transformed[0]


@pytest.fixture(scope="session")
def transformed(graph_and_transformed: tuple[TransformGraph, Examples]) -> Examples:
    """Return the features of the three splits."""
    return graph_and_transformed[1]


@pytest.fixture(scope="session")
def model(transformed: Examples, graph: TransformGraph) -> Model:
    """Return boosted trees."""
    return trainer(transformed, graph, hr.BoostedTreesClassifier(label="label", features=FEATURES, n_trees=20))


@pytest.fixture(scope="session")
def blessed(examples: Examples, model: Model) -> ModelEvaluation:
    """Return an evaluation that blesses the model."""
    return evaluator(examples, model, hr.EvalConfig(metrics=["auc"], thresholds={"auc": {"min": 0.7}}), split="test")


@pytest.fixture(scope="session")
def refused(examples: Examples, model: Model) -> ModelEvaluation:
    """Return an evaluation that refuses the model."""
    return evaluator(examples, model, hr.EvalConfig(metrics=["auc"], thresholds={"auc": {"min": 0.99}}), split="test")


@pytest.fixture(scope="session")
def survived(examples: Examples, model: Model) -> InfraBlessing:
    """Return a crash test that went well."""
    return infra_validator(model, examples, rows=20)


@pytest.fixture
def in_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder of the test the home, as for a call outside a run."""
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def source() -> Callable[..., CsvSource]:
    """Return the function that describes a census file."""
    return census
