"""Model folders, opened."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from headrace.errors import ModelError, RequestError
from headrace.model import Signature, bits_equal, load_model, prune, save_model

if TYPE_CHECKING:
    from pathlib import Path


def test_every_form_of_rows_gives_the_same_bits(model: Path, graphs: Any) -> None:
    loaded = load_model(model)
    rows = graphs.rows(200)
    expected = loaded.predict(rows)
    assert expected["probabilities"].shape == (200, 2)
    assert expected["classes"].dtype == np.int64
    table = pa.Table.from_pylist(rows)
    forms = [
        {name: [row[name] for row in rows] for name in rows[0]},
        table,
        pa.concat_tables([table.slice(0, 50), table.slice(50)]),
        table.to_batches()[0],
        table.to_reader(),
    ]
    for form in forms:
        found = loaded.predict(form)
        assert all(bits_equal(expected[name], found[name]) for name in expected)
    batch = loaded.predict_batch(table.to_batches()[0])
    assert batch.column("probabilities").to_pylist() == expected["probabilities"].tolist()
    assert batch.schema.field("classes").type == pa.int64()
    assert loaded.predict(table.slice(0, 0))["probabilities"].shape == (0, 2)
    with pytest.raises(RequestError, match="list of dictionaries"):
        loaded.predict(3)


def test_threads_may_share_a_model(model: Path, graphs: Any) -> None:
    loaded = load_model(model)
    rows = graphs.rows(64)
    expected = loaded.predict(rows)["logits"]
    with ThreadPoolExecutor(4) as pool:
        assert all(bits_equal(expected, found["logits"]) for found in pool.map(loaded.predict, [rows] * 40))


def test_where_a_model_may_be(model: Path, tmp_path: Path, make_model: Any) -> None:
    assert load_model(model / "model.onnx").path == model
    assert load_model(model.parent).path == model
    make_model(tmp_path / "models" / "census" / "12")
    with pytest.raises(ModelError, match=r"one of its versions, for example .*census/12"):
        load_model(tmp_path / "models" / "census")
    with pytest.raises(ModelError, match="no such folder"):
        load_model(tmp_path / "nope")


def test_files_that_cannot_be_used(model: Path) -> None:
    signature = Signature.load(model)
    Signature(signature.inputs[1:], signature.outputs).save(model)
    with pytest.raises(ModelError, match=r"lists the inputs of model\.onnx"):
        load_model(model)
    signature.save(model)
    (model / "model.onnx").write_bytes((model / "model.onnx").read_bytes()[:-100])
    with pytest.raises(ModelError, match="cut short"):
        load_model(model)


def test_labels_travel_with_the_model(model: Path, graphs: Any) -> None:
    loaded = load_model(model)
    assert loaded.labels is None
    import onnx

    labels = prune(graphs.transform_graph(), ["age__transformed"])
    save_model(model, onnx.load(model / "model.onnx"), loaded.signature, labels=labels)
    graph = load_model(model).labels
    assert graph is not None
    found = graph.run(pa.RecordBatch.from_pylist(graphs.rows(5)))
    assert list(found) == ["age"]
    assert found["age"].dtype == np.float32
