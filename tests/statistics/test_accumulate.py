from __future__ import annotations

import pickle
import random
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.data import dataset_from_table
from headrace.engines import LocalEngine
from headrace.errors import DataError, UsageError
from headrace.schema import Feature, Schema
from headrace.statistics import Statistics, StatisticsAccumulator, StatsOptions, generate_statistics
from headrace.statistics.weights import weights_of

TABLE = pa.table({"w": [1.0, 0.0, 2.5, 4.0], "v": [1, 1, 1, 3], "x": [1.0, 2.0, None, 4.0], "s": ["a", None, "b", "a"]})


def test_weighted_and_unweighted_stand_side_by_side() -> None:
    dataset = generate_statistics(dataset_from_table(TABLE, 3), weight_feature="w")["data"]
    assert dataset.num_examples == 4
    assert dataset.weighted_num_examples == 7.5
    common = dataset["x"].common_stats
    assert (common.num_non_missing, common.num_missing) == (3, 1)
    assert common.weighted is not None
    assert (common.weighted.num_non_missing, common.weighted.num_missing) == (5.0, 2.5)
    assert generate_statistics(TABLE)["data"].weighted_num_examples is None
    assert generate_statistics(TABLE)["data"]["x"].common_stats.weighted is None


def test_the_weights_need_not_be_described() -> None:
    dataset = generate_statistics(TABLE, columns=["s"], weight_feature="w")["data"]
    assert dataset.names == ("s",)
    assert dataset.weighted_num_examples == 7.5


def test_a_column_may_have_weights_of_its_own() -> None:
    options = StatsOptions(weight_feature="w", per_feature_weight_override={"s": "v"})
    dataset = generate_statistics(TABLE, options=options)["data"]
    assert dataset["s"].common_stats.weighted is not None
    assert dataset["s"].common_stats.weighted.num_non_missing == 5.0
    assert dataset["x"].common_stats.weighted is not None
    assert dataset["x"].common_stats.weighted.num_non_missing == 5.0
    alone = generate_statistics(TABLE, options=StatsOptions(per_feature_weight_override={"s": "v"}))["data"]
    assert alone.weighted_num_examples is None
    assert alone["x"].common_stats.weighted is None
    assert alone["s"].common_stats.weighted is not None


@pytest.mark.parametrize(
    ("weights", "got"),
    [
        ([1.0, None, 2.0], "none"),
        ([1.0, -0.5, -2.0], "-0.5, and 1 more"),
        ([1.0, 1.0, float("nan")], "nan"),
        ([float("inf"), 1.0, 1.0], "inf"),
    ],
)
def test_wrong_weights_are_an_error(weights: list[float | None], got: str) -> None:
    table = pa.table({"id": [7, 8, 9], "w": weights})
    with pytest.raises(DataError, match="Every row has a weight") as caught:
        generate_statistics(table, weight_feature="w")
    assert got in str(caught.value)
    assert "column 'w', the row with id=" in str(caught.value)


def test_weights_are_numbers() -> None:
    with pytest.raises(DataError, match="weights of the rows are numbers"):
        generate_statistics(TABLE, weight_feature="s")
    with pytest.raises(DataError, match="Known names"):
        generate_statistics(TABLE, weight_feature="weight")
    batch = pa.record_batch({"w": pa.array([3, 1], pa.int32()), "d": pa.array([1, 2]).dictionary_encode()})
    assert weights_of(batch, "w").tolist() == [3.0, 1.0]
    assert weights_of(batch, "d").tolist() == [1.0, 2.0]


class Rows:
    """Counts rows, and the columns it was given."""

    def __init__(self) -> None:
        self.rows = 0
        self.names: set[str] = set()

    def update(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        self.names |= set(batch.schema.names)

    def merge(self, other: Self) -> None:
        self.rows += other.rows
        self.names |= other.names

    def result(self) -> dict[str, Any]:
        return {"rows": self.rows, "names": sorted(self.names)}


class Largest:
    """Finds the largest value."""

    def __init__(self) -> None:
        self.value: float | None = None

    def update(self, batch: pa.RecordBatch) -> None:
        for found in (pc.max(batch.column(0)).as_py(), self.value):
            if found is not None and (self.value is None or found > self.value):
                self.value = found

    def merge(self, other: Self) -> None:
        if other.value is not None:
            self.value = other.value if self.value is None else max(self.value, other.value)

    def result(self) -> np.float64 | None:
        return None if self.value is None else np.float64(self.value)


class Odd(Rows):
    """Comes to what JSON does not have."""

    def result(self) -> Any:
        return object()


def test_accumulators_of_the_users_plug_in() -> None:
    options = StatsOptions(generators=[Rows], feature_generators={"x": [Largest]}, slices=["s"])
    statistics = generate_statistics(dataset_from_table(TABLE, 1), options=options, engine=LocalEngine(2))
    found = {one.name: one.value for one in statistics["data"].custom_stats}
    assert found == {"rows": 4, "names": ["s", "v", "w", "x"]}
    (largest,) = statistics["data"]["x"].custom_stats
    assert (largest.name, largest.value) == ("Largest", 4.0)
    part = statistics.get_slice("s=b")
    assert [one.value for one in part.custom_stats] == [1, ["s", "v", "w", "x"]]
    assert part["x"].custom_stats[0].value is None
    assert Statistics.from_json(statistics.to_json()) == statistics
    with pytest.raises(UsageError, match="plain JSON"):
        generate_statistics(TABLE, options=StatsOptions(generators=[Odd]))


def test_a_schema_says_what_strings_and_integers_are() -> None:
    schema = Schema((Feature("n", "INT"), Feature("f", "FLOAT"), Feature("c", "INT", is_categorical=True)))
    table = pa.table({"n": [" 1", "7", None], "f": ["1e3", "-2", "0"], "c": [3, 4, 3], "other": ["1", "2", "3"]})
    dataset = generate_statistics(table, schema=schema, label_feature="c", cross_features=True)["data"]
    assert [feature.type for feature in dataset.features] == ["INT", "FLOAT", "STRING", "STRING"]
    assert dataset["n"].num_stats is not None
    assert dataset["n"].num_stats.max == 7
    assert dataset["c"].string_stats is not None
    assert [one.value for one in dataset["c"].string_stats.top_values] == ["3", "4"]
    encoded = pa.table({"n": table["n"].dictionary_encode()})
    assert generate_statistics(encoded, schema=schema)["data"]["n"].type == "INT"
    with pytest.raises(DataError, match="column 'n' has numbers"):
        generate_statistics({"n": ["1", "many"]}, schema=schema)


def test_values_that_occur_seldom_may_be_left_out() -> None:
    strings = generate_statistics(TABLE, options=StatsOptions(frequency_threshold=2))["data"]["s"].string_stats
    assert strings is not None
    assert [one.value for one in strings.top_values] == ["a"]
    assert not strings.complete
    few = generate_statistics(TABLE, options=StatsOptions(num_top_values=1))["data"]["s"].string_stats
    assert few is not None
    assert len(few.top_values) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"num_top_values": 0}, "num_top_values is 1 or more"),
        ({"slices": "sex"}, "slices is a list"),
        ({"semantic_domain_stats_sample_rate": 2.0}, "semantic_domain_stats_sample_rate lies above 0"),
    ],
)
def test_options_that_cannot_be_used_say_so(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        StatsOptions(**options)


def test_keywords_go_before_options() -> None:
    options = StatsOptions(feature_allowlist=["x"], weight_feature="w")
    dataset = generate_statistics(TABLE, columns=["s"], options=options)["data"]
    assert dataset.names == ("s",)
    assert dataset.weighted_num_examples == 7.5


def test_accumulators_with_slices_and_samples_travel() -> None:
    options = StatsOptions(slices=["s"], weight_feature="w")
    parts = [StatisticsAccumulator(TABLE.schema, "day", options) for _ in range(2)]
    for at, batch in enumerate(dataset_from_table(TABLE, 1).batches()):
        parts[at % 2].update(batch)
    merged = pickle.loads(pickle.dumps(parts[0]))
    merged.merge(parts[1])
    assert merged.num_examples == 4
    found = merged.statistics()
    whole = generate_statistics(TABLE, name="day", options=options)
    assert [dataset["s"] for dataset in found] == [dataset["s"] for dataset in whole]
    assert [dataset.weighted_num_examples for dataset in found] == [one.weighted_num_examples for one in whole]
    assert found.names == ("day", "day/s=a", "day/s=b", "day/s=missing")


def of_every_type(rows: int = 300) -> pa.Table:
    rng = np.random.default_rng(0)
    words = [f"a{at % 5}" for at in range(rows)]
    return pa.table(
        {
            "decimal": pa.array([Decimal(at) / 10 for at in range(rows)], pa.decimal128(10, 2)),
            "int8": pa.array(rng.integers(-9, 9, rows).astype(np.int8)),
            "half": pa.array(rng.normal(size=rows).astype(np.float16)),
            "large": pa.array(words, pa.large_string()),
            "view": pa.array(words, pa.string_view()),
            "null": pa.nulls(rows),
            "bytes": pa.array([word.encode() for word in words], pa.large_binary()),
            "fixed": pa.array([b"abcd"] * rows, pa.binary(4)),
            "date": pa.array([date(2020, 1, 1)] * rows, pa.date64()),
            "zoned": pa.array([datetime(2020, 1, 1, tzinfo=UTC)] * rows, pa.timestamp("ns", "UTC")),
            "coded": pa.array([at % 5 for at in range(rows)]).dictionary_encode(),
            "map": pa.array([[("a", at)] for at in range(rows)], pa.map_(pa.string(), pa.int64())),
            "vector": pa.array([[0.1, 0.2]] * rows, pa.list_(pa.float32(), 2)),
            "list_view": pa.array([["a", "b"]] * rows, pa.list_view(pa.string())),
            "struct": pa.array([{"a": at, "b": {"c": [at]}} if at % 3 else None for at in range(rows)]),
            "bool": pa.array([True, None, False] * (rows // 3)),
        }
    )


@pytest.mark.parametrize("views", [True, False])
def test_every_type_of_column_goes_through_every_option(views: bool) -> None:
    table = of_every_type()
    if not views:
        table = table.drop(["view", "list_view"])
    few = [name for name in table.column_names if name not in ("decimal", "half")]
    plain = [name for name in few if not pa.types.is_nested(table.schema.field(name).type)]
    options = StatsOptions(
        slices=[[name] for name in plain], label_feature="bool", cross_features=True, sample_rate=0.9
    )
    statistics = generate_statistics(dataset_from_table(table, 100), options=options)
    dataset = statistics["data"]
    assert dataset["struct.b.c"].path == ("struct", "b", "c")
    assert dataset["map.key"].string_stats is not None
    # Fields of structs in lists have no value for a row.
    alone = {feature.name for feature in dataset.features if feature.label is None}
    assert alone == {"bool", "map.key", "map.value"}
    assert {one.slice_key for one in statistics if one.slice_key is not None} >= {"bool=missing", "null=missing"}
    assert Statistics.from_json(statistics.to_json()) == statistics


def test_slices_are_by_plain_columns() -> None:
    with pytest.raises(UsageError, match="one value a row"):
        generate_statistics(of_every_type(), slices=["vector"])


def test_no_rows_are_no_trouble() -> None:
    nothing = dataset_from_table(of_every_type(3).slice(0, 0))
    for options in (
        StatsOptions(cross_features=True, label_feature="view"),
        StatsOptions(slices=["bool"], weight_feature="int8", sample_rate=0.5),
    ):
        assert generate_statistics(nothing, options=options)["data"].num_examples == 0


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", None]),
        st.one_of(st.none(), st.lists(st.one_of(st.none(), st.integers(-50, 50)), max_size=4)),
        st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    ),
    min_size=1,
    max_size=40,
)


@given(ROWS, st.lists(st.integers(0, 40), max_size=6), st.integers(0, 1_000))
@settings(max_examples=40, deadline=None)
def test_any_cut_and_any_order_of_merging_gives_the_same(
    rows: list[tuple[Any, ...]], cuts: list[int], seed: int
) -> None:
    table = pa.table(
        {
            "s": pa.array([row[0] for row in rows], pa.string()),
            "l": pa.array([row[1] for row in rows], pa.list_(pa.int64())),
            "w": pa.array([row[2] for row in rows], pa.float64()),
        }
    )
    options = StatsOptions(weight_feature="w", slices=["s", {"w": [(0, 1), (1, None)]}], generators=[Rows])
    whole = StatisticsAccumulator(table.schema, "all", options)
    for batch in table.to_batches():
        whole.update(batch)
    ends = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    parts = []
    for low, high in pairwise(ends):
        part = StatisticsAccumulator(table.schema, "all", options)
        for batch in table.slice(low, high - low).to_batches():
            part.update(batch)
        parts.append(part)
    order = random.Random(seed)
    while len(parts) > 1:
        order.shuffle(parts)
        parts[0].merge(parts.pop())
    one, other = whole.statistics(), parts[0].statistics()
    assert one.names == other.names
    for mine, theirs in zip(one, other, strict=True):
        assert (mine.num_examples, mine.weighted_num_examples) == (theirs.num_examples, theirs.weighted_num_examples)
        assert mine.custom_stats == theirs.custom_stats
        assert mine["s"] == theirs["s"]
        assert mine["l"].common_stats == theirs["l"].common_stats
        first, second = mine["l"].num_stats, theirs["l"].num_stats
        assert first is not None
        assert second is not None
        assert (first.quantiles, first.histograms) == (second.quantiles, second.histograms)


@given(ROWS)
@settings(max_examples=40, deadline=None)
def test_weighted_means_are_those_of_numpy(rows: list[tuple[Any, ...]]) -> None:
    table = pa.table({"l": pa.array([row[1] for row in rows], pa.list_(pa.int64())), "w": [row[2] for row in rows]})
    numbers = generate_statistics(dataset_from_table(table, 7), weight_feature="w")["data"]["l"].num_stats
    items = [(item, weight) for _, found, weight in rows for item in found or () if item is not None]
    assert numbers is not None
    assert numbers.weighted is not None
    if sum(weight for _, weight in items) > 0:
        values, weights = zip(*items, strict=True)
        assert numbers.weighted.mean == pytest.approx(np.average(values, weights=weights))
    else:
        assert numbers.weighted.mean is None
