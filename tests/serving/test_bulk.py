"""Predictions beside rows."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from headrace.errors import ModelError
from headrace.model import load_model
from headrace.serving import with_predictions

if TYPE_CHECKING:
    from pathlib import Path


def test_columns_come_first_and_it_travels(model: Path, graphs: Any) -> None:
    batch = pa.RecordBatch.from_pylist([{"id": i} | row for i, row in enumerate(graphs.rows(20))])
    predict = with_predictions(load_model(model), ["id"])
    made = predict(batch)
    assert made.schema.names == ["id", "probabilities", "logits", "classes", "logistic"]
    assert made.schema.field("probabilities").type == pa.list_(pa.float32(), 2)
    assert pickle.loads(pickle.dumps(predict))(batch).equals(made)
    with pytest.raises(ModelError, match="classes"):
        with_predictions(load_model(model), ["classes"])
