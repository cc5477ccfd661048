from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from headrace.errors import EvaluationError
from headrace.evaluation.labels import LabelReader, column_of, numbers, predictions


def test_missing_numbers_are_nan() -> None:
    np.testing.assert_array_equal(numbers(pa.array([1, None, 3]), "x"), [1, np.nan, 3])
    np.testing.assert_array_equal(numbers(pa.array([True, None]), "x"), [1, np.nan])
    np.testing.assert_array_equal(numbers(pa.nulls(2), "x"), [np.nan, np.nan])


def test_classes_become_their_position() -> None:
    reader = LabelReader("multiclass_classification", None, ("a", "b", "c"))
    for column in (pa.array(["c", None, "a"]), pa.array(["c", None, "a"]).dictionary_encode()):
        np.testing.assert_array_equal(reader.read(column), [2, np.nan, 0])
    with pytest.raises(EvaluationError, match="one of the classes"):
        reader.read(pa.array(["d"]))


def test_two_probabilities_are_one_prediction() -> None:
    pairs = pa.array([[0.25, 0.75], [1.0, 0.0]])
    for column in (pairs, pairs.cast(pa.list_(pa.float32(), 2)), pairs.slice(0, 2)):
        assert predictions(column, "binary_classification").tolist() == [0.75, 0.0]
    assert predictions(pairs.slice(1), "binary_classification").tolist() == [0.0]
    assert predictions(pairs.cast(pa.list_(pa.float64(), 2)).slice(1), "multiclass_classification").tolist() == [[1, 0]]


def test_predictions_of_the_wrong_shape() -> None:
    with pytest.raises(EvaluationError, match="as many probabilities"):
        predictions(pa.array([[0.1], [0.2, 0.3, 0.4]]), "multiclass_classification")
    with pytest.raises(EvaluationError, match="list of probabilities"):
        predictions(pa.array([0.1]), "multiclass_classification")
    with pytest.raises(EvaluationError, match="is one number"):
        predictions(pa.array([[0.1, 0.9]]), "regression")


def test_a_column_that_is_absent() -> None:
    with pytest.raises(EvaluationError, match="Did you mean 'label'"):
        column_of(pa.record_batch({"label": [1]}), "lable")


@pytest.mark.parametrize("row", [[0.8, 0.8, 0.1], [2.0, -1.0, 0.0], [0.0, 0.0, 0.0]])
def test_scores_are_no_probabilities(row: list[float]) -> None:
    with pytest.raises(EvaluationError, match="add up to 1") as error:
        predictions(pa.array([[0.2, 0.3, 0.5], row]), "multiclass_classification")
    assert str(row) in str(error.value)


def test_rounded_probabilities_are_probabilities() -> None:
    assert predictions(pa.array([[0.333, 0.333, 0.333]]), "multiclass_classification").shape == (1, 3)
