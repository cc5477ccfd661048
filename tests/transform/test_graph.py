from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pyarrow as pa
import pytest
import spox
import spox.opset.ai.onnx.v17 as op17
import spox.opset.ai.onnx.v21 as op

from headrace import transform as tft
from headrace.data import ParquetSink
from headrace.errors import ModelError, RequestError, TransformError
from headrace.model.compose import compose
from headrace.model.session import open_session

if TYPE_CHECKING:
    from pathlib import Path

DATA = {
    "age": [1, 2, None, 4],
    "word": ["a", "b\n", "🎈", "a"],
    "unused": [1.0, 2.0, 3.0, 4.0],
    "label": ["y", "n", "y", "n"],
}


def preprocessing_fn(inputs: Any) -> dict[str, Any]:
    return {
        "age": tft.fill_missing(tft.scale_to_z_score(inputs["age"]), 0.0),
        "word": tft.compute_and_apply_vocabulary(inputs["word"], num_oov_buckets=1),
        "hot/word": tft.one_hot(tft.compute_and_apply_vocabulary(inputs["word"])),
        "target": inputs["label"] == "y",
    }


@pytest.fixture(scope="module")
def graph() -> tft.TransformGraph:
    return tft.analyze(DATA, preprocessing_fn)


def test_the_graphs_form(graph: tft.TransformGraph) -> None:
    model = graph.to_onnx()
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version <= 10
    assert {opset.domain: opset.version for opset in model.opset_import}[""] <= 21
    shapes = {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {
        "age": ["N"],
        "age__missing": ["N"],
        "word": ["N"],
        "label": ["N"],
        "age__transformed": ["N"],
        "word__transformed": ["N"],
        "hot/word": ["N", 3],
        "target": ["N"],
    }
    assert graph.output_name("age") == "age__transformed"
    assert graph.output_name("target") == "target"


def test_onnx_runtime_alone_can_use_it(graph: tft.TransformGraph) -> None:
    session = onnxruntime.InferenceSession(graph.to_onnx().SerializeToString(), providers=["CPUExecutionProvider"])
    feeds = {
        "age": np.array([4, 0]),
        "age__missing": np.array([False, True]),
        "word": np.array(["a", "?"], object),
        "label": np.array(["y", "n"], object),
    }
    found = dict(zip([output.name for output in session.get_outputs()], session.run(None, feeds), strict=True))
    expected = graph.transform_batch(pa.record_batch({"age": [4, None], "word": ["a", "?"], "label": ["y", "n"]}))
    assert found["age__transformed"].tolist() == expected["age"].to_pylist()
    assert found["word__transformed"].tolist() == [0, 3]
    assert found["hot/word"].dtype == np.float32


def test_a_predictor_behind_it_takes_features_by_name(graph: tft.TransformGraph) -> None:
    age = spox.argument(spox.Tensor(np.float32, ("N",)))
    word = spox.argument(spox.Tensor(np.int64, ("N",)))
    total = op17.add(age, op.cast(word, to=np.float32))
    predictor = spox.build({"age": age, "word": word}, {"predictions": total})
    session = open_session(compose(graph.to_onnx(["age", "word"]), predictor).SerializeToString())
    feeds = {"age": np.array([0]), "age__missing": np.array([True]), "word": np.array(["b\n"], object)}
    assert session.run(["predictions"], feeds)[0].tolist() == [2.0]


def test_only_some_outputs(graph: tft.TransformGraph) -> None:
    model = graph.to_onnx(["word", "age"])
    assert [value.name for value in model.graph.input] == ["age", "age__missing", "word"]
    assert [value.name for value in model.graph.output] == ["age__transformed", "word__transformed"]
    table = graph.transform({"word": ["a"], "age": pa.array([None], pa.int64())}, outputs=["word", "age"]).to_table()
    assert table.to_pydict() == {"age": [0.0], "word": [0]}
    with pytest.raises(TransformError, match="Did you mean 'word'"):
        graph.to_onnx(["wort"])


def test_save_and_load(graph: tft.TransformGraph, tmp_path: Path) -> None:
    graph.save(tmp_path / "transform")
    again = tft.TransformGraph.load(tmp_path / "transform")
    assert again.inputs == graph.inputs
    assert again.outputs == graph.outputs
    assert again.analyzers == graph.analyzers
    assert again.ignored == ("unused",)
    assert again.path("age", "age") == graph.path("age", "age") != []
    assert again.to_onnx() == graph.to_onnx()
    assert again.transform(DATA).to_table() == graph.transform(DATA).to_table()
    assert (tmp_path / "transform" / "vocabularies" / "word.txt").read_bytes() == "a\n🎈\nb\\n\n".encode()
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]
    before = {path.name: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    tft.analyze(DATA, preprocessing_fn).save(tmp_path / "transform")
    assert before == {path.name: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}


def test_pickling(graph: tft.TransformGraph) -> None:
    assert pickle.loads(pickle.dumps(graph)).transform(DATA).to_table() == graph.transform(DATA).to_table()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("transform.onnx", None, "no transform.onnx"),
        ("transform.json", None, "no transform.json"),
        ("transform.json", b"{", "must be readable"),
        ("transform.json", b'{"version": 2}', "newer than this headrace"),
        ("transform.onnx", b"\xff\xff", "must be readable"),
    ],
)
def test_a_folder_that_cannot_be_read(
    graph: tft.TransformGraph, tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    graph.save(tmp_path)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=message):
        tft.TransformGraph.load(tmp_path)


def test_no_rows(graph: tft.TransformGraph) -> None:
    schema = pa.schema([("age", pa.int64()), ("word", pa.string()), ("label", pa.string())])
    batch = pa.RecordBatch.from_pylist([], schema)
    found = graph.transform_batch(batch)
    assert found.num_rows == 0
    assert found.schema == graph.transform(DATA).schema
    assert graph.transform(pa.table(batch.to_pydict(), schema)).to_table().schema == found.schema


def test_into_a_sink(graph: tft.TransformGraph, tmp_path: Path) -> None:
    written = graph.transform(DATA, ParquetSink(tmp_path))
    assert written.to_table().to_pydict() == graph.transform(DATA).to_table().to_pydict()


def test_other_types_that_fit(graph: tft.TransformGraph) -> None:
    batch = pa.record_batch(
        {
            "label": pa.array(["y"]).dictionary_encode(),
            "word": pa.array(["a"], pa.large_string()),
            "age": pa.array([4.0]),
            "more": [1],
        }
    )
    assert graph.transform_batch(batch)["target"].to_pylist() == [1]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"age": [1], "word": ["a"]}, "no column 'label'"),
        ({"age": [1.5], "word": ["a"], "label": ["y"]}, "'age' must be of type int64"),
        ({"age": [1], "word": [1], "label": ["y"]}, "'word' must be of type string"),
        ({"age": [1, 1], "word": ["a", None], "label": ["y", "y"]}, "'word' may not be missing.*row 1"),
    ],
)
def test_batches_that_do_not_fit(graph: tft.TransformGraph, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        graph.transform_batch(pa.record_batch(columns))


def test_repr(graph: tft.TransformGraph) -> None:
    assert repr(graph) == "TransformGraph(age, word, label -> age, word, hot/word, target)"
