from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace import transform as tft
from headrace.data import Cleaning, clean_array, dataset_from_table, with_cleaning
from headrace.errors import RequestError, TransformError
from headrace.transform.columns import raw_columns

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., dict[str, list[Any]]]

LETTERS = st.sampled_from([*" \t\n\v\f\r", "a", "?", "é", "🎈", " ", "\x1f", "\u200b", "N", "A", ".", "(", "\\"])
TEXTS = st.lists(st.none() | st.text(LETTERS, max_size=6), max_size=12)
RULES = [
    Cleaning(strip=False, null_values=("?", "NA", "")),
    Cleaning(strip=True, null_values=("?", "NA")),
    Cleaning(strip=True),
]


def cleaned_schema(rules: Cleaning) -> pa.Schema:
    return pa.schema([with_cleaning(pa.field("x", pa.string()), rules)])


def identity_graph(rules: Cleaning) -> tft.TransformGraph:
    """Return a graph that shows what the cleaning made of each text."""
    table = pa.table({"x": ["a", "?", None]}, cleaned_schema(rules))

    def function(inputs: Any) -> dict[str, Any]:
        x = inputs["x"]
        known = tft.fill_missing(x, "missing")
        return {"hash": tft.hash_strings(known, 2**31), "missing": tft.is_missing(x)}

    return tft.analyze(table, function)


@pytest.mark.parametrize("rules", RULES, ids=["null values", "both", "strip"])
def test_the_graph_cleans_as_the_source_does(rules: Cleaning) -> None:
    graph = identity_graph(rules)
    plain = tft.analyze(pa.table({"x": ["a", "b"]}), lambda inputs: {"hash": tft.hash_strings(inputs["x"], 2**31)})

    @settings(deadline=None, max_examples=60)
    @given(TEXTS)
    def check(texts: list[str | None]) -> None:
        raw = pa.array(texts, pa.string())
        found = graph.transform_batch(pa.record_batch({"x": raw})).to_pydict()
        expected = clean_array(raw, rules)
        assert found["missing"] == expected.is_null().cast(pa.int64()).to_pylist()
        filled = expected.fill_null("missing")
        assert found["hash"] == plain.transform_batch(pa.record_batch({"x": filled}))["hash"].to_pylist()

    check()


@pytest.mark.parametrize("rows", [[], ["a"], [" "], ["  ", "\t\n", ""], [" a b ", "c"]])
def test_strip_of_few_and_blank_rows(rows: list[str]) -> None:
    graph = identity_graph(Cleaning(strip=True))
    batch = pa.record_batch({"x": pa.array(rows, pa.string())})
    stripped = pa.record_batch({"x": pa.array([row.strip() for row in rows], pa.string())})
    assert graph.transform_batch(batch).to_pydict() == graph.transform_batch(stripped).to_pydict()


def test_a_null_value_is_an_ordinary_text_where_the_column_was_never_missing() -> None:
    table = pa.table({"x": ["a", "b"]}, cleaned_schema(Cleaning(null_values=("?",))))
    graph = tft.analyze(table, lambda inputs: {"id": tft.compute_and_apply_vocabulary(inputs["x"], num_oov_buckets=1)})
    assert not graph.inputs[0].may_be_missing
    assert graph.transform({"x": ["?", "a"]}).to_table()["id"].to_pylist() == [2, 1]


def test_a_null_value_in_the_data_makes_the_column_optional() -> None:
    table = pa.table({"x": ["a", " ? "]}, cleaned_schema(Cleaning(strip=True, null_values=("?",))))
    graph = tft.analyze(table, lambda inputs: {"m": tft.is_missing(inputs["x"])})
    assert graph.inputs[0].may_be_missing
    assert graph.transform(table).to_table()["m"].to_pylist() == [0, 1]


def test_optional_by_name() -> None:
    data = {"x": ["a", "b"], "y": [1.0, 2.0]}

    def function(inputs: Any) -> dict[str, Any]:
        return {"x": tft.compute_and_apply_vocabulary(inputs["x"]), "y": inputs["y"]}

    graph = tft.analyze(data, function, optional=["x"])
    assert [column.may_be_missing for column in graph.inputs] == [True, False]
    assert [value.name for value in graph.to_onnx().graph.input] == ["x", "x__missing", "y"]
    with pytest.raises(TransformError, match="Did you mean 'x'"):
        tft.analyze(data, function, optional=["xx"])
    with pytest.raises(RequestError, match=r"'y'.*row 1"):
        graph.transform_batch(pa.record_batch({"x": ["a", None], "y": pa.array([1.0, None])}))


def test_every_type_of_column(run: Run) -> None:
    day = dt.datetime(2013, 3, 1, 12)  # noqa: DTZ001 - Arrow's timestamps here have no zone
    found = run(
        lambda inputs: {
            "i": inputs["i"],
            "f": inputs["f"],
            "b": inputs["b"],
            "d": tft.hash_strings(inputs["d"], 9),
            "t": inputs["t"].astype(ndx.int64),
            "gone": tft.is_missing(inputs["u"]),
        },
        i=pa.array([1, 2], pa.int8()),
        f=pa.array([1.5, 2.5], pa.float32()),
        b=[True, False],
        d=pa.array(["a", "b"]).dictionary_encode(),
        t=pa.array([day, day], pa.timestamp("s")),
        u=pa.array([None, day], pa.timestamp("us")),
    )
    assert found["i"] == [1, 2]
    assert found["f"] == [1.5, 2.5]
    assert found["b"] == [1, 0]
    assert found["t"] == [1362139200000000] * 2
    assert found["gone"] == [1, 0]


def test_columns_of_other_types_are_left_out_and_named() -> None:
    table = pa.table({"x": [[[1, 2]]], "y": [1]})
    assert [column.name for column in raw_columns(table.schema, ())] == ["y"]
    with pytest.raises(TransformError, match="cannot enter a graph; got column 'x'"):
        tft.analyze(dataset_from_table(table), lambda inputs: {"x": inputs["x"]})


def test_a_mask_may_not_have_the_name_of_a_column() -> None:
    with pytest.raises(TransformError, match="x__missing"):
        tft.analyze({"x": [1, None], "x__missing": [1, 2]}, lambda inputs: {"x": inputs["x"]})


def test_inputs_are_copies_and_a_mapping() -> None:
    def function(inputs: Any) -> dict[str, Any]:
        assert list(inputs) == ["x", "y"]
        assert len(inputs) == 2
        assert "x" in inputs
        assert "z" not in inputs
        changed = inputs["x"]
        changed[changed > 1.0] = 0.0
        outputs: dict[str, Any] = inputs.copy()
        outputs["changed"] = changed
        return outputs

    data = {"x": [1.0, 2.0], "y": [3, 4]}
    found = tft.analyze(data, function).transform(data).to_table().to_pydict()
    assert found == {"x": [1.0, 2.0], "y": [3, 4], "changed": [1.0, 0.0]}


def test_nested_columns_that_are_not_used_are_in_nobodys_way() -> None:
    table = pa.table(
        {
            "list": [[1], None, [2, 3]],
            "x": [1.0, 2.0, 3.0],
            "struct": [{"a": 1}, None, {"a": None}],
            "bytes": [b"x", None, b"\xff"],
            "unused": [1, 2, 3],
        }
    )
    graph = tft.analyze(table, lambda inputs: {"x": tft.scale_to_z_score(inputs["x"])})
    assert graph.ignored == ("list", "struct", "bytes", "unused")
    assert graph.transform(table).to_table().num_rows == 3
    with pytest.raises(TransformError, match="cannot enter a graph; got column 'struct'"):
        tft.analyze(table, lambda inputs: {"x": inputs["struct"]})
