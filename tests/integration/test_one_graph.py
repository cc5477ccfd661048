"""The pushed model.onnx answers raw columns with the bits that every way of headrace answers them with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest
from tests.integration.conftest import Project, make_project

from headrace.components import Examples
from headrace.metadata import MetadataReader
from headrace.model import Signature
from headrace.serving import BackgroundServer, ModelClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa

MODELS = ["wide_and_deep", "trees", "linear", "sklearn"]
BATCHES = [1, 7, 64]
ROWS = 64

OTHER_ESTIMATORS = """
    if model == "linear":
        return hr.LinearClassifier(label="label", epochs=epochs)
    if model == "sklearn":
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        return hr.sklearn(
            make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
            label="label",
            features=(*CATEGORIES, *NUMBERS),
        )
    if model == "trees":"""

Rows = list[dict[str, Any]]
Arrays = dict[str, np.ndarray[Any, Any]]


@pytest.fixture(scope="session")
def four(once: Callable[[str, Callable[[Path], object]], Path], census_dir: Path) -> Project:
    """Return a project with four kinds of published models, and bulk predictions of each."""

    def build(folder: Path) -> None:
        project = make_project(folder, census_dir)
        project.edit(
            ('\n    if model == "trees":', OTHER_ESTIMATORS),
            ('baseline="census"', "baseline=model"),
            (
                'to="census", statistics=statistics)',
                "to=model, statistics=statistics)\n    bulk_inferrer(examples, trained)",
            ),
            ("    evaluator,\n", "    bulk_inferrer,\n    evaluator,\n"),
            ("epochs: int = 20", "epochs: int = 2"),
        )
        for model in MODELS:
            project.run("--set", f"model={model}")

    return Project(once("four", build))


@pytest.fixture(scope="module")
def server(four: Project) -> Any:
    with BackgroundServer(four.home / "models") as running, ModelClient(running.url) as client:
        yield client


@pytest.fixture(scope="module")
def raw(four: Project) -> pa.Table:
    """Return the raw test rows as the snapshot has them: stripped, nulls for what is missing."""
    with MetadataReader(four.home) as reader:
        record = next(one for one in reader.artifacts(type_name="Examples") if one.properties.get("rows_read"))
    return Examples(four.home / record.path).split("test").to_table()


@pytest.fixture(scope="module")
def rows(raw: pa.Table) -> Rows:
    found: Rows = raw.slice(0, ROWS).drop_columns(["income_bracket"]).to_pylist()
    # Every column that may be missing is missing somewhere.
    assert all(any(row[name] is None for row in found) for name in ("workclass", "occupation", "native_country"))
    return found


def plain(folder: Path, rows: Rows) -> Arrays:
    """Answer as somebody who has onnxruntime and signature.json, and no headrace."""
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    described = json.loads((folder / "signature.json").read_text("utf-8"))
    dtypes: dict[str, Any] = {"string": object, "int64": np.int64, "float64": np.float64, "float32": np.float32}
    feeds = {}
    for item in described["inputs"]:
        values = [row[item["feature"]] for row in rows]
        if item["role"] == "missing":
            feeds[item["name"]] = np.array([value is None for value in values])
        else:
            anything = "whatever" if item["dtype"] == "string" else 7
            feeds[item["name"]] = np.array([anything if v is None else v for v in values], dtypes[item["dtype"]])
    names = [item["name"] for item in described["outputs"]]
    return dict(zip(names, session.run(names, feeds), strict=True))


def parsed(predictions: list[dict[str, Any]], folder: Path) -> Arrays:
    """Turn parsed JSON back into arrays of the signature's types."""
    outputs = Signature.load(folder).outputs
    return {one.name: np.array([row[one.name] for row in predictions], one.dtype) for one in outputs}


def assert_same_bits(ours: Arrays, reference: Arrays) -> None:
    assert set(ours) == set(reference) == {"probabilities", "logits", "classes", "logistic"}
    for name, wanted in reference.items():
        assert ours[name].dtype == wanted.dtype, name
        assert ours[name].shape == wanted.shape, name
        assert ours[name].tobytes() == wanted.tobytes(), name


def in_batches(rows: Rows, size: int) -> list[Rows]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


@pytest.mark.parametrize("size", BATCHES)
@pytest.mark.parametrize("model", MODELS)
def test_server_and_command_line(
    four: Project, server: ModelClient, rows: Rows, model: str, size: int, tmp_path: Path
) -> None:
    folder = four.version(model).path
    batches = in_batches(rows, size)
    references = [plain(folder, batch) for batch in batches[:9]]
    for batch, reference in zip(batches, references, strict=False):
        assert_same_bits(parsed(server.predict(model, batch), folder), reference)
        columns = {name: [row[name] for row in batch] for name in batch[0]}
        answer = server.predict(model, columns)
        typed = {one.name: np.array(answer[one.name], one.dtype) for one in Signature.load(folder).outputs}
        assert_same_bits(typed, reference)
    file = tmp_path / "rows.json"
    file.write_text(json.dumps(batches[0]))
    printed = four.cli("predict", model, str(file), "--json").stdout
    assert_same_bits(parsed(json.loads(printed)["predictions"], folder), references[0])
    lines = four.cli("predict", model, str(file)).stdout.splitlines()
    assert_same_bits(parsed([json.loads(line) for line in lines], folder), references[0])


@pytest.mark.parametrize("model", MODELS)
def test_bulk_inferrer(four: Project, raw: pa.Table, model: str) -> None:
    version = four.version(model)
    with MetadataReader(four.home) as reader:
        digest = next(
            one for one in reader.artifacts(type_name="PushedModel") if one.properties["path"] == str(version.path)
        )
        maker = next(iter(reader.producers([digest.id])))
        trained = dict(maker.inputs)["model"]
        used = next(one for one in reader.consumers([trained]) if one.component == "bulk_inferrer")
        (result,) = reader.artifacts_by_id([identity for _, identity in used.outputs])
    from headrace.data import open_parquet

    predictions = open_parquet(four.home / result.path / "predictions" / "test").to_table().combine_chunks()
    # The rows are in the order of the file, and one batch.
    assert predictions.select(raw.column_names).to_pylist() == raw.to_pylist()
    reference = plain(version.path, raw.to_pylist())
    for name, wanted in reference.items():
        column = predictions.column(name).combine_chunks()
        flat = column.flatten() if wanted.ndim == 2 else column
        assert flat.to_numpy(zero_copy_only=False).tobytes() == wanted.tobytes(), name


@pytest.mark.parametrize("model", MODELS)
def test_spaces_and_question_marks(four: Project, server: ModelClient, rows: Rows, model: str, tmp_path: Path) -> None:
    """A request is cleaned as the training data was: by the graph."""
    folder = four.version(model).path

    def spaced(row: dict[str, Any], missing: str) -> dict[str, Any]:
        return {k: f" {v}" if isinstance(v, str) else missing if v is None else v for k, v in row.items()}

    def absent(row: dict[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in row.items() if v is not None}

    variants = {
        "spaces before": [spaced(row, " ?") for row in rows],
        "white space around": [{k: f"\t{v}  " if isinstance(v, str) else v for k, v in row.items()} for row in rows],
        "question marks": [{k: "?" if v is None else v for k, v in row.items()} for row in rows],
        "absent": [absent(row) for row in rows],
    }
    reference = plain(folder, rows)
    for variant in variants.values():
        assert_same_bits(parsed(server.predict(model, variant), folder), reference)
    assert_same_bits(plain(folder, variants["spaces before"]), reference)
    file = tmp_path / "rows.json"
    file.write_text(json.dumps({"instances": variants["spaces before"]}))
    printed = four.cli("predict", model, str(file), "--json").stdout
    assert_same_bits(parsed(json.loads(printed)["predictions"], folder), reference)


@pytest.mark.parametrize("model", MODELS)
def test_verify(four: Project, model: str) -> None:
    report = json.loads(four.cli("verify", model, "--rows", "100", "--json").stdout)
    assert report["ok"]
    assert report["rows"] == 100
    assert {item["path"] for item in report["comparisons"]} >= {"batch", "REST rows", "REST columns", "onnxruntime"}
