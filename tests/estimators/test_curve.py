from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from headrace.estimators._curve import area_under_curve


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans(), st.floats(0.125, 8)), min_size=2, max_size=60))
def test_the_area_is_that_of_scikit_learn(rows: list[tuple[int, bool, float]]) -> None:
    scores, labels, weights = (np.array(column, float) for column in zip(*rows, strict=True))
    found = area_under_curve(scores, labels.astype(int), weights)
    if labels.min() == labels.max():
        assert found is None
    else:
        assert found == pytest.approx(roc_auc_score(labels, scores, sample_weight=weights), abs=1e-12)
