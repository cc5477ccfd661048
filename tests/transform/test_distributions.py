from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from headrace import transform as tft

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., dict[str, list[Any]]]


@pytest.mark.parametrize("boundaries", [[0.0, 1.0, 2.5, 9.0], 5, None])
def test_histogram_is_numpys(boundaries: Any) -> None:
    x = np.concatenate([np.random.default_rng(1).normal(2.0, 2.0, 300), [1.0, 2.5, 9.0]])
    data = {"x": [*x, None, np.nan]}

    def function(inputs: Any) -> dict[str, Any]:
        counts, edges = tft.histogram(inputs["x"], boundaries)
        first = tft.fill_missing(inputs["x"], 0.0) * 0.0
        return {"count": first + counts[1], "edge": first + edges[-1]}

    graph = tft.analyze(data, function)
    edges = {5: np.linspace(x.min(), x.max(), 5)}.get(boundaries if isinstance(boundaries, int) else 0, boundaries)
    counts, edges = np.histogram(x, np.linspace(0, 1, 11) if edges is None else edges)
    assert graph.analyzers[-1].value[: len(counts)] == counts.tolist()
    assert graph.transform({"x": [1.0]}).to_table()["edge"][0].as_py() == pytest.approx(edges[-1], rel=1e-6)


def test_histogram_of_categories() -> None:
    def function(inputs: Any) -> dict[str, Any]:
        counts, keys = tft.histogram(inputs["x"], categorical=True)
        return {"share": (inputs["x"] == keys[0]) * counts[0] / tft.size(inputs["x"])}

    graph = tft.analyze({"x": ["b", "a", "b", "b"]}, function)
    assert graph.transform({"x": ["a", "b"]}).to_table()["share"].to_pylist() == [0.25, 0.0]


def test_covariance_of_rows_without_missing_places(run: Run) -> None:
    rows = np.array([[1.0, 2.0], [3.0, -1.0], [5.0, 5.0]])

    def function(inputs: Any) -> dict[str, Any]:
        covariance = tft.covariance(tft.stack([inputs["a"], inputs["b"]]))
        return {"y": tft.fill_missing(inputs["a"], 0.0)[:, None] * 0.0 + covariance[0, :][None, :]}

    found = run(function, 2, a=[*rows[:, 0], None, np.nan], b=[*rows[:, 1], 1.0, 2.0])
    np.testing.assert_allclose(found["y"][0], np.cov(rows.T, bias=True)[0], rtol=1e-6)


def test_tukey_of_each_place() -> None:
    random = np.random.default_rng(7)
    data = {"a": random.standard_t(2, 200), "b": random.random(200)}

    def function(inputs: Any) -> dict[str, Any]:
        x = tft.stack([inputs["a"], inputs["b"]])
        left, right = tft.tukey_h_params(x, reduce_instance_dims=False)
        scale = tft.tukey_scale(x, reduce_instance_dims=False)
        return {"y": (x - tft.tukey_location(x, reduce_instance_dims=False)) / scale * 0.0 + left + right}

    found = tft.analyze(data, function).transform(data).to_table()["y"][0].as_py()
    assert found[0] > 0.1
    assert found[1] == 0.0
