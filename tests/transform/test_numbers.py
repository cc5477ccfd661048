from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace import transform as tft
from headrace.errors import TransformError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., dict[str, list[Any]]]


def test_z_score(run: Run) -> None:
    x = [1.0, 2.0, 4.0, 9.0]
    found = run(lambda inputs: {"z": tft.scale_to_z_score(inputs["x"])}, x=x)
    np.testing.assert_allclose(found["z"], (np.array(x) - np.mean(x)) / np.std(x), rtol=1e-6)


@pytest.mark.parametrize("x", [[7, 7, 7, 7], [0.1, 0.1, 0.1, 0.1]])
def test_equal_values_scale_to_nought(run: Run, x: list[float]) -> None:
    found = run(
        lambda inputs: {
            "z": tft.scale_to_z_score(inputs["x"]),
            "unit": tft.scale_to_0_1(inputs["x"]),
            "wide": tft.scale_by_min_max(inputs["x"], -1.0, 1.0),
        },
        x=x,
    )
    assert found == {"z": [0.0] * 4, "unit": [0.0] * 4, "wide": [-1.0] * 4}


def test_min_max(run: Run) -> None:
    found = run(
        lambda inputs: {
            "unit": tft.scale_to_0_1(inputs["x"]),
            "wide": tft.scale_by_min_max(inputs["x"], output_min=-1.0, output_max=1.0),
        },
        x=[10, 30, 20],
    )
    assert found == {"unit": [0.0, 1.0, 0.5], "wide": [-1.0, 1.0, 0.0]}


def test_missing_stays_missing_until_it_is_filled(run: Run) -> None:
    found = run(
        lambda inputs: {
            "z": tft.fill_missing(tft.scale_to_z_score(inputs["x"]), -9.0),
            "unit": tft.fill_missing(tft.scale_to_0_1(inputs["x"]), -9.0),
            "bucket": tft.fill_missing(tft.bucketize(inputs["x"], 2), 1),
        },
        x=[1, None, 3],
    )
    assert found == {"z": [-1.0, -9.0, 1.0], "unit": [0.0, -9.0, 1.0], "bucket": [0, 1, 1]}


def test_not_a_number_is_left_out_and_stays(run: Run) -> None:
    nan = float("nan")
    found = run(
        lambda inputs: {"z": tft.scale_to_z_score(inputs["x"]), "bucket": tft.bucketize(inputs["x"], 4)},
        x=[1.0, 3.0, nan],
    )
    assert found["z"][:2] == [-1.0, 1.0]
    assert np.isnan(found["z"][2])
    assert found["bucket"] == [0, 3, 3]


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.floats(-100, 100) | st.just(float("nan")), min_size=1, max_size=20),
    st.lists(st.sampled_from([-50.0, -1.0, 0.0, 0.5, 2.0, 99.0]), min_size=1, max_size=6).map(sorted),
)
def test_buckets_are_those_of_searchsorted(x: list[float], boundaries: list[float]) -> None:
    import pyarrow as pa

    table = pa.table({"x": pa.array(x, pa.float64())})
    graph = tft.analyze(table, lambda inputs: {"b": tft.apply_buckets(inputs["x"], boundaries)})
    found = graph.transform(table).to_table()["b"].to_pylist()
    assert found == np.searchsorted(boundaries, x, side="right").tolist()
    assert graph.outputs[0].num_buckets == len(boundaries) + 1


@pytest.mark.parametrize("boundaries", [[], [2.0, 1.0], [float("nan")], [[1.0]]])
def test_bad_boundaries(boundaries: Any) -> None:
    with pytest.raises(TransformError, match="ascending"):
        tft.analyze({"x": [1.0]}, lambda inputs: {"b": tft.apply_buckets(inputs["x"], boundaries)})


def test_bucketize_knows_its_range() -> None:
    graph = tft.analyze({"x": list(range(100))}, lambda inputs: {"b": tft.bucketize(inputs["x"], num_buckets=10)})
    assert graph.outputs[0].num_buckets == 10
    table = graph.transform({"x": list(range(100))}).to_table()
    assert np.bincount(table["b"].to_numpy()).tolist() == [10] * 10


def test_range_of_outputs() -> None:
    with pytest.raises(TransformError, match="output_min"):
        tft.analyze({"x": [1.0]}, lambda inputs: {"b": tft.scale_by_min_max(inputs["x"], 1.0, 1.0)})


def test_infinity_is_not_hidden(run: Run) -> None:
    found = run(lambda inputs: {"z": tft.scale_to_z_score(inputs["x"])}, x=[1.0, float("inf")])
    assert np.isnan(found["z"]).all()


@pytest.mark.parametrize(
    ("options", "low", "high"),
    [
        ({}, lambda x, q: q[0] - 1.5 * (q[1] - q[0]), lambda x, q: q[1] + 1.5 * (q[1] - q[0])),
        ({"factor": 0.5}, lambda x, q: q[0] - 0.5 * (q[1] - q[0]), lambda x, q: q[1] + 0.5 * (q[1] - q[0])),
        ({"method": "quantile"}, lambda x, q: np.quantile(x, 0.01), lambda x, q: np.quantile(x, 0.99)),
        ({"method": "quantile", "lower": 0.2, "upper": 1.0}, lambda x, q: np.quantile(x, 0.2), lambda x, q: x.max()),
        ({"method": "z_score"}, lambda x, q: x.mean() - 3 * x.std(), lambda x, q: x.mean() + 3 * x.std()),
    ],
)
def test_outliers_are_clipped(options: Any, low: Any, high: Any) -> None:
    x = np.random.default_rng(0).standard_t(2, 300)
    graph = tft.analyze({"x": x}, lambda i: {"y": tft.clip_outliers(i["x"], **options)})
    rows = np.concatenate([x, [np.inf, -np.inf, np.nan]])
    found = graph.transform({"x": rows}).to_table()["y"].to_numpy()
    quartiles = np.quantile(x, [0.25, 0.75])
    np.testing.assert_allclose(found, np.clip(rows, low(x, quartiles), high(x, quartiles)), rtol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"method": "range"},
        {"method": "quantile", "lower": 0.5, "upper": 0.5},
        {"method": "quantile", "factor": 2.0},
        {"factor": 0.0},
        {"method": "z_score", "lower": 0.1},
    ],
)
def test_mistakes_of_clip_outliers(options: Any) -> None:
    with pytest.raises(TransformError, match=r"tft\.clip_outliers"):
        tft.analyze({"x": [1.0]}, lambda i: {"y": tft.clip_outliers(i["x"], **options)})


def test_places_of_rows_and_lists(run: Run) -> None:
    rows = np.random.default_rng(0).normal([0.0, 50.0, 7.0], [1.0, 20.0, 0.0], (30, 3))

    def function(inputs: Any) -> dict[str, Any]:
        x = tft.stack([inputs[name] for name in "abc"])
        return {
            "z": tft.scale_to_z_score(x, elementwise=True),
            "all": tft.scale_to_z_score(x),
            "unit": tft.scale_to_0_1(x, elementwise=True),
            "gauss": tft.scale_to_gaussian(x, elementwise=True),
            "bucket": tft.apply_buckets(x, [0.0, 10.0]),
            "parts": tft.pad_lists(tft.bucketize(tft.parse_number(tft.split(inputs["w"])), 2), 2, -1),
        }

    found = run(function, 7, a=rows[:, 0], b=rows[:, 1], c=rows[:, 2], w=["1 2", "30", "40 x"] * 10)
    deviation = np.where(rows.std(0) == 0.0, 1.0, rows.std(0))
    np.testing.assert_allclose(found["z"], (rows - rows.mean(0)) / deviation, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["all"], (rows - rows.mean()) / rows.std(), rtol=1e-5, atol=1e-6)
    spread = np.where(np.ptp(rows, 0) == 0.0, 1.0, np.ptp(rows, 0))
    np.testing.assert_allclose(found["unit"], (rows - rows.min(0)) / spread, rtol=1e-5, atol=1e-6)
    assert [len(row) for row in found["gauss"]] == [3] * 30
    assert found["bucket"] == np.searchsorted([0.0, 10.0], rows, side="right").tolist()
    assert found["parts"][:3] == [[0, 0], [1, -1], [1, -1]]


def test_buckets_of_equal_weight(run: Run) -> None:
    found = run(lambda i: {"y": tft.bucketize(i["x"], 2, i["w"])}, x=[1, 2, 3, 4], w=[1.0, 1.0, 9.0, 1.0])
    assert found["y"] == [0, 0, 1, 1]
