"""The census example on the whole of the real data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.integration.conftest import EXAMPLE, Project

from headrace.components import Examples
from headrace.metadata import MetadataReader

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from headrace.metadata import ExecutionRecord

COLUMNS = [
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship", "race",
    "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income_bracket",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("model", "least"), [("wide_and_deep", 0.905), ("trees", 0.925)])
def test_area_under_the_curve(tmp_path: Path, census_dir: Path, model: str, least: float) -> None:
    project = Project(tmp_path)
    for name in ("pipeline.py", "schema.yaml"):
        (tmp_path / name).write_bytes((EXAMPLE / name).read_bytes())
    ended = project.run(
        "--set", f"model={model}", "--set", f"train={census_dir}/adult.data", "--set", f"test={census_dir}/adult.test"
    )
    assert set(ended.values()) == {"finished"}
    version = project.version()
    assert version.evaluation is not None
    reported = version.evaluation["overall"]["metrics"]["auc"]["value"]
    assert reported >= least
    training = json.loads((version.path / "training.json").read_text("utf-8"))
    with MetadataReader(project.home) as reader:
        steps = {one.component: one for one in reader.executions([f"{reader.runs()[0].id}-{name}" for name in ended])}
        record = next(one for one in reader.artifacts(type_name="Examples") if one.properties.get("rows_read"))
    examples = Examples(project.home / record.path)
    assert examples.summary["rows"]["test"] == 16281
    assert examples.summary["rows"]["train"] + examples.summary["rows"]["eval"] == 32561
    assert training["rows"] == {name: examples.summary["rows"][name] for name in ("train", "eval")}
    assert_no_row_of_the_test_file_was_learned_from(examples, census_dir, steps["trainer"])
    # Our own sum over all pairs, from the predictions of the pushed file.
    table = examples.split("test").to_table()
    scores = project_scores(version.path, table)
    labels = np.array([text.startswith(">50K") for text in table.column("income_bracket").to_pylist()])
    assert abs(pairs_in_order(scores, labels) - reported) < 1e-9


def project_scores(folder: Path, table: pa.Table) -> np.ndarray:
    from headrace.model import load_model

    return load_model(folder).predict(table.drop_columns(["income_bracket"]))["logistic"].reshape(-1)


def pairs_in_order(scores: np.ndarray, labels: np.ndarray) -> float:
    positive, negative = np.sort(scores[labels]), np.sort(scores[~labels])
    below = np.searchsorted(negative, positive, "left").sum()
    equal = np.searchsorted(negative, positive, "right").sum() - below
    return float((below + 0.5 * equal) / (len(positive) * len(negative)))


def assert_no_row_of_the_test_file_was_learned_from(examples: Examples, census: Path, trainer: ExecutionRecord) -> None:
    """Hold the splits against the raw files, read here with nothing but Python."""

    def lines(name: str) -> list[tuple[str, ...]]:
        text = (census / name).read_text("utf-8").splitlines()
        return sorted(tuple(part.strip() for part in line.split(",")) for line in text if line and line[0] != "|")

    def rows(*splits: str) -> list[tuple[str, ...]]:
        tables = [examples.split(split).to_table().select(COLUMNS) for split in splits]
        found = [tuple("?" if v is None else str(v) for v in row.values()) for t in tables for row in t.to_pylist()]
        return sorted(found)

    assert rows("train", "eval") == lines("adult.data")
    assert rows("test") == lines("adult.test")
    described = trainer.parameters
    assert described.get("train_split", "train") == "train"
    assert described.get("eval_split", "eval") == "eval"
