from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from headrace import transform as tft
from headrace.errors import TransformError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., dict[str, list[Any]]]

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(1e3, 5.0, 200)
KEYS = RANDOM.integers(0, 4, 200)
K = np.array(["a", "b", "ü", "🎈"])[KEYS]


def by_key(of: Callable[[Any], Any]) -> Any:
    return np.array([of(X[key == KEYS]) for key in range(4)])[KEYS]


@pytest.mark.parametrize("rows", [1, 7, 200])
def test_each_key_is_scaled_by_itself(run: Run, rows: int) -> None:
    def function(inputs: Any) -> dict[str, Any]:
        x, k = inputs["x"], inputs["k"]
        return {
            "z": tft.scale_to_z_score_per_key(x, k),
            "unit": tft.scale_to_0_1_per_key(x, k),
            "wide": tft.scale_by_min_max_per_key(x, inputs["n"], -2.0, 3.0),
            "bucket": tft.bucketize_per_key(x, k, 5),
        }

    found = run(function, rows, x=X, k=K.tolist(), n=KEYS)
    np.testing.assert_allclose(found["z"], (X - by_key(np.mean)) / by_key(np.std), rtol=1e-6, atol=1e-6)
    unit = (X - by_key(np.min)) / (by_key(np.max) - by_key(np.min))
    np.testing.assert_allclose(found["unit"], unit, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found["wide"], unit * 5.0 - 2.0, rtol=1e-6, atol=1e-6)
    boundaries = by_key(lambda x: np.quantile(x, [0.2, 0.4, 0.6, 0.8]))
    assert found["bucket"] == (X[:, None] >= boundaries).sum(axis=1).tolist()


def test_keys_that_were_not_seen_or_are_missing() -> None:
    data = {"x": [1.0, 3.0, 10.0, 30.0, None, 5.0], "k": ["a", "a", "b", "b", "a", None]}

    def function(inputs: Any) -> dict[str, Any]:
        x, k = inputs["x"], inputs["k"]
        return {
            "z": tft.fill_missing(tft.scale_to_z_score_per_key(x, k), -9.0),
            "unit": tft.fill_missing(tft.scale_to_0_1_per_key(x, k), -9.0),
            "bucket": tft.fill_missing(tft.bucketize_per_key(x, k, 2), -9),
        }

    graph = tft.analyze(data, function)
    rows = {"x": [3.0, 3.0, 3.0, None], "k": ["a", "new", None, "a"]}
    found = graph.transform(rows).to_table().to_pydict()
    every = np.array([1.0, 3.0, 10.0, 30.0, 5.0])
    z, unit = (3.0 - every.mean()) / every.std(), 2.0 / 29.0
    np.testing.assert_allclose(found["z"], [1.0, z, z, -9.0], rtol=1e-6)
    np.testing.assert_allclose(found["unit"], [1.0, unit, unit, -9.0], rtol=1e-6)
    assert found["bucket"] == [1, -1, -1, -9]


def test_a_key_whose_values_are_equal(run: Run) -> None:
    found = run(
        lambda inputs: {
            "z": tft.scale_to_z_score_per_key(inputs["x"], inputs["k"]),
            "wide": tft.scale_by_min_max_per_key(inputs["x"], inputs["k"], -1.0, 1.0),
        },
        x=[0.1, 0.1, 0.1, 4.0],
        k=["a", "a", "a", "b"],
    )
    assert found == {"z": [0.0] * 4, "wide": [-1.0] * 4}


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda i: {"y": tft.scale_to_z_score_per_key(i["k"], i["k"])}, "takes numbers"),
        (lambda i: {"y": tft.scale_to_z_score_per_key(i["x"], i["x"])}, "takes texts or integers as keys"),
        (lambda i: {"y": tft.scale_by_min_max_per_key(i["x"], i["k"], 1, 1)}, "less than output_max"),
        (lambda i: {"y": tft.bucketize_per_key(i["x"], i["k"], 1)}, "at least 2"),
        (lambda i: {"y": tft.bucketize_per_key(i["x"], tft.split(i["k"]), 2)}, "one key a row"),
    ],
)
def test_mistakes(function: Any, message: str) -> None:
    with pytest.raises(TransformError, match=message) as caught:
        tft.analyze({"x": [1.0, 2.0], "k": ["a", "b"]}, function)
    assert "test_keys.py:" in str(caught.value)
