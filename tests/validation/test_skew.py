"""Rows of the same key, side by side."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.data import dataset_from_table
from headrace.errors import DataError, UsageError
from headrace.validation import Confusion, SkewPair, SkewResult, detect_feature_skew, skew

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CensusSource

BASE = {
    "id": [1, 2, 3, 4, 5, 5, None],
    "x": [1.0, 2.0, None, float("nan"), 5.0, 6.0, 7.0],
    "s": ["a", "b", "c", None, "e", "f", "g"],
    "old": [1, 1, 1, 1, 1, 1, 1],
}
TEST = {
    "id": [4, 3, 2, 1, 5, 6],
    "x": [float("nan"), 3.0, 2.0004, 1.0, 5.0, 6.0],
    "s": [None, "c", "B", "a", "e", "f"],
}


def test_what_differs_is_counted_by_feature() -> None:
    result = detect_feature_skew(BASE, TEST, ["id"])
    assert (result.pairs, result.skewed) == (4, ("old", "x", "s"))
    x = result["x"]
    assert (x.base_count, x.test_count, x.match_count, x.mismatch_count) == (3, 4, 2, 1)
    assert (x.base_only_count, x.test_only_count, x.diff_count) == (0, 1, 2)
    assert set(x.examples) == {SkewPair(("2",), "2.0", "2.0004"), SkewPair(("3",), None, "3.0")}
    s = result["s"]
    assert (s.match_count, s.mismatch_count) == (2, 1)
    assert set(s.confusion) == {Confusion("a", "a", 1), Confusion("b", "B", 1), Confusion("c", "c", 1)}
    assert result["old"].base_only_count == 4
    assert detect_feature_skew(BASE, TEST, ["id"], float_round=3)["x"].mismatch_count == 0


def test_rows_that_are_not_compared_are_counted() -> None:
    result = detect_feature_skew(BASE, TEST, ["id"])
    assert (result.base.rows, result.base.missing, result.base.duplicates, result.base.alone) == (7, 1, 2, 0)
    assert result.base.duplicate_keys == (("5",),)
    assert (result.test.rows, result.test.skipped, result.test.alone) == (6, 1, 1)
    for side in (result.base, result.test):
        assert side.rows == result.pairs + side.missing + side.duplicates + side.alone + side.skipped


def test_lists_structs_and_other_types() -> None:
    base = dataset_from_table(pa.table({"k": ["a", "b", "c"], "v": [[1.0], [2.0, 3.0], None], "d": [{"q": 1}] * 3}))
    test = dataset_from_table(pa.table({"k": ["a", "b", "c"], "v": [[1.0], [2.0], None], "d": [{"q": 1}] * 3}))
    result = detect_feature_skew(base, test, ["k"])
    assert (result["v"].match_count, result["v"].mismatch_count) == (1, 1)
    assert result["d"].match_count == 3
    mixed = detect_feature_skew({"k": [1], "v": [1], "w": ["1"]}, {"k": [1], "v": [1.0], "w": [1]}, ["k"])
    assert mixed.skewed == ("w",)


def test_wrong_requests() -> None:
    with pytest.raises(UsageError, match="at least one column"):
        detect_feature_skew(BASE, TEST, "id")
    with pytest.raises(UsageError, match="got FLOAT"):
        detect_feature_skew(BASE, TEST, ["x"])
    with pytest.raises(UsageError, match="INT and STRING"):
        detect_feature_skew({"k": [1]}, {"k": ["1"]}, ["k"])
    with pytest.raises(DataError, match="Did you mean 'id'"):
        detect_feature_skew(BASE, TEST, ["ids"])
    with pytest.raises(DataError, match="got y"):
        detect_feature_skew(BASE, TEST, ["id"], features=["y"])
    with pytest.raises(UsageError, match="partitions"):
        detect_feature_skew(BASE, TEST, ["id"], partitions=0)
    with pytest.raises(UsageError, match="Did you mean 'old'"):
        detect_feature_skew(BASE, TEST, ["id"])["odd"]


def test_results_are_kept(tmp_path: Path) -> None:
    result = detect_feature_skew(BASE, TEST, ["id"])
    result.save(tmp_path / "skew.json")
    assert SkewResult.load(tmp_path / "skew.json") == result
    assert SkewResult.from_json(result.to_json()) == result
    assert result.to_dict()["features"][0]["feature"] == "old"
    shown = result._repr_html_()
    assert "3 of 3 features differ in 4 pairs of rows by id." in shown
    assert "&#x27;b&#x27; → &#x27;B&#x27;" in shown or "'b' → 'B'" in shown
    assert "No feature differs" in detect_feature_skew(BASE, BASE, ["id"])._repr_html_()


ROWS = st.lists(st.tuples(st.none() | st.integers(0, 8), st.none() | st.sampled_from("ab")), max_size=30)


@settings(deadline=None, max_examples=25)
@given(ROWS, ROWS, st.integers(1, 7), st.integers(1, 9))
def test_counts_are_those_of_a_join_in_duckdb(
    base: list[tuple[Any, Any]], test: list[tuple[Any, Any]], partitions: int, cut: int
) -> None:
    names, kinds = ("k", "v"), (pa.int64(), pa.string())
    tables = [
        pa.table([pa.array([row[at] for row in rows], kinds[at]) for at in (0, 1)], names) for rows in (base, test)
    ]
    sides = [dataset_from_table(table, cut) for table in tables]
    result = detect_feature_skew(sides[0], sides[1], ["k"], partitions=partitions)
    connection = duckdb.connect()
    for name, table in zip("ab", tables, strict=True):
        connection.register(name, table)
    once = "(SELECT k, any_value(v) v, count(*) n, max(v) w FROM {0} WHERE k IS NOT NULL GROUP BY k HAVING n = 1)"
    query = f"""SELECT count(*), count(*) FILTER (a.w = b.w), count(*) FILTER (a.w <> b.w),
        count(*) FILTER (a.w IS NOT NULL AND b.w IS NULL), count(*) FILTER (a.w IS NULL AND b.w IS NOT NULL)
        FROM {once.format("a")} a JOIN {once.format("b")} b USING (k)"""
    counts = connection.execute(query).fetchone()
    one = result["v"]
    found = (result.pairs, one.match_count, one.mismatch_count, one.base_only_count, one.test_only_count)
    assert found == counts
    for side, rows in ((result.base, base), (result.test, test)):
        assert side.rows == len(rows)
        assert side.rows == result.pairs + side.missing + side.duplicates + side.alone + side.skipped
        keys = Counter(row[0] for row in rows if row[0] is not None)
        assert side.duplicates == sum(count for count in keys.values() if count > 1)


def test_census_rows_that_were_changed_are_found(census_source: CensusSource, monkeypatch: pytest.MonkeyPatch) -> None:
    table = census_source("adult.data").dataset().to_table()
    table = table.append_column("id", pa.array([f"row {i}" for i in range(table.num_rows)]))
    rng = np.random.default_rng(2)
    chosen = rng.permutation(table.num_rows)[:700]
    mask = np.zeros(table.num_rows, bool)
    mask[chosen] = True
    at = table.schema.get_field_index("age")
    changed = table.set_column(at, "age", pc.if_else(pa.array(mask), pc.add(table["age"], 1), table["age"]))
    shuffled = changed.take(pa.array(rng.permutation(table.num_rows)))
    in_memory = detect_feature_skew(table, shuffled, ["id"], confusion=["sex"])
    assert (in_memory.pairs, in_memory.skewed) == (32_561, ("age",))
    assert in_memory["age"].mismatch_count == 700
    assert {(cell.base, cell.test) for cell in in_memory["sex"].confusion} == {("Male", "Male"), ("Female", "Female")}
    assert in_memory["race"].confusion == ()
    # The same from files, as where there are more rows than memory.
    monkeypatch.setattr(skew, "_BUFFER", 200_000)
    assert detect_feature_skew(table, shuffled, ["id"], confusion=["sex"]) == in_memory
