from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from headrace.data import dataset_from_table
from headrace.schema import Feature, Schema, SparseFeature, ValueCountRange, WeightedFeature
from headrace.statistics import StatsOptions, accumulate_statistics, generate_statistics, load_state, save_state

if TYPE_CHECKING:
    from pathlib import Path

ANY_NUMBER = (ValueCountRange(),)
SCHEMA = Schema(
    (
        Feature("value", "FLOAT", value_counts=ANY_NUMBER),
        Feature("row", "INT", value_counts=ANY_NUMBER),
        Feature("column", "INT", value_counts=ANY_NUMBER),
        Feature("weight", "FLOAT"),
    ),
    sparse_features=(SparseFeature("sparse", "value", ("row", "column")),),
    weighted_features=(WeightedFeature("weighted", "value", "weight"),),
)
TABLE = pa.table(
    {
        "value": [[1.0, 2.0], None, [3.0], [], [4.0]],
        "row": [[1, 2], [1], None, [], [1, 2, 3]],
        "column": [[1], None, [1], [], [5]],
        "weight": [0.5, 0.5, None, None, 2.0],
    }
)
EXPECTED: dict[str, Any] = {
    "sparse": {
        "missing_value": 1,
        "missing_index": {"row": 1, "column": 0},
        "min_length_diff": {"row": -1, "column": -1},
        "max_length_diff": {"row": 2, "column": 0},
    },
    "weighted": {
        "missing_value": 1,
        "missing_weight": 2,
        "min_weight_length_diff": -1,
        "max_weight_length_diff": 1,
    },
}


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_parts_that_do_not_go_together_are_counted(cut: int, tmp_path: Path) -> None:
    options = StatsOptions(schema=SCHEMA)
    accumulator = accumulate_statistics(dataset_from_table(TABLE, cut), options=options)
    save_state(accumulator, tmp_path / "state")
    for dataset in (accumulator.result(), load_state(tmp_path / "state").result()):
        assert {one.name: one.value for one in dataset.custom_stats} == EXPECTED


def test_the_parts_need_not_be_described() -> None:
    dataset = generate_statistics(TABLE, schema=SCHEMA, columns=["weight"])["data"]
    assert dataset.names == ("weight",)
    assert len(dataset.custom_stats) == 2


def test_a_feature_without_its_columns_or_rows_is_left_out() -> None:
    assert generate_statistics(dataset_from_table(TABLE.slice(0, 0)), schema=SCHEMA)["data"].custom_stats == ()
    (found,) = generate_statistics(TABLE.drop(["row"]), schema=SCHEMA)["data"].custom_stats
    assert (found.name, found.value) == ("weighted", EXPECTED["weighted"])
