from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.data import dataset_from_table
from headrace.engines import LocalEngine
from headrace.errors import DataError
from headrace.statistics import (
    CommonStatistics,
    FeatureStatistics,
    WeightedCommonStatistics,
    generate_statistics,
)
from headrace.statistics.column_settings import ColumnSettings
from headrace.statistics.nested import MAX_DEPTH, FeatureNode, leaf_values
from headrace.statistics.presence import Presence

NUMBERS = st.one_of(st.none(), st.integers(-3, 3))
LISTS = st.lists(st.one_of(st.none(), st.lists(NUMBERS, max_size=4)), max_size=20)
DEEP = st.lists(st.one_of(st.none(), st.lists(st.one_of(st.none(), st.lists(NUMBERS, max_size=3)), max_size=3)))


def described(
    column: pa.Array, cut: int = 1_000, weights: np.ndarray[Any, np.dtype[np.float64]] | None = None
) -> dict[str, FeatureStatistics]:
    """Return the features of a column that comes in slices."""
    parts = []
    for start in range(0, max(len(column), 1), cut):
        part = FeatureNode(("x",), column.type, ColumnSettings(weighted=weights is not None))
        part.update(column.slice(start, cut), None if weights is None else weights[start : start + cut])
        parts.append(part)
    for part in parts[1:]:
        parts[0].merge(part)
    return {feature.name: feature for feature in parts[0].features()}


def presence(common: CommonStatistics) -> tuple[int, int, int, int, float, int | None, int]:
    return (
        common.num_non_missing,
        common.num_missing,
        common.min_num_values,
        common.max_num_values,
        common.avg_num_values,
        common.tot_num_values,
        common.num_null_values,
    )


def expected(lengths: list[int], missing: int, nulls: int) -> tuple[int, int, int, int, float, int, int]:
    total = sum(lengths)
    average = total / len(lengths) if lengths else 0.0
    return len(lengths), missing, min(lengths, default=0), max(lengths, default=0), average, total, nulls


@given(LISTS, st.integers(1, 7), st.sampled_from([pa.list_, pa.large_list, pa.list_view]))
@settings(max_examples=60, deadline=None)
def test_lists_are_counted_as_python_counts_them(rows: list[Any], cut: int, kind: Any) -> None:
    feature = described(pa.array(rows, kind(pa.int64())), cut)["x"]
    there = [row for row in rows if row is not None]
    items = [item for row in there for item in row]
    known = [item for item in items if item is not None]
    assert presence(feature.common_stats) == expected(
        [len(row) for row in there], len(rows) - len(there), len(items) - len(known)
    )
    assert feature.common_stats.num_values == len(known)
    numbers = feature.num_stats
    assert numbers is not None
    assert numbers.mean == (pytest.approx(np.mean(known)) if known else None)
    (level,) = feature.common_stats.levels
    assert level.tot_num_values == len(items)
    histogram = feature.common_stats.num_values_histogram
    if there:
        assert histogram is not None
        edges = [bucket.low_value for bucket in histogram.buckets] + [histogram.buckets[-1].high_value]
        assert edges == pytest.approx(np.quantile([len(row) for row in there], np.linspace(0, 1, 11)).tolist())


@given(DEEP, st.integers(1, 7))
@settings(max_examples=60, deadline=None)
def test_lists_of_lists_have_a_level_each(rows: list[Any], cut: int) -> None:
    feature = described(pa.array(rows, pa.list_(pa.list_(pa.int64()))), cut)["x"]
    there = [row for row in rows if row is not None]
    inner = [one for row in there for one in row]
    inner_there = [one for one in inner if one is not None]
    leaves = [leaf for one in inner_there for leaf in one]
    per_row = [sum(len(one) for one in row if one is not None) for row in there]
    assert presence(feature.common_stats) == expected(
        per_row, len(rows) - len(there), sum(leaf is None for leaf in leaves)
    )
    first, second = feature.common_stats.levels
    assert (first.num_non_missing, first.num_missing) == (len(there), len(rows) - len(there))
    assert first.tot_num_values == len(inner)
    assert (second.num_non_missing, second.num_missing) == (len(inner_there), len(inner) - len(inner_there))
    assert second.tot_num_values == len(leaves)


def test_missing_and_empty_lists_are_different() -> None:
    common = described(pa.array([[], None, []], pa.list_(pa.string())))["x"].common_stats
    assert presence(common) == (2, 1, 0, 0, 0.0, 0, 0)


def test_fixed_size_lists_and_what_lies_under_a_null() -> None:
    values = pa.array([1.0, 2.0, 9.0, 9.0, 3.0, None])
    column = pa.FixedSizeListArray.from_arrays(values, 2, mask=pa.array([False, True, False]))
    for cut in (1, 3):
        feature = described(column, cut)["x"]
        assert presence(feature.common_stats) == (2, 1, 2, 2, 2.0, 4, 1)
        assert feature.num_stats is not None
        assert feature.num_stats.max == 3.0


def test_structs_count_their_fields_within_those_that_are_there() -> None:
    column = pa.array([{"a": 1, "b": {"c": "x"}}, None, {"a": None, "b": None}, {"a": 3, "b": {"c": None}}])
    for cut in (1, 2, 4):
        features = described(column, cut)
        assert list(features) == ["x", "x.a", "x.b", "x.b.c"]
        assert [features[name].type for name in features] == ["STRUCT", "INT", "STRUCT", "STRING"]
        assert presence(features["x"].common_stats)[:2] == (3, 1)
        assert presence(features["x.a"].common_stats)[:2] == (2, 1)
        assert presence(features["x.b"].common_stats)[:2] == (2, 1)
        assert presence(features["x.b.c"].common_stats)[:2] == (1, 1)
        assert features["x.b.c"].path == ("x", "b", "c")
        assert features["x.b.c"].steps == ("x", "b", "c")


def test_lists_of_structs_and_maps() -> None:
    rows = [[{"k": "a", "v": [1, 2]}, None], None, [], [{"k": "b", "v": None}]]
    column = pa.array(rows, pa.list_(pa.struct([("k", pa.string()), ("v", pa.list_(pa.int64()))])))
    for cut in (1, 4):
        features = described(column, cut)
        assert presence(features["x"].common_stats) == (3, 1, 0, 2, 1.0, 3, 1)
        assert presence(features["x.k"].common_stats)[:2] == (2, 0)
        assert presence(features["x.v"].common_stats) == (1, 1, 2, 2, 2.0, 2, 0)
    maps = pa.array([[("a", 1)], None, [], [("b", 2), ("c", None)]], pa.map_(pa.string(), pa.int64()))
    for cut in (1, 4):
        features = described(maps, cut)
        assert presence(features["x"].common_stats) == (3, 1, 0, 2, 1.0, 3, 0)
        assert presence(features["x.key"].common_stats)[:2] == (3, 0)
        assert presence(features["x.value"].common_stats)[:2] == (2, 1)


def test_weights_of_rows_go_with_their_items() -> None:
    column = pa.array([[1, 2], None, [], [3]])
    common = described(column, 2, np.array([1.0, 10.0, 100.0, 0.5]))["x"].common_stats
    assert common.weighted is not None
    assert common.weighted.num_non_missing == 101.5
    assert common.weighted.num_missing == 10.0
    assert common.weighted.tot_num_values == 2.5
    assert common.weighted.avg_num_values == pytest.approx(2.5 / 101.5)
    plain = described(pa.array(["a", None, "b"]), 2, np.array([1.0, 2.0, 4.0]))["x"].common_stats
    assert plain.weighted is not None
    assert (plain.weighted.num_non_missing, plain.weighted.num_missing) == (5.0, 2.0)
    assert plain.weighted.avg_num_values == 1.0


@given(DEEP, st.integers(1, 7), st.data())
@settings(max_examples=60, deadline=None)
def test_each_level_is_weighted_as_python_weighs_it(rows: list[Any], cut: int, data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.integers(0, 8), min_size=len(rows), max_size=len(rows)))
    flat = [None if row is None else [item for items in row if items is not None for item in items] for row in rows]
    for some, depth in ((rows, 2), (flat, 1)):
        kind = pa.list_(pa.list_(pa.int64())) if depth == 2 else pa.list_(pa.int64())
        column = pa.array(some, kind)
        common = described(column, cut, np.array(weights, float))["x"].common_stats
        lists = list(zip(some, weights, strict=True))
        assert len(common.levels) == depth
        for level in common.levels:
            there = [(items, weight) for items, weight in lists if items is not None]
            present, values = sum(weight for _, weight in there), sum(len(items) * weight for items, weight in there)
            missing = sum(weight for items, weight in lists if items is None)
            average = values / present if present else 0.0
            assert level.weighted == WeightedCommonStatistics(present, missing, average, values)
            lists = [(item, weight) for items, weight in there for item in items]
        assert [level.weighted for level in described(column, cut)["x"].common_stats.levels] == [None] * depth


def test_states_from_before_levels_had_weights_say_that_they_know_none() -> None:
    def seen(weights: float) -> Presence:
        made = Presence(2, weighted=True)
        made.level(0, np.array([2, 3]), 1)
        made.weigh_level(0, np.array([1.0, weights]), 0.5, np.array([2, 3]))
        return made

    state = seen(2.0).to_state()
    for level in state["levels"]:
        del level["weights"]
    old = Presence(2, weighted=True)
    old.restore(state)
    assert [level.weighted for level in old.result().levels] == [None, None]
    assert old.result().levels[0].tot_num_values == 5
    new = seen(4.0)
    again = Presence(2, weighted=True)
    again.restore(new.to_state())
    assert again.result() == new.result()
    assert new.result().levels[0].weighted == WeightedCommonStatistics(5.0, 0.5, 14.0 / 5.0, 14.0)
    new.merge(old)
    assert new.result().levels[0].weighted is None
    again.merge(new)
    assert again.result().levels[0].weighted is None


def test_a_null_in_a_dictionary_is_missing() -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0]), pa.array(["a", None]))
    assert presence(described(column)["x"].common_stats)[:2] == (2, 2)


def test_nesting_is_bounded() -> None:
    kind = pa.int64()
    for _ in range(MAX_DEPTH + 1):
        kind = pa.list_(kind)
    with pytest.raises(DataError, match=f"at most {MAX_DEPTH} deep"):
        FeatureNode(("x",), kind, ColumnSettings())
    kind = pa.int64()
    for _ in range(MAX_DEPTH + 1):
        kind = pa.struct([("a", kind)])
    with pytest.raises(DataError, match=f"at most {MAX_DEPTH} deep"):
        FeatureNode(("x",), kind, ColumnSettings())


def test_leaf_values_go_down_a_path() -> None:
    column = pa.array([[{"v": [1, 2]}, None], None, [{"v": None}, {"v": [3]}]])
    assert leaf_values(column, ("v",)).to_pylist() == [1, 2, 3]


def test_every_cut_of_nested_data_gives_the_same() -> None:
    rng = np.random.default_rng(7)
    rows = [
        None if at % 11 == 0 else [{"n": int(n), "s": f"w{n % 5}"} for n in rng.integers(0, 50, rng.integers(0, 6))]
        for at in range(3_000)
    ]
    table = pa.table({"x": pa.array(rows), "t": [[str(at % 7)] * (at % 4) for at in range(3_000)]})
    one = generate_statistics(dataset_from_table(table, 3_000), engine=LocalEngine(1))
    for rows_per_shard in (171, 1_000):
        many = generate_statistics(dataset_from_table(table, rows_per_shard), engine=LocalEngine(2))
        assert [feature.common_stats for feature in many["data"].features] == [
            feature.common_stats for feature in one["data"].features
        ]
        assert many["data"]["x.s"] == one["data"]["x.s"]
        assert many["data"]["t"] == one["data"]["t"]
