from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from headrace.data import dataset_from_table
from headrace.errors import DataError, UsageError
from headrace.statistics import Statistics, generate_statistics

if TYPE_CHECKING:
    from pathlib import Path

TABLE = pa.table({"age": [20, 30, None, 50], "job": ["a", "b", "a", None], "old": [False, False, None, True]})


@pytest.fixture(scope="module")
def train() -> Statistics:
    return generate_statistics(dataset_from_table(TABLE), name="train")


def test_the_plain_form_has_tensorflow_metadatas_names(train: Statistics) -> None:
    (dataset,) = train.to_dict()["datasets"]
    assert (dataset["name"], dataset["num_examples"]) == ("train", 4)
    age, job, old = dataset["features"]
    assert (age["name"], age["type"]) == ("age", "INT")
    assert age["num_stats"]["common_stats"] == {"num_non_missing": 3, "num_missing": 1}
    assert {"mean", "std_dev", "num_zeros", "min", "median", "max", "histograms"} <= set(age["num_stats"])
    assert age["num_stats"]["min"] == 20
    assert set(age["num_stats"]["histograms"][0]["buckets"][0]) == {"low_value", "high_value", "sample_count"}
    assert job["string_stats"]["unique"] == 2
    assert job["string_stats"]["top_values"] == [{"value": "a", "frequency": 2}, {"value": "b", "frequency": 1}]
    assert job["string_stats"]["avg_length"] == 1.0
    assert old["bool_stats"]["num_true"] == 1


def test_files_read_back_the_same(train: Statistics, tmp_path: Path) -> None:
    train.save(tmp_path / "statistics.json")
    assert Statistics.load(tmp_path / "statistics.json") == train


@pytest.mark.parametrize("text", ["", "[]", '{"datasets": 3}', '{"datasets": [{"name": "x"}]}', "[" * 5000])
def test_other_json_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"x\.json"):
        Statistics.load(path)
    with pytest.raises(DataError, match="absent"):
        Statistics.load(tmp_path / "absent.json")


def test_data_sets_stand_side_by_side(train: Statistics) -> None:
    evaluation = generate_statistics(dataset_from_table(TABLE.slice(2)), name="eval")
    both = train.merge(evaluation)
    assert both.names == ("train", "eval")
    assert both["eval"]["age"].common_stats.num_missing == 1
    assert "age" in both["train"]
    with pytest.raises(UsageError, match="'train' twice"):
        train.merge(train)
    with pytest.raises(DataError, match="Did you mean 'train'"):
        both["trian"]
    with pytest.raises(DataError, match="Did you mean 'age'"):
        both["train"]["aeg"]
