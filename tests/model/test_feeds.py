"""Arrow batches to feeds."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from headrace.errors import RequestError
from headrace.model import Input, feeds_from_batch


def _feed(column: pa.Array, dtype: Any, *, mask: bool = True) -> Any:
    inputs = [Input("c", "c", "value", dtype)] + ([Input("c__missing", "c", "missing", "bool")] if mask else [])
    return feeds_from_batch(pa.record_batch([column], ["c"]), inputs)


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_strings_of_every_kind(kind: pa.DataType) -> None:
    feeds = _feed(pa.array(["a", None, "b", "", "a"]).cast(kind), "string")
    assert feeds["c"].dtype == object
    assert feeds["c"].tolist() == ["a", "", "b", "", "a"]
    assert feeds["c__missing"].tolist() == [False, True, False, False, False]


def test_slices_and_empty_batches() -> None:
    whole = pa.array(["a", None, "b"]).dictionary_encode()
    assert _feed(whole[1:], "string")["c"].tolist() == ["", "b"]
    assert _feed(pa.array([1, None, 3])[1:], "int64")["c"].tolist() == [0, 3]
    assert _feed(pa.array([], pa.string()).dictionary_encode(), "string")["c"].tolist() == []
    assert _feed(pa.nulls(2), "float32")["c"].tolist() == [0.0, 0.0]
    assert _feed(pa.nulls(2), "bool")["c"].tolist() == [False, False]


def test_numbers_and_times() -> None:
    assert np.isnan(_feed(pa.array([float("nan")]), "float64")["c"]).all()
    assert _feed(pa.array([1, 2], pa.int16()), "float32")["c"].dtype == np.float32
    assert _feed(pa.array([1.0, 2.0]), "int64")["c"].tolist() == [1, 2]
    moment = dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC)
    for unit in ("s", "ms", "us", "ns"):
        assert _feed(pa.array([moment], pa.timestamp(unit, "UTC")), "timestamp")["c"].tolist() == [1_000_000]
    assert _feed(pa.array([dt.date(1970, 1, 2)]), "timestamp")["c"].tolist() == [86_400_000_000]


@pytest.mark.parametrize(
    ("column", "dtype"),
    [
        (pa.array(["1"]), "int64"),
        (pa.array(["1"]), "float64"),
        (pa.array([1.5]), "int64"),
        (pa.array([1]), "string"),
        (pa.array([1]), "bool"),
        (pa.array([True]), "int64"),
        (pa.array([dt.date(1970, 1, 2)]), "float64"),
        (pa.array([[1]]), "int64"),
        (pa.array([2**63], pa.uint64()), "int64"),
    ],
)
def test_wrong_types(column: pa.Array, dtype: str) -> None:
    with pytest.raises(RequestError, match=f"Column 'c' must be of type {dtype}"):
        _feed(column, dtype)


def test_nulls_and_absent_columns_without_a_mask() -> None:
    with pytest.raises(RequestError, match=r"may not be missing.*1 nulls \(first in row 1\)"):
        _feed(pa.array([1, None]), "int64", mask=False)
    inputs = [Input("age", "age", "value", "int64")]
    with pytest.raises(RequestError, match=r"no column 'age'.*Did you mean 'agee'"):
        feeds_from_batch(pa.record_batch([pa.array([1])], ["agee"]), inputs)
    inputs.append(Input("age__missing", "age", "missing", "bool"))
    assert feeds_from_batch(pa.record_batch([pa.array([1])], ["agee"]), inputs)["age__missing"].tolist() == [True]
