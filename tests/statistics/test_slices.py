from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.data import dataset_from_table
from headrace.engines import LocalEngine
from headrace.errors import DataError, MissingExtraError, UsageError
from headrace.statistics import Statistics, StatsOptions, generate_statistics
from headrace.statistics.slices import slicers_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import CensusSource

PEOPLE = pa.record_batch(
    {
        "sex": ["m", "f", None, "m", "f"],
        "age": [10, 35, None, 70, 30],
        "tall": [True, None, False, True, True],
    }
)


def split(
    *slices: Any, sqls: Any = (), functions: tuple[Callable[[pa.RecordBatch], Any], ...] = ()
) -> dict[str, list[Any]]:
    return {
        key: rows.column("age").to_pylist()
        for slicer in slicers_for(slices, sqls, functions)
        for key, rows in slicer.split(PEOPLE)
    }


def test_one_slice_a_value() -> None:
    assert split("sex") == {"sex=m": [10, 70], "sex=f": [35, 30], "sex=missing": [None]}
    assert split("tall") == {"tall=true": [10, 70, 30], "tall=false": [None], "tall=missing": [35]}


def test_one_slice_a_combination() -> None:
    found = split(["sex", "tall"])
    assert found["sex=m,tall=true"] == [10, 70]
    assert found["sex=f,tall=missing"] == [35]
    assert len(found) == 4


def test_ranges_include_their_low_end() -> None:
    assert split({"age": [(0, 30), (30, 70)]}) == {"age=[0, 30)": [10], "age=[30, 70)": [35, 30]}
    assert split({"age": [(None, 30), (30, None)]}) == {"age=[-∞, 30)": [10], "age=[30, ∞)": [35, 70, 30]}


def test_wanted_values_alone() -> None:
    assert split({"sex": ["f"]}) == {"sex=f": [35, 30]}
    assert split({"age": [35, 70]}) == {"age=35": [35], "age=70": [70]}
    assert split({"sex": None, "age": [(0, 40)]}) == {"sex=m,age=[0, 40)": [10], "sex=f,age=[0, 40)": [35, 30]}
    assert split({"sex": ["x"]}) == {}


def test_dictionaries_with_repeated_and_null_words() -> None:
    words = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None, 3]), pa.array(["a", "b", "a", None]))
    batch = pa.record_batch({"w": words, "age": [1, 2, 3, 4, 5]})
    (slicer,) = slicers_for(["w"], (), ())
    found = {key: rows.column("age").to_pylist() for key, rows in slicer.split(batch)}
    assert found == {"w=a": [1, 3], "w=b": [2], "w=missing": [4, 5]}


def test_predicates_of_sql() -> None:
    pytest.importorskip("duckdb")
    assert split(sqls=["age < 40 and sex = 'f'"]) == {"age < 40 and sex = 'f'": [35, 30]}
    assert split(sqls={"old": "age >= 70", "none": "age > 100"}) == {"old": [70]}
    with pytest.raises(UsageError, match="predicate over the columns"):
        split(sqls=["agee < 40"])


def test_sql_without_duckdb_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'headrace\[sql\]'"):
        split(sqls=["age < 40"])


def test_functions_return_masks_keys_or_batches() -> None:
    def young(batch: pa.RecordBatch) -> pa.Array:
        return pc.less(batch.column("age"), 30)

    assert split(functions=(young,)) == {"young": [10]}
    assert split(functions=(lambda batch: np.array([True, False, False, False, True]),)) == {"<lambda>": [10, 30]}
    assert split(functions=(lambda batch: ["a", None, "b", "a", "b"],)) == {"a": [10, 70], "b": [None, 30]}
    assert split(functions=(lambda batch: [("first", batch.slice(0, 1))],)) == {"first": [10]}
    for wrong, said in ((lambda batch: 3, "a int"), (lambda batch: [True], "1 of them for 5 rows")):
        with pytest.raises(UsageError, match=said):
            split(functions=(wrong,))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (3, "a column, a list of columns"),
        ([], "a column, a list of columns"),
        ({"age": [(30, 0)]}, "the lower first"),
        ({"age": [(0, 30), (20, 40)]}, "do not overlap"),
        ({"age": [(0, 30), 5]}, "all values or all ranges"),
        ({"age": "m"}, "are a list"),
    ],
)
def test_wrong_slices_say_what_is_meant(spec: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        split(spec)


def test_ranges_of_texts_are_refused() -> None:
    with pytest.raises(UsageError, match="Ranges are of numbers"):
        split({"sex": [(0, 1)]})


def test_more_slices_than_allowed_are_an_error() -> None:
    table = pa.table({"k": [str(at) for at in range(30)]})
    with pytest.raises(DataError, match="at most 10 slices"):
        generate_statistics(table, options=StatsOptions(slices=["k"], max_slices=10))
    with pytest.raises(DataError, match="Did you mean 'k'"):
        generate_statistics(table, slices=["kk"])


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 9)), min_size=1, max_size=60),
    st.integers(1, 20),
)
@settings(max_examples=25, deadline=None)
def test_slices_are_the_statistics_of_their_rows(rows: list[tuple[str | None, int]], cut: int) -> None:
    table = pa.table({"k": pa.array([k for k, _ in rows], pa.string()), "n": [n for _, n in rows]})
    spec: list[Any] = ["k", {"n": [(0, 5), (5, 10)]}]
    found = generate_statistics(dataset_from_table(table, cut), slices=spec, engine=LocalEngine(2))
    assert sum(found[name].num_examples for name in found.names if name.startswith("data/k=")) == len(rows)
    for dataset in found.datasets[1:]:
        assert dataset.slice_key is not None
        column, _, value = dataset.slice_key.partition("=")
        if column == "k":
            mask = table["k"].is_null() if value == "missing" else pc.fill_null(pc.equal(table["k"], value), False)
        else:
            low = int(value[1])
            mask = pc.and_(pc.greater_equal(table["n"], low), pc.less(table["n"], low + 5))
        alone = generate_statistics(table.filter(mask), name=dataset.name)[dataset.name]
        assert dataset.num_examples == alone.num_examples
        assert dataset["k"].string_stats == alone["k"].string_stats
        assert dataset["n"].common_stats == alone["n"].common_stats
        assert dataset["n"].num_stats is not None
        assert alone["n"].num_stats is not None
        assert dataset["n"].num_stats.quantiles == alone["n"].num_stats.quantiles


def test_census_by_sex_and_race(census_source: CensusSource) -> None:
    table = census_source("adult.data").dataset().to_table(["sex", "race", "hours_per_week"])
    statistics = generate_statistics(table, name="train", slices=["sex", ["sex", "race"]])
    assert statistics.names[0] == "train"
    assert statistics.names == tuple(sorted(statistics.names))
    women = statistics.get_slice("sex=Female", dataset="train")
    assert women.num_examples == 10_771
    assert women["hours_per_week"].num_stats is not None
    mean = pc.mean(table.filter(pc.equal(table["sex"], "Female"))["hours_per_week"]).as_py()
    assert women["hours_per_week"].num_stats.mean == pytest.approx(mean)
    assert statistics.slices("train").names == statistics.names[1:]
    with pytest.raises(DataError, match="Did you mean 'sex=Female'"):
        statistics.get_slice("sex=Femal")
    assert Statistics.from_json(statistics.to_json()) == statistics
