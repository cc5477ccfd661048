"""Lists of Arrow and of JSON to matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors import RequestError
from headrace.model import Input, Output, RowDecoder, Signature, feeds_from_batch, list_pieces

LISTS = [["b", None, "a"], None, [], ["a"], [None], ["c", "a", "b", "b"]]


def inputs(dtype: Any, size: Any = "M", *, absent: bool = True, missing: bool = True) -> tuple[Input, ...]:
    found = [Input("c", "c", "value", dtype, ("N", size))]
    if absent:
        found.append(Input("c__absent", "c", "absent", "bool", ("N", size)))
    if missing:
        found.append(Input("c__missing", "c", "missing", "bool"))
    return tuple(found)


def feed(column: pa.Array, *args: Any, **others: Any) -> Any:
    return feeds_from_batch(pa.record_batch([column], ["c"]), inputs(*args, **others))


def padded(lists: list[Any], fill: Any) -> tuple[list[Any], list[Any]]:
    width = max([1, *(len(one) for one in lists if one is not None)])
    rows = [[*(one or ()), *[None] * (width - len(one or ()))] for one in lists]
    return [[fill if item is None else item for item in row] for row in rows], [
        [item is None for item in row] for row in rows
    ]


LAYOUTS = {
    "list": pa.list_(pa.string()),
    "large": pa.large_list(pa.large_string()),
    "view": pa.list_view(pa.string()),
    "large view": pa.large_list_view(pa.string()),
    "words": pa.list_(pa.string_view()),
}


def laid_out(lists: list[Any], layout: str) -> pa.Array:
    if layout == "dictionary":
        items = pa.array([item for one in lists for item in one or ()], pa.string()).dictionary_encode()
        ends = np.cumsum([0, *(len(one or ()) for one in lists)]).astype(np.int32)
        mask = pa.array([one is None for one in lists], pa.bool_())
        return pa.ListArray.from_arrays(pa.array(ends), items, mask=mask)
    if layout == "null in dictionary":
        items = [item for one in lists for item in one or ()]
        words = [None, *sorted({item for item in items if item is not None})]
        codes = pa.array([words.index(item) for item in items], pa.int32())
        ends = np.cumsum([0, *(len(one or ()) for one in lists)]).astype(np.int32)
        mask = pa.array([one is None for one in lists], pa.bool_())
        coded = pa.DictionaryArray.from_arrays(codes, pa.array(words, pa.string()))
        return pa.ListArray.from_arrays(pa.array(ends), coded, mask=mask)
    return pa.array(lists, LAYOUTS[layout])


@pytest.mark.parametrize("layout", [*LAYOUTS, "dictionary", "null in dictionary"])
def test_texts_in_every_layout(layout: str) -> None:
    array = laid_out(LISTS, layout)
    for start, length in ((0, 6), (1, 4), (2, 1), (5, 1), (6, 0)):
        wanted = LISTS[start : start + length]
        found = feed(array.slice(start, length), "string")
        values, absent = padded(wanted, "")
        assert found["c"].dtype == object
        assert found["c"].tolist() == values
        assert found["c__absent"].tolist() == absent
        assert found["c__missing"].tolist() == [one is None for one in wanted]
        assert found["c"].shape == found["c__absent"].shape == (length, max(1, *map(len, values), 1))


ITEMS = st.none() | st.integers(-(2**60), 2**60)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.none() | st.lists(ITEMS, max_size=5), max_size=8), st.integers(0, 3))
def test_numbers_are_what_the_lists_say(lists: list[list[int | None] | None], start: int) -> None:
    start = min(start, len(lists))
    values, absent = padded(lists[start:], 0)
    for kind in (pa.list_(pa.int64()), pa.large_list(pa.int64())):
        found = feed(pa.array(lists, kind)[start:], "int64")
        assert found["c"].tolist() == values
        assert found["c__absent"].tolist() == absent


def test_lists_of_one_length() -> None:
    kind = pa.list_(pa.float32(), 2)
    array = pa.array([[1.0, None], None, [3.0, 4.0]], kind)
    found = feed(array, "float64", 2)
    assert found["c"].tolist() == [[1.0, 0.0], [0.0, 0.0], [3.0, 4.0]]
    assert found["c__absent"].tolist() == [[False, True], [True, True], [False, False]]
    assert feed(array[2:], "float64", 2, absent=False, missing=False)["c"].tolist() == [[3.0, 4.0]]
    # Other layouts will do, where the lists have that length.
    assert feed(pa.array([[1, 2], [3, 4]]), "float64", 2, absent=False, missing=False)["c"].shape == (2, 2)
    with pytest.raises(RequestError, match=r"has 2 items; got 3 items \(row 1\)"):
        feed(pa.array([[1, 2], [1, 2, 3]]), "float64", 2)
    with pytest.raises(RequestError, match="Items of column 'c' may not be missing"):
        feed(array[:1], "float64", 2, absent=False, missing=False)
    with pytest.raises(RequestError, match="Column 'c' may not be missing"):
        feed(array[1:], "float64", 2, absent=False, missing=False)


def test_columns_that_are_absent_or_of_nulls() -> None:
    rows = pa.record_batch({"other": [1, 2]})
    for dtype, fill in (("string", ""), ("int64", 0), ("float64", 0.0), ("bool", False)):
        for found in (feeds_from_batch(rows, inputs(dtype)), feed(pa.nulls(2), dtype)):
            assert found["c"].tolist() == [[fill], [fill]]
            assert found["c__absent"].all()
            assert found["c__missing"].all()
        assert feed(pa.array([[], [None]], pa.list_(pa.null())), dtype)["c__absent"].all()
    with pytest.raises(RequestError, match="every column that the model reads; got no column 'c'"):
        feeds_from_batch(rows, inputs("int64", missing=False))


@pytest.mark.parametrize(
    ("column", "dtype", "got"),
    [
        (pa.array(["a"]), "string", "string"),
        (pa.array([["a"]]), "int64", "list<item: string>"),
        (pa.array([[1]]), "string", "list<item: int64>"),
        (pa.array([[1.5]]), "int64", "list<item: double>"),
        (pa.array([[[1]]]), "int64", "list<item: list<item: int64>>"),
        (pa.array([[1]]), "bool", "list<item: int64>"),
    ],
)
def test_wrong_types(column: pa.Array, dtype: str, got: str) -> None:
    with pytest.raises(RequestError) as caught:
        feed(column, dtype)
    assert f"must be of type list of {dtype}; got {got}" in str(caught.value)
    with pytest.raises(RequestError, match="must be of type int64"):
        feeds_from_batch(pa.record_batch([pa.array([[1]])], ["c"]), [Input("c", "c", "value", "int64")])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 30), max_size=40), st.integers(1, 60))
def test_pieces_are_all_rows_and_small(lengths: list[int], cells: int) -> None:
    lists = [None if length == 30 else list(range(length)) for length in lengths]
    batch = pa.record_batch({"c": pa.array(lists, pa.list_(pa.int64())), "n": pa.array(range(len(lists)), pa.int64())})
    pieces = list(list_pieces(batch, inputs("int64"), cells))
    assert pa.Table.from_batches(pieces).to_pylist() == batch.to_pylist()
    sizes = [one.num_rows * max([1, *(len(row) for row in one["c"].to_pylist() if row is not None)]) for one in pieces]
    assert all(size <= cells or piece.num_rows == 1 for size, piece in zip(sizes, pieces, strict=True))
    assert len(pieces) == 1 or all(piece.num_rows for piece in pieces)


SIGNATURE = Signature(
    inputs=(
        *(Input(one.name.replace("c", "tags"), "tags", one.role, one.dtype, one.shape) for one in inputs("string")),
        Input("marks", "marks", "value", "float64", ("N", "M")),
        Input("marks__absent", "marks", "absent", "bool", ("N", "M")),
        Input("point", "point", "value", "int64", ("N", 2)),
        Input("flags__absent", "flags", "absent", "bool", ("N", "M")),
        Input("n", "n", "value", "int64"),
    ),
    outputs=(Output("predictions", "float32", ("N", 1)),),
)
NUMBER = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "marks": st.lists(NUMBER, max_size=4),
            "point": st.tuples(st.integers(-9, 9), st.integers(-9, 9)).map(list),
            "flags": st.lists(st.none() | st.booleans(), max_size=3),
            "n": st.integers(0, 9),
        },
        optional={"tags": st.none() | st.lists(st.none() | st.sampled_from(["a", "b", "é🎈"]), max_size=4)},
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_rows_columns_and_arrow_give_the_same_feeds(rows: list[dict[str, Any]]) -> None:
    decoder = RowDecoder(SIGNATURE)
    assert decoder.lists == {"tags", "marks", "point", "flags"}
    feeds = decoder.feeds_from_rows(rows)
    columns = {name: [row.get(name) for row in rows] for name in ("tags", "marks", "point", "flags", "n")}
    batches = [decoder.batch(rows), decoder.batch_from_columns(columns)]
    others = [
        decoder.feeds_from_columns(columns),
        *(feeds_from_batch(batch, SIGNATURE.inputs) for batch in batches),
    ]
    for other in others:
        assert other.keys() == feeds.keys()
        for name, array in feeds.items():
            assert other[name].dtype == array.dtype
            np.testing.assert_array_equal(other[name], array)
    assert batches[0]["tags"].to_pylist() == columns["tags"]
    assert batches[0]["marks"].to_pylist() == columns["marks"]
    assert batches[1]["point"].type == pa.list_(pa.int64(), 2)


GOOD = {"tags": ["a"], "marks": [1.5], "point": [1, 2], "flags": [], "n": 1}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("tags", "a", '"a" (string) is not of expected type: list, each item string'),
        ("tags", ["a", 3], "list, each item string: item 1 is 3 (number)"),
        ("tags", {"b64": "YQ=="}, "an object of 1 is not of expected type: list, each item string"),
        ("marks", None, "field 'marks' may not be null"),
        ("marks", [1, "x"], 'item 1 is "x" (string)'),
        ("marks", [[1.0]], "item 0 is an array of 1"),
        ("marks", [float("nan")], "NaN and Infinity are no numbers to predict from"),
        ("point", [1], "list of 2 items, each int64 (a whole number): it has 1 items"),
        ("point", [1, 2.5], "item 1 is 2.5 (number)"),
        ("point", [1, None], "item 1 is null, and no item was missing in training"),
        ("flags", 1, "1 (number) is not of expected type: list, each item any value"),
        ("n", [1], "an array of 1 is not of expected type: int64"),
    ],
)
def test_values_that_do_not_fit(field: str, value: Any, words: str) -> None:
    decoder = RowDecoder(SIGNATURE)
    row = {**GOOD, field: value}
    with pytest.raises(RequestError) as caught:
        decoder.feeds_from_rows([GOOD, row])
    assert words in str(caught.value)
    assert "row 1" in str(caught.value)
    with pytest.raises(RequestError):
        decoder.feeds_from_columns({name: [GOOD[name], row[name]] for name in row})


def test_all_lists_are_of_one_width() -> None:
    rows = [{**GOOD, "tags": ["a", "b"], "marks": [1.0]}, {**GOOD, "marks": [1, 2, 3]}]
    feeds = RowDecoder(SIGNATURE).feeds_from_rows(rows)
    assert {name: array.shape for name, array in feeds.items() if array.ndim == 2} == {
        "tags": (2, 3),
        "tags__absent": (2, 3),
        "marks": (2, 3),
        "marks__absent": (2, 3),
        "point": (2, 2),
        "flags__absent": (2, 3),
    }
    assert feeds["tags"].tolist() == [["a", "b", ""], ["a", "", ""]]
    assert feeds["flags__absent"].all()


def test_a_long_list_beside_many_rows_is_refused() -> None:
    decoder = RowDecoder(SIGNATURE)
    rows = [{**GOOD, "tags": []}] * 20_000
    long = {**GOOD, "marks": [1.0] * 1_000}
    for sent in ([*rows, long], [*rows, {**GOOD, "tags": ["a"] * 1_000}]):
        with pytest.raises(RequestError, match="at most 16,777,216 values"):
            decoder.feeds_from_rows(sent)
        with pytest.raises(RequestError, match="at most 16,777,216 values"):
            decoder.feeds_from_columns({name: [row[name] for row in sent] for name in GOOD})
    assert decoder.feeds_from_rows([{**GOOD, "marks": [1.0] * (1 << 20)}])["marks"].shape == (1, 1 << 20)


def test_texts_in_base64() -> None:
    feeds = RowDecoder(SIGNATURE).feeds_from_rows([{**GOOD, "tags": [{"b64": "w6k="}, "x"]}])
    assert feeds["tags"].tolist() == [["é", "x"]]
