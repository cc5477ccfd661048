from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors import EvaluationError
from headrace.evaluation.slices import Slicer

VALUES = st.lists(st.tuples(st.sampled_from(["a", "b", "missing", None]), st.integers(0, 3)), min_size=1, max_size=40)


@settings(deadline=None, max_examples=80)
@given(first=VALUES, second=VALUES, encoded=st.booleans())
def test_codes_stand_for_the_values_of_the_row(
    first: list[tuple[str | None, int]], second: list[tuple[str | None, int]], encoded: bool
) -> None:
    slicer = Slicer(["x", "y"], 100)
    for rows in (first, second):
        text = pa.array([x for x, _ in rows], pa.string())
        batch = pa.record_batch({"x": text.dictionary_encode() if encoded else text, "y": [y for _, y in rows]})
        keys = [slicer.keys[code] for code in slicer.codes(batch, None)]
        assert keys == [(("x", x or "missing"), ("y", str(y))) for x, y in rows]
    assert len(set(slicer.keys)) == len(slicer.keys)


def test_only_the_rows_asked_for() -> None:
    slicer = Slicer(["x"], 10)
    batch = pa.record_batch({"x": ["a", "b", "c"]})
    assert slicer.codes(batch, np.array([True, False, True])).tolist() == [0, 1]
    assert slicer.keys == [(("x", "a"),), (("x", "c"),)]


def test_limit() -> None:
    with pytest.raises(EvaluationError, match="at most 2 slices"):
        Slicer(["x"], 2).codes(pa.record_batch({"x": [1, 2, 3]}), None)


@pytest.mark.parametrize("column", [[[1]], [{"a": 1}], [b"x"]])
def test_columns_that_make_no_slices_are_named(column: list[object]) -> None:
    with pytest.raises(EvaluationError, match=r"Slices are by columns of numbers.*got column 'odd' of type"):
        Slicer(["odd"], 2).codes(pa.record_batch({"odd": column}), None)
