from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.estimators._outputs import classifier_arrays, probabilities_from_logits


@settings(deadline=None)
@given(st.lists(st.floats(-200, 200, width=32), min_size=1, max_size=20), st.integers(1, 4))
def test_probabilities_sum_to_one(values: list[float], width: int) -> None:
    logits = np.resize(np.array(values, np.float32), (len(values), width if width != 2 else 3))
    found = probabilities_from_logits(logits)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_the_class_is_the_likeliest_and_the_first_of_equals() -> None:
    found = classifier_arrays(np.array([[0.0], [1e-3], [-5.0]], np.float32))
    assert found["classes"].tolist() == [0, 1, 0]
    assert found["logistic"].shape == (3, 1)
    assert "logistic" not in classifier_arrays(np.zeros((2, 3), np.float32))
