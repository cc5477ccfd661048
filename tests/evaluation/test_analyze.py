from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.data import Cleaning, Dataset, RowsSetAsideWarning, TableShard, with_cleaning
from headrace.engines import LocalEngine
from headrace.errors import DataError, EvaluationError
from headrace.evaluation import EvalConfig, EvalResult, analyze_raw_data

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 3000


def table(seed: int = 0) -> pa.Table:
    generator = np.random.default_rng(seed)
    label = generator.random(ROWS) < 0.3
    prediction = np.clip(generator.beta(2, 4, ROWS) + 0.2 * label, 0, 1)
    return pa.table(
        {
            "label": label.astype(np.int64),
            "prediction": prediction.astype(np.float32),
            "sex": generator.choice(np.array(["F", "M", None], dtype=object), ROWS),
            "grade": generator.integers(0, 5, ROWS),
            "weight": generator.random(ROWS),
        }
    )


def test_slices_are_what_filtering_gives() -> None:
    data = table()
    found = analyze_raw_data(data, EvalConfig(metrics=["auc", "accuracy"], slices=["sex", ["grade", "sex"]]))
    assert [one.name for one in found.slices[:4]] == ["sex=F", "sex=M", "sex=missing", "grade=0, sex=F"]
    assert len(found.slices) == 3 + 15
    frame = data.to_pandas()
    frame["sex"] = frame["sex"].fillna("missing")
    for one in (found.overall, *found.slices):
        rows = frame
        for column, value in one.key:
            rows = rows[rows[column].astype(str) == value]
        assert one.rows == len(rows)
        assert one.metrics["auc"].value == pytest.approx(sk.roc_auc_score(rows.label, rows.prediction), abs=1e-12)
        assert one.metrics["accuracy"].value == pytest.approx(
            sk.accuracy_score(rows.label, rows.prediction > 0.5), abs=1e-12
        )


@settings(deadline=None, max_examples=15)
@given(cuts=st.lists(st.integers(0, ROWS), max_size=5), workers=st.sampled_from([1, 3]))
def test_any_sharding_gives_the_same_bits(cuts: list[int], workers: int) -> None:
    data = table(1).drop_columns(["weight"])
    config = EvalConfig(slices=["sex", ["sex", "grade"]], thresholds={"auc": {"min": 0.5}})
    edges = [0, *sorted(cuts), ROWS]
    shards = tuple(TableShard(data.slice(a, b - a)) for a, b in pairwise(edges))
    found = analyze_raw_data(Dataset(data.schema, shards), config, engine=LocalEngine(workers))
    assert found == analyze_raw_data(data, config)


def test_weights_change_the_metrics() -> None:
    data = table(2)
    found = analyze_raw_data(data, EvalConfig(metrics=["auc", "log_loss"], slices=["sex"]), weight="weight")
    frame = data.to_pandas()
    assert found.metrics["auc"] == pytest.approx(
        sk.roc_auc_score(frame.label, frame.prediction, sample_weight=frame.weight), abs=1e-12
    )


def test_file_and_back(tmp_path: Path) -> None:
    data = table(3).append_column("one", pa.array(["x"] * ROWS))
    config = EvalConfig(slices=["sex", "one"], thresholds={"auc": {"min": 0.99}}, min_slice_rows=1000)
    found = analyze_raw_data(data, config)
    assert not found.blessed
    assert EvalResult.load(found.save(tmp_path)) == found
    assert EvalResult.load(tmp_path).to_dict() == found.to_dict()
    assert [path.name for path in tmp_path.iterdir()] == ["evaluation.json"]
    (tmp_path / "evaluation.json").write_text("{")
    with pytest.raises(EvaluationError, match="JSON file"):
        EvalResult.load(tmp_path)


def test_one_class_in_a_slice_is_no_crash() -> None:
    data = {"label": [0, 0, 1, 0], "prediction": [0.1, 0.2, 0.9, 0.3], "g": ["a", "a", "b", "b"]}
    found = analyze_raw_data(
        data, EvalConfig(metrics=["auc"], slices=["g"], slice_thresholds={"g": {"auc": {"min": 0}}})
    )
    assert math.isnan(found.slice("g=a").metrics["auc"].value)
    assert "no positive" in str(found.slice("g=a").metrics["auc"].reason)
    assert [check.ok for check in found.checks] == [False, True]
    assert "no positive" in str(found.checks[0])
    with pytest.raises(EvaluationError, match="Did you mean"):
        found.slice("g=c")


def test_rows_without_a_label_are_counted() -> None:
    data = {"label": [1, None, 0, None], "prediction": [0.9, 0.9, 0.2, 0.1], "g": ["a", "b", None, "a"]}
    found = analyze_raw_data(data, EvalConfig(slices=["g"]))
    assert (found.overall.rows, found.rows_without_label) == (2, 2)
    assert [(one.name, one.rows) for one in found.slices] == [("g=a", 1), ("g=missing", 1)]
    with pytest.raises(EvaluationError, match="rows with labels"):
        analyze_raw_data({"label": pa.array([None, None], pa.int64()), "prediction": [0.1, 0.2]})


def test_labels_of_every_kind() -> None:
    prediction = [0.9, 0.2, 0.8, 0.1]
    for label, positive in (
        ([1, 0, 1, 0], None),
        ([True, False, True, False], None),
        ([">50K", "<=50K", ">50K", "<=50K"], ">50K"),
        ([7, 3, 7, 3], 7),
    ):
        found = analyze_raw_data(
            {"label": label, "prediction": prediction}, EvalConfig(metrics=["auc"], positive=positive)
        )
        assert found.metrics["auc"] == 1.0


def test_columns_are_cleaned_as_their_fields_declare() -> None:
    declared = Cleaning(strip=True, null_values=("?",))
    fields = [with_cleaning(pa.field(name, pa.string()), declared) for name in ("label", "sex")]
    data = pa.table(
        [[" yes", "no ", "?", "yes"], [" F", "F", "M", "? "], [0.9, 0.1, 0.5, 0.8]],
        schema=pa.schema([*fields, pa.field("prediction", pa.float64())]),
    )
    found = analyze_raw_data(data, EvalConfig(metrics=["auc"], slices=["sex"], positive="yes"))
    assert found.rows_without_label == 1
    assert [(one.name, one.rows) for one in found.slices] == [("sex=F", 2), ("sex=missing", 1)]


def test_multiclass() -> None:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet([1, 1, 1], 200)
    names = np.array(["a", "b", "c"])[generator.integers(0, 3, 200)]
    data = {"label": names.tolist(), "prediction": probabilities.tolist()}
    found = analyze_raw_data(data, EvalConfig(classes=["a", "b", "c"]))
    assert found.task == "multiclass_classification"
    assert found.metrics["log_loss"] == pytest.approx(sk.log_loss(names, probabilities))
    assert found.metrics["auc"] == pytest.approx(sk.roc_auc_score(names, probabilities, multi_class="ovr"))
    with pytest.raises(EvaluationError, match="one of the classes"):
        analyze_raw_data(data, EvalConfig(classes=["a", "b", "x"]))


def test_regression() -> None:
    found = analyze_raw_data({"label": [1.0, 2.0, 4.0], "prediction": [1.5, 2.0, 3.0]})
    assert found.task == "regression"
    assert found.metrics["mae"] == pytest.approx(0.5)
    assert found.curves.roc == ()


def test_a_wide_column_makes_no_flood_of_slices() -> None:
    data = table(4).append_column("id", pa.array(np.arange(ROWS)))
    with pytest.raises(EvaluationError, match="at most 1000 slices"):
        analyze_raw_data(data, EvalConfig(slices=["id"]))


@pytest.mark.parametrize(
    ("data", "config", "message"),
    [
        ({"label": ["a"], "prediction": [0.5]}, {}, "need to be explained"),
        ({"label": [3], "prediction": [0.5]}, {}, "0 or 1"),
        ({"label": [1], "prediction": [None]}, {"task": "regression"}, "Every row has a prediction"),
        ({"label": [1], "prediction": [math.nan]}, {}, "finite"),
        ({"label": [1], "prediction": ["x"]}, {}, "holds numbers"),
        ({"label": [1], "prediction": [1.5]}, {}, "between 0 and 1"),
        ({"label": [1], "prediction": [0.5]}, {"positive": "yes"}, "type of the label"),
        ({"label": [1], "prediction": [0.5], "w": [-1.0]}, {"weight": "w"}, "not negative"),
        ({"label": [1], "prediction": [0.5]}, {"metrics": ["auc", "rmse"]}, "belong to one task"),
        ({"label": [5], "prediction": [[0.1, 0.2, 0.7]]}, {}, "from 0 to 2"),
    ],
)
def test_bad_input_is_explained(data: dict[str, Any], config: dict[str, Any], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        analyze_raw_data(data, EvalConfig(**config))


def test_a_column_that_is_absent() -> None:
    with pytest.raises(DataError, match="Did you mean 'label'"):
        analyze_raw_data({"label": [1], "prediction": [0.5]}, label="lable")


def test_pictures() -> None:
    found = analyze_raw_data(table(5), EvalConfig(slices=["sex"], thresholds={"auc": {"min": 0.99}}))
    html = found._repr_html_()
    for text in ("not blessed", "sex=missing", "ROC", "Calibration", "Precision and recall"):
        assert text in html
    assert ">nan<" not in html.lower()


def test_rows_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("label,prediction\n" + "".join(f"{at % 2},{0.5 if at % 60 else 'NA'}\n" for at in range(300)))
    with pytest.warns(RowsSetAsideWarning, match="5 of 300 rows cannot be read"):
        assert analyze_raw_data(file).overall.rows == 295


@pytest.mark.parametrize("weight", [math.inf, -1.0, None])
def test_weights_that_are_none(weight: float | None) -> None:
    with pytest.raises(EvaluationError, match="A weight is a finite number"):
        analyze_raw_data({"label": [0, 1], "prediction": [0.1, 0.9], "w": [1.0, weight]}, weight="w")
