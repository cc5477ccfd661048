from __future__ import annotations

from typing import Any

import ndonnx as ndx
import pytest

from headrace.errors import TransformError
from headrace.transform.checks import column, data_and_mask, is_text, kind_of, positive, with_mask


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        (ndx.int64, "number"),
        (ndx.nfloat32, "number"),
        (ndx.utf8, "text"),
        (ndx.nutf8, "text"),
        (ndx.nbool, "truth"),
        (ndx.DateTime64DType("us"), "time"),
    ],
)
def test_kinds(dtype: Any, kind: str) -> None:
    x = ndx.argument(shape=("N",), dtype=dtype)
    assert kind_of(x) == kind
    assert is_text(x) == (kind == "text")
    assert column(x, "size") is x


def test_what_is_no_column() -> None:
    with pytest.raises(TransformError, match="takes a column; got str: 'age'"):
        column("age", "mean", "number")
    with pytest.raises(TransformError, match="takes numbers or texts; got a column of bool"):
        column(ndx.argument(shape=("N",), dtype=ndx.bool), "vocabulary", "number", "text")


@pytest.mark.parametrize("value", [0, -1, 1.5, "3", True])
def test_parameters(value: Any) -> None:
    with pytest.raises(TransformError, match=r"top_k of tft\.vocabulary is an integer of at least 1"):
        positive(value, "vocabulary", "top_k")
    positive(None, "vocabulary", "top_k")


def test_masks() -> None:
    x = ndx.argument(shape=("N",), dtype=ndx.nint64)
    data, mask = data_and_mask(x)
    assert data.dtype == ndx.int64
    assert with_mask(data, mask).dtype == ndx.nint64
    assert data_and_mask(data)[1] is None
    assert with_mask(data, None) is data
