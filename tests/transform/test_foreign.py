from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pandas as pd
import pyarrow as pa
import pytest
import spox.opset.ai.onnx.v17 as op
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, StandardScaler
from spox import Tensor, argument, build

from headrace import transform as tft
from headrace.data import csv
from headrace.errors import TransformError

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship",
    "race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income_bracket",
]  # fmt: skip


@pytest.fixture(scope="module")
def census(census_dir: Path) -> pa.Table:
    people = csv(census_dir / "adult.data", names=NAMES, strip=True, null_values=["?"])
    return people.dataset().to_table().slice(0, 3000)


def matrix(found: pa.Table, name: str) -> np.ndarray[Any, Any]:
    rows: np.ndarray[Any, Any] = np.array(found[name].to_pylist())
    return rows


def test_column_transformer_on_census(census: pa.Table) -> None:
    frame = census.to_pandas().assign(workclass=lambda data: data["workclass"].fillna("none"))
    numbers = ["age", "hours_per_week", "capital_gain"]
    texts = ["workclass", "education", "sex"]
    fitted = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            ("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts),
        ]
    ).fit(frame[numbers + texts])

    def preprocessing_fn(inputs: Any) -> dict[str, Any]:
        columns = {name: inputs[name] for name in numbers + texts}
        columns["workclass"] = tft.fill_missing(columns["workclass"], "none")
        return {"x": tft.apply_sklearn(fitted, columns), "age": tft.scale_to_z_score(inputs["age"])}

    graph = tft.analyze(census, preprocessing_fn)
    found = matrix(graph.transform(census).to_table(), "x")
    np.testing.assert_allclose(found, fitted.transform(frame[numbers + texts]), rtol=1e-6, atol=1e-6)
    by_name = {feature.name: feature for feature in graph.outputs}
    assert set(by_name["x"].sources) == {*numbers, *texts}
    assert any("apply_sklearn" in step for step in graph.path("x", "age"))


def test_missing_numbers_are_imputed_as_scikit_learn_does() -> None:
    data = pa.table({"a": [1.0, None, 3.0, 8.0], "b": [1, 2, None, 2]})
    pipeline = Pipeline([("fill", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    pipeline.fit(data.to_pandas())

    graph = tft.analyze(data, lambda inputs: {"x": tft.apply_sklearn(pipeline, dict(inputs))})
    expected = pipeline.transform(data.to_pandas())
    np.testing.assert_allclose(matrix(graph.transform(data).to_table(), "x"), expected, rtol=1e-6, atol=1e-7)


def test_fitted_on_a_matrix_and_after_an_analyzer() -> None:
    data = {"x": np.linspace(-3, 9, 50).tolist()}
    scaled = StandardScaler().fit_transform(np.array(data["x"])[:, None])
    bins = KBinsDiscretizer(4, encode="ordinal", strategy="uniform").fit(scaled)

    def preprocessing_fn(inputs: Any) -> dict[str, Any]:
        return {"bin": tft.apply_sklearn(bins, tft.scale_to_z_score(inputs["x"]))}

    found = matrix(tft.analyze(data, preprocessing_fn).transform(data).to_table(), "bin")
    np.testing.assert_array_equal(found.ravel(), bins.transform(scaled).ravel())


def test_ordinal_encoder_of_texts() -> None:
    frame = pd.DataFrame({"s": ["b", "a", "c", "a"]})
    fitted = OrdinalEncoder().fit(frame)
    graph = tft.analyze(frame, lambda inputs: {"s": tft.apply_sklearn(fitted, dict(inputs))})
    assert matrix(graph.transform(frame).to_table(), "s").ravel().tolist() == [1, 0, 2, 0]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda x: tft.apply_sklearn(StandardScaler(), x["n"]), "Fit it first"),
        (lambda x: tft.apply_sklearn(StandardScaler().fit([[1.0]]), {"n": x["n"]}), "fitted on a matrix"),
        (
            lambda x: tft.apply_sklearn(StandardScaler().fit(pd.DataFrame({"nnn": [1.0]})), {"nn": x["n"]}),
            "Did you mean 'nnn'",
        ),
        (
            lambda x: tft.apply_sklearn(OrdinalEncoder().fit(pd.DataFrame({"t": ["a"]})), {"t": x["t"]}),
            "may not be missing in any row",
        ),
    ],
)
def test_what_scikit_learn_cannot_be_given(make: Any, said: str) -> None:
    data = pa.table({"n": [1.0, 2.0], "t": ["a", None]})
    with pytest.raises(TransformError, match=said) as raised:
        tft.analyze(data, lambda inputs: {"x": make(inputs)})
    assert "test_foreign.py" in str(raised.value)


def embedding(width: int = 3, rows: Any = None) -> onnx.ModelProto:
    """Return a model that looks a row of a table up, and one number more."""
    ids = argument(Tensor(np.int64, (rows, 1)))
    table = op.const(np.arange(12, dtype=np.float32).reshape(4, width))
    vectors = op.gather(table, op.squeeze(ids, op.const(np.array([1]))))
    total = op.reduce_sum(vectors, op.const(np.array([1])), keepdims=False)
    return build({"ids": ids}, {"vectors": vectors, "total": total})


def test_an_onnx_model_is_a_part_of_the_graph(tmp_path: Path) -> None:
    data = {"word": ["a", "b", "a", "c"]}
    onnx.save(embedding(), tmp_path / "embedding.onnx")

    def preprocessing_fn(inputs: Any) -> dict[str, Any]:
        ids = tft.compute_and_apply_vocabulary(inputs["word"], num_oov_buckets=1)
        found = tft.apply_onnx(tmp_path / "embedding.onnx", ids)
        return {"vector": found["vectors"], "total": found["total"]}

    graph = tft.analyze(data, preprocessing_fn)
    found = graph.transform(data).to_table().to_pydict()
    assert found["vector"] == [[0, 1, 2], [6, 7, 8], [0, 1, 2], [3, 4, 5]]
    assert found["total"] == [3, 21, 3, 12]
    (tmp_path / "embedding.onnx").unlink()
    assert graph.transform({"word": ["c"]}).to_table()["total"].to_pylist() == [12]


def test_one_output_alone_and_casts() -> None:
    data = {"number": [1.0, 2.0]}
    graph = tft.analyze(
        data, lambda inputs: {"x": tft.apply_onnx(embedding().SerializeToString(), inputs["number"], outputs=["total"])}
    )
    assert graph.transform(data).to_table()["x"].to_pylist() == [12, 21]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda x: tft.apply_onnx(b"no model", x["n"]), "takes an ONNX model"),
        (lambda x: tft.apply_onnx(embedding(), {"id": x["n"]}), "Did you mean 'ids'"),
        (lambda x: tft.apply_onnx(embedding(), {}), "none for ids"),
        (lambda x: tft.apply_onnx(embedding(), x["n"], outputs=["sum"]), "no such output"),
        (lambda x: tft.apply_onnx(embedding(), x["t"]), "of the type of the model's input"),
        (lambda x: tft.apply_onnx(embedding(), x["m"]), "may not be missing"),
        (lambda x: tft.apply_onnx(embedding(rows=1), x["n"]), "dynamic first axis"),
    ],
)
def test_what_a_model_cannot_be_given(make: Any, said: str) -> None:
    data = pa.table({"n": [1, 2], "t": ["a", "b"], "m": [1, None]})

    def preprocessing_fn(inputs: Any) -> dict[str, Any]:
        found = make(inputs)
        return {"x": found["total"] if isinstance(found, dict) else found}

    with pytest.raises(TransformError, match=said):
        tft.analyze(data, preprocessing_fn)


def test_a_newer_opset_is_refused() -> None:
    model = embedding()
    model.opset_import[0].version = 99
    with pytest.raises(TransformError, match="opset 21 at most"):
        tft.analyze({"n": [1]}, lambda inputs: {"x": tft.apply_onnx(model, inputs["n"], outputs=["total"])})
