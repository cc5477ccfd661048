from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.data import Source, as_source, normalise
from headrace.data.normal_types import normalised_schema
from headrace.data.splits import hash_rows
from headrace.errors import DataError
from headrace.testing import SourceSuite

UTC = dt.UTC
CASES: list[tuple[pa.Array, pa.DataType, list[Any]]] = [
    (pa.array([[1, None], None, []], pa.large_list(pa.int8())), pa.list_(pa.int64()), [[1, None], None, []]),
    (pa.array([[1, None], None, [3]], pa.list_view(pa.uint8())), pa.list_(pa.int64()), [[1, None], None, [3]]),
    (pa.array([["a"], None, []], pa.large_list_view(pa.large_string())), pa.list_(pa.string()), [["a"], None, []]),
    (pa.array([[1, 2], None, [3, None]], pa.list_(pa.int16(), 2)), pa.list_(pa.int64(), 2), [[1, 2], None, [3, None]]),
    (
        pa.array([{"a": 1, "b": [{"c": "x"}]}, None, {"a": None, "b": None}]),
        pa.struct([("a", pa.int64()), ("b", pa.list_(pa.struct([("c", pa.string())])))]),
        [{"a": 1, "b": [{"c": "x"}]}, None, {"a": None, "b": None}],
    ),
    (
        pa.array([{"a": 1.5}, None], pa.struct([pa.field("a", pa.float32(), nullable=False)])),
        pa.struct([("a", pa.float64())]),
        [{"a": 1.5}, None],
    ),
    (
        pa.array([[("k", 1)], None, [("x", None), ("y", 2)]], pa.map_(pa.string(), pa.int32())),
        pa.list_(pa.struct([("key", pa.string()), ("value", pa.int64())])),
        [[{"key": "k", "value": 1}], None, [{"key": "x", "value": None}, {"key": "y", "value": 2}]],
    ),
    (pa.array([b"x", None], pa.large_binary()), pa.binary(), [b"x", None]),
    (pa.array([b"x", None], pa.binary_view()), pa.binary(), [b"x", None]),
    (pa.array([b"xy", None], pa.binary(2)), pa.binary(), [b"xy", None]),
    (pa.array([dt.time(1, 2, 3), None]), pa.int64(), [3_723_000_000, None]),
    (pa.array([dt.time(1), None], pa.time32("s")), pa.int64(), [3_600_000_000, None]),
    (pa.array([1_500, None], pa.time64("ns")), pa.int64(), [1, None]),
    (pa.array([dt.timedelta(seconds=-1), None], pa.duration("ms")), pa.int64(), [-1_000_000, None]),
    (pa.array([[decimal.Decimal("1.5")], None]), pa.list_(pa.float64()), [[1.5], None]),
    (
        pa.array([[dt.datetime(2020, 1, 1, tzinfo=UTC)], None], pa.list_(pa.timestamp("ns", "Europe/Berlin"))),
        pa.list_(pa.timestamp("us")),
        [[dt.datetime(2020, 1, 1)], None],  # noqa: DTZ001 - a snapshot's times have no zone
    ),
    (
        pa.array([["a", "a"], None], pa.list_(pa.dictionary(pa.int8(), pa.string()))),
        pa.list_(pa.string()),
        [["a", "a"], None],
    ),
    (pa.array([[None], None, []]), pa.list_(pa.string()), [[None], None, []]),
    (pa.RunEndEncodedArray.from_arrays([2, 3], ["a", None]), pa.string(), ["a", "a", None]),
    (pa.array([b"0" * 16, None], pa.uuid()), pa.binary(), [b"0" * 16, None]),
]


@pytest.mark.parametrize(
    ("array", "kind", "values"), CASES, ids=lambda one: str(one.type) if isinstance(one, pa.Array) else ""
)
def test_types_within_and_values(array: pa.Array, kind: pa.DataType, values: list[Any]) -> None:
    schema = normalised_schema(pa.schema([("x", array.type)]))
    assert schema.field("x").type == kind
    whole = normalise(pa.record_batch({"x": array}), schema)
    whole.validate(full=True)
    assert whole.column("x").to_pylist() == values
    for start in range(len(array)):
        part = normalise(pa.record_batch({"x": array.slice(start, 2)}), schema)
        part.validate(full=True)
        assert part.column("x").to_pylist() == values[start : start + 2]


def test_what_is_under_a_missing_value_does_not_come_through() -> None:
    mask = pa.array([False, True])
    hidden = pa.StructArray.from_arrays([pa.array([1, 2], pa.int8())], ["a"], mask=mask)
    pairs = pa.MapArray.from_arrays([0, 1, 2], pa.array(["k", "l"]), pa.array([1, 2], pa.int8()))
    pairs = pa.MapArray.from_buffers(pairs.type, 2, [mask_buffer(), pairs.buffers()[1]], children=[entries(pairs)])
    schema = normalised_schema(pa.schema([("s", hidden.type), ("m", pairs.type)]))
    batch = normalise(pa.record_batch({"s": hidden, "m": pairs}), schema)
    assert batch.column("s").to_pylist() == [{"a": 1}, None]
    assert batch.column("s").field("a").to_pylist() == [1, None]
    assert batch.column("m").to_pylist() == [[{"key": "k", "value": 1}], None]
    assert len(batch.column("m").values) == 1


def mask_buffer() -> pa.Buffer:
    return pa.py_buffer(bytes([0b01]))


def entries(pairs: pa.Array) -> pa.Array:
    return pa.StructArray.from_arrays([pairs.keys, pairs.items], fields=[pairs.type.key_field, pairs.type.item_field])


def test_an_unsigned_number_in_a_list_that_does_not_fit() -> None:
    with pytest.raises(DataError, match="A value of column 'big' does not fit list"):
        as_source(pa.table({"big": pa.array([[2**63]], pa.list_(pa.uint64()))})).dataset().to_table()


class TestEveryNestedType(SourceSuite):
    @pytest.fixture
    def source(self) -> Source:
        columns = {f"c{index}": pa.concat_arrays([case[0].slice(0, 2)] * 500) for index, case in enumerate(CASES)}
        return as_source(pa.table(columns))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.none()
        | st.fixed_dictionaries(
            {
                "a": st.none() | st.lists(st.none() | st.integers(0, 2), max_size=3),
                "b": st.none() | st.sampled_from([b"", b"x", b"\xff"]),
            }
        ),
        min_size=1,
        max_size=12,
    ),
    st.data(),
)
def test_hashes_of_nested_values_depend_on_the_values_alone(values: list[Any], data: st.DataObject) -> None:
    kind = pa.struct([("a", pa.list_(pa.int64())), ("b", pa.binary())])
    batch = pa.record_batch({"x": pa.array(values, kind)})
    whole = hash_rows(batch, ["x"])
    cut = data.draw(st.integers(0, len(values)))
    parts = [hash_rows(part, ["x"]) for part in (batch.slice(0, cut), batch.slice(cut))]
    assert np.array_equal(np.concatenate(parts), whole)
    for one in range(len(values)):
        for other in range(one):
            assert (whole[one] == whole[other]) == (values[one] == values[other])


def test_fixed_lists_hash_like_their_values() -> None:
    array = pa.array([[1, 2], None, [2, 1], [1, 2], [1, None]], pa.list_(pa.int64(), 2))
    hashes = hash_rows(pa.record_batch({"x": array}), ["x"]).tolist()
    assert hashes[0] == hashes[3]
    assert len(set(hashes)) == 4
    assert hash_rows(pa.record_batch({"x": array.slice(2)}), ["x"]).tolist() == hashes[2:]
