"""JSON rows: strict rules, and clear words about what does not fit."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors import RequestError
from headrace.model import Input, Output, RowDecoder, Signature, batch_from_columns, batch_from_rows, feeds_from_batch

SIGNATURE = Signature(
    inputs=(
        Input("n", "n", "value", "int64"),
        Input("x", "x", "value", "float64"),
        Input("x__missing", "x", "missing", "bool"),
        Input("f", "f", "value", "float32"),
        Input("f__missing", "f", "missing", "bool"),
        Input("s", "s", "value", "string"),
        Input("s__missing", "s", "missing", "bool"),
        Input("b", "b", "value", "bool"),
        Input("b__missing", "b", "missing", "bool"),
        Input("t", "t", "value", "timestamp"),
        Input("t__missing", "t", "missing", "bool"),
    ),
    outputs=(Output("predictions", "float32", ("N", 1)),),
    ignored=("id",),
)
ROW = {"n": 1, "x": 1.5, "f": 0.5, "s": "a", "b": True, "t": "2024-05-01T12:30:00"}

ROWS = st.lists(
    st.fixed_dictionaries(
        {"n": st.integers(-(2**63), 2**63 - 1)},
        optional={
            "x": st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53),
            "f": st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False),
            "s": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
            "b": st.none() | st.booleans(),
            "id": st.integers(),
        },
    ),
    min_size=1,
    max_size=20,
)


@settings(deadline=None)
@given(ROWS)
def test_rows_columns_and_arrow_give_the_same_feeds(rows: list[dict[str, Any]]) -> None:
    decoder = RowDecoder(SIGNATURE)
    feeds = decoder.feeds_from_rows(rows)
    columns = {name: [row.get(name) for row in rows] for name in ("n", "x", "f", "s", "b")}
    others = [
        decoder.feeds_from_columns(columns),
        feeds_from_batch(batch_from_rows(rows, SIGNATURE), SIGNATURE.inputs),
        feeds_from_batch(batch_from_columns(columns, SIGNATURE), SIGNATURE.inputs),
    ]
    for other in others:
        assert feeds.keys() == other.keys()
        for name, array in feeds.items():
            assert array.dtype == other[name].dtype
            assert array.tolist() == other[name].tolist()
    for i, row in enumerate(rows):
        for name, missing, value in (("x", "x__missing", 0.0), ("s", "s__missing", "")):
            assert feeds[missing][i] == (row.get(name) is None)
            assert feeds[name][i] == (value if row.get(name) is None else row[name])


@pytest.mark.parametrize(
    ("field", "given_value", "wanted"),
    [
        ("n", 25.0, 25),
        ("n", -(2**63), -(2**63)),
        ("x", 3, 3.0),
        ("f", 0.1, float(np.float32(0.1))),
        ("s", {"b64": "w6lsYW4="}, "élan"),
        ("s", "", ""),
        ("b", False, False),
        ("t", "1970-01-01T00:00:01", 1_000_000),
        ("t", "1970-01-01T01:00:01+01:00", 1_000_000),
        ("t", "1969-12-31", -86_400_000_000),
    ],
)
def test_values_that_fit(field: str, given_value: Any, wanted: Any) -> None:
    assert RowDecoder(SIGNATURE).feeds_from_rows([ROW | {field: given_value}])[field].tolist() == [wanted]


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("n", "25", '"25" (string) is not of expected type: int64'),
        ("n", 25.5, "25.5 (number) is not of expected type: int64"),
        ("n", True, "true (boolean) is not of expected type: int64"),
        ("n", 2**63, "outside the 64-bit range"),
        ("n", 1e300, "outside the 64-bit range"),
        ("n", math.nan, "not of expected type: int64"),
        ("n", None, "may not be null"),
        ("n", [1], "an array of 1 is not"),
        ("x", "1.5", "not of expected type: float"),
        ("x", True, "not of expected type: float"),
        ("x", math.nan, "write null for a missing value"),
        ("x", math.inf, "write null for a missing value"),
        ("x", 10**400, "too large for a float"),
        ("f", 1e39, "too large for a 32-bit float"),
        ("s", 3, "3 (number) is not of expected type: string"),
        ("s", {"b64": "###"}, "not base64"),
        ("s", {"b64": "/w=="}, "not base64 of UTF-8"),
        ("s", {"b64": "", "x": 1}, "an object of 2"),
        ("b", 1, "not of expected type: bool"),
        ("b", "true", "not of expected type: bool"),
        ("t", "yesterday", "not of expected type: timestamp"),
        ("t", 5, "not of expected type: timestamp"),
        ("idd", 5, "Did you mean 'id'?"),
    ],
)
def test_values_that_do_not_fit(field: str, value: Any, wanted: str) -> None:
    decoder = RowDecoder(SIGNATURE)
    with pytest.raises(RequestError) as by_row:
        decoder.feeds_from_rows([ROW, ROW | {field: value}])
    both = [ROW | {field: ROW.get(field)}, ROW | {field: value}]
    columns = {name: [row[name] for row in both] for name in both[1]}
    with pytest.raises(RequestError) as by_column:
        decoder.feeds_from_columns(columns)
    for error in (by_row, by_column):
        assert wanted in str(error.value)
        assert repr(field) in str(error.value) or field in str(error.value)
    assert "row 1" in str(by_row.value)
    assert "1 of 2 rows do not fit" in str(by_row.value)


def test_every_wrong_row_is_counted_and_three_are_shown() -> None:
    rows = [ROW if i % 2 else {"x": "a", "y": 1} for i in range(20)]
    with pytest.raises(RequestError) as error:
        batch_from_rows(rows, SIGNATURE)
    text = str(error.value)
    assert "10 of 20 rows do not fit" in text
    assert all(f"row {i}:" in text for i in (0, 2, 4))
    assert "row 6:" not in text
    assert "field 'y' is unknown" in text
    assert "field 'n' is missing" in text


def test_long_values_are_cut_short() -> None:
    with pytest.raises(RequestError) as error:
        batch_from_rows([ROW | {"n": "x" * 10_000}], SIGNATURE)
    assert len(str(error.value)) < 300


def test_batches_have_the_types_of_the_signature() -> None:
    batch = batch_from_rows([ROW, {"n": 2}], SIGNATURE)
    assert batch.schema.field("t").type == pa.timestamp("us")
    assert batch.column("x").null_count == 1
    assert batch.schema.names == ["n", "x", "f", "s", "b", "t"]


@pytest.mark.parametrize("others", [{}, {"s": {"b64": "YQ=="}}])
def test_half_of_a_surrogate_pair_is_no_text(others: dict[str, Any]) -> None:
    rows = [ROW | {"s": "é😀"}, ROW | {"s": json.loads('"\\ud83d"')}, ROW | others]
    with pytest.raises(RequestError, match=r"row 1: field 's'.*half of a surrogate pair") as error:
        batch_from_rows(rows, SIGNATURE)
    assert str(error.value).encode()
    assert batch_from_rows(rows[:1], SIGNATURE).column("s").to_pylist() == ["é😀"]
