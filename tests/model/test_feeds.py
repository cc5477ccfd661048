"""Arrow batches to feeds."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from headrace.errors import RequestError
from headrace.model import Input, bits_equal, feeds_from_batch
from headrace.model.feeds import BatchReader


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


def test_a_reader_reads_batch_after_batch_as_the_function_does() -> None:
    dtypes = {"i": "int64", "f": "float64", "g": "float32", "s": "string", "b": "bool", "t": "timestamp", "l": "int64"}
    inputs = []
    for name, dtype in dtypes.items():
        shape: tuple[str | int, ...] = ("N", "M") if name == "l" else ("N",)
        inputs += [Input(name, name, "value", dtype, shape), Input(f"{name}__missing", name, "missing", "bool")]  # type: ignore[arg-type]
    inputs.append(Input("only__missing", "only", "missing", "bool"))
    rows: list[dict[str, Any]] = [
        {"i": 1, "f": -0.0, "g": 0.5, "s": "é", "b": True, "t": dt.datetime(2024, 2, 29), "l": [1, 2], "only": "x"},  # noqa: DTZ001
        dict.fromkeys("ifgsbtl"),
        {"i": -5, "f": float("nan"), "g": 1.0, "s": "", "b": False, "t": dt.datetime(1969, 1, 1), "l": []},  # noqa: DTZ001
    ]
    kinds = {"i": pa.int64(), "f": pa.float64(), "g": pa.float32(), "s": pa.string(), "b": pa.bool_()}
    schema = pa.schema(kinds | {"t": pa.timestamp("us"), "l": pa.list_(pa.int64()), "only": pa.string()})
    other = (
        schema.set(0, pa.field("i", pa.int32()))
        .set(3, pa.field("s", pa.large_string()))
        .append(pa.field("z", pa.null()))
    )
    for wanted in (inputs, [item for item in inputs if item.feature != "l"]):
        reader = BatchReader(wanted)
        for known in (schema, other, schema, pa.schema(list(schema)[1:])):
            batch = pa.RecordBatch.from_pylist(rows, known)
            for part in (batch, batch.slice(1, 1), batch.slice(2, 1), batch.slice(0, 0), batch.slice(0, 1)):
                expected, found = feeds_from_batch(part, wanted), reader.feeds(part)
                assert set(found) == set(expected)
                assert all(bits_equal(found[name], expected[name]) for name in expected)


def test_a_reader_raises_what_the_function_does() -> None:
    reader = BatchReader([Input("c", "c", "value", "int64")])
    assert reader.feeds(pa.record_batch([pa.array([1])], ["c"]))["c"].tolist() == [1]
    for column, name in (
        (pa.array([1, None]), "c"),
        (pa.array(["1"]), "c"),
        (pa.array([1]), "d"),
        (pa.array([1.5]), "c"),
    ):
        batch = pa.record_batch([column], [name])
        with pytest.raises(RequestError) as found:
            reader.feeds(batch)
        with pytest.raises(RequestError) as expected:
            feeds_from_batch(batch, [Input("c", "c", "value", "int64")])
        assert str(found.value) == str(expected.value)
