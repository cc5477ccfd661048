from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from headrace.components import bulk_inferrer
from headrace.errors import DataError, NotBlessedError

if TYPE_CHECKING:
    from headrace.components import Examples, Model, ModelEvaluation


def test_predictions_lie_beside_the_keys_of_their_rows(
    examples: Examples, model: Model, blessed: ModelEvaluation
) -> None:
    result = bulk_inferrer(examples, model, evaluation=blessed, keys=["fnlwgt", "sex"], splits=["test"])
    assert result.splits == ["test"]
    assert result.properties == {"rows": {"test": 1000}}
    found = result.dataset().to_table()
    assert found.column_names[:2] == ["fnlwgt", "sex"]
    raw = examples.split("test").to_table()
    assert found.column("fnlwgt").to_pylist() == raw.column("fnlwgt").to_pylist()
    for name, wanted in model.load().predict(raw).items():
        column = found.column(name).combine_chunks()
        values = column.flatten() if pa.types.is_fixed_size_list(column.type) else column
        got = values.to_numpy(zero_copy_only=False).reshape(wanted.shape)
        assert got.dtype == wanted.dtype
        assert np.array_equal(got.view(np.uint8), wanted.view(np.uint8)), name


def test_every_split_and_every_column_where_nothing_is_said(examples: Examples, model: Model) -> None:
    result = bulk_inferrer(examples, model)
    assert result.splits == ["eval", "test", "train"]
    assert result.dataset().count_rows() == 3000
    assert result.dataset("test").count_rows() == 1000
    assert result.dataset().columns[:15] == examples.split("test").columns
    with pytest.raises(DataError, match="Did you mean 'test'"):
        result.dataset("tset")


def test_a_split_without_rows(examples: Examples, model: Model) -> None:
    def empty(batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.slice(0, 0)

    nothing = examples.map(empty)
    assert nothing.split("test").columns == examples.split("test").columns
    result = bulk_inferrer(nothing, model, keys=["sex"])
    assert result.dataset().count_rows() == 0


def test_a_model_that_was_refused_does_not_predict(examples: Examples, model: Model, refused: ModelEvaluation) -> None:
    with pytest.raises(NotBlessedError, match=r"must be at least 0\.99"):
        bulk_inferrer(examples, model, evaluation=refused)


def test_keys_are_columns(examples: Examples, model: Model) -> None:
    with pytest.raises(DataError, match="Did you mean 'fnlwgt'"):
        bulk_inferrer(examples, model, keys=["fnlwght"])
