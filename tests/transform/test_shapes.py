from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import special, stats

from headrace import transform as tft
from headrace.errors import TransformError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., dict[str, list[Any]]]

RANDOM = np.random.default_rng(5)
WRONG: Any = "log"
SKEWED = np.round(RANDOM.lognormal(0.0, 1.0, 400), 2) + 0.01
REAL = np.concatenate([SKEWED, -SKEWED[:100] / 3.0])


@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
@pytest.mark.parametrize("standardize", [True, False])
def test_power_transform_is_scikit_learns(run: Run, method: Any, standardize: bool) -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    x = SKEWED if method == "box-cox" else REAL
    found = run(lambda i: {"y": tft.power_transform(i["x"], method, standardize=standardize)}, 64, x=x)["y"]
    expected = preprocessing.PowerTransformer(method, standardize=standardize).fit_transform(x[:, None])[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_powers_of_many_values_and_of_equal_ones(run: Run) -> None:
    x = np.random.default_rng(1).gamma(2.0, size=150_000)
    graph = tft.analyze({"x": x}, lambda i: {"y": tft.power_transform(i["x"])})
    # More distinct values than are counted one by one: the sketch says about where, all values say where.
    assert graph.analyzers[1].value["exponent"] == pytest.approx(stats.yeojohnson_normmax(x), abs=1e-6)
    assert run(lambda i: {"y": tft.power_transform(i["x"])}, x=[7.0, 7.0])["y"] == pytest.approx([0.0, 0.0], abs=1e-6)


@pytest.mark.parametrize("output", ["uniform", "normal"])
@pytest.mark.parametrize("n_quantiles", [2, 11, 300])
def test_quantile_transform_is_scikit_learns(run: Run, output: Any, n_quantiles: int) -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    found = run(lambda i: {"y": tft.quantile_transform(i["x"], n_quantiles, output)}, 64, x=REAL)["y"]
    fitted = preprocessing.QuantileTransformer(n_quantiles=n_quantiles, output_distribution=output, subsample=None)
    expected = fitted.fit_transform(REAL[:, None])[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_normal_quantiles_are_scipys(run: Run) -> None:
    p = np.concatenate([np.linspace(0.0, 1.0, 999), [1e-3, 1e-6, 1.5e-7, 1 - 1e-6]])
    found = run(lambda i: {"y": tft.quantile_transform(i["p"], 2, "normal")}, 2000, p=p)["y"]
    np.testing.assert_allclose(found, special.ndtri(np.clip(p, 1e-7, 1 - 1e-7)), rtol=1e-6, atol=1e-7)


def test_what_is_beyond_or_no_number(run: Run) -> None:
    data = {"x": [1.0, 2.0, 4.0]}
    rows = {"x": [-np.inf, np.nan, 99.0, np.inf, 0.0]}

    def function(inputs: Any) -> dict[str, Any]:
        return {
            "uniform": tft.quantile_transform(inputs["x"], 3),
            "box_cox": tft.power_transform(inputs["x"], "box-cox", standardize=False),
            "gauss": tft.scale_to_gaussian(inputs["x"]),
            "buckets": tft.apply_buckets_with_interpolation(inputs["x"], tft.quantiles(inputs["x"], 4)),
            "density": tft.estimated_probability_density(inputs["x"], [0.0, 1.5, 4.0]),
        }

    graph = tft.analyze(data, function)
    found = graph.transform(rows).to_table().to_pydict()
    np.testing.assert_array_equal(found["uniform"], [0.0, np.nan, 1.0, 1.0, 0.0])
    assert np.isnan(found["box_cox"][0])
    assert np.isnan(found["box_cox"][4])
    np.testing.assert_array_equal(np.isnan(found["gauss"]), [False, True, False, False, False])
    assert found["buckets"] == [0.0, 0.5, 1.0, 1.0, 0.0]
    np.testing.assert_allclose(found["density"], [0.0, 0.0, 0.0, 0.0, 1 / 3 / 1.5], rtol=1e-6)


def test_scale_to_gaussian_undoes_tukeys_transform(run: Run) -> None:
    u = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    x = 3.0 + 2.0 * u * np.exp(np.where(u < 0, 0.1, 0.3) * u * u / 2.0)
    found = np.array(run(lambda i: {"y": tft.scale_to_gaussian(i["x"])}, 999, x=x)["y"])
    np.testing.assert_allclose(found, u, atol=0.02)
    assert abs(stats.kurtosis(found)) < 0.05 < stats.kurtosis(x)


def test_scale_to_gaussian_is_the_inverse_to_the_last_place(run: Run) -> None:
    x = np.concatenate([stats.t(2).rvs(500, random_state=1), [0.0, 1e-12, 1e3, -1e3]])
    graph = tft.analyze({"x": x}, lambda i: {"y": tft.scale_to_gaussian(i["x"]), "h": i["x"] * tft.tukey_scale(i["x"])})
    value = graph.analyzers[0].value
    found = graph.transform({"x": x}).to_table()["y"].to_numpy().astype(np.float64)
    h = np.where(found < 0.0, value["h_left"], value["h_right"])
    assert value["h_left"] > 0.1
    back = value["location"] + value["scale"] * found * np.exp(h * found * found / 2.0)
    np.testing.assert_allclose(back, x, rtol=1e-5, atol=1e-6)


def test_light_tails_are_scaled_to_z_scores(run: Run) -> None:
    x = RANDOM.random(300)
    found = run(lambda i: {"y": tft.scale_to_gaussian(i["x"])}, x=x)["y"]
    np.testing.assert_allclose(found, (x - x.mean()) / x.std(), rtol=1e-5, atol=1e-6)
    assert run(lambda i: {"y": tft.scale_to_gaussian(i["x"])}, x=[7, 7, 7])["y"] == [0.0] * 3


def test_interpolation_is_numpys(run: Run) -> None:
    boundaries = np.quantile(REAL, np.linspace(0.1, 0.9, 9))
    x = REAL
    found = run(lambda i: {"y": tft.apply_buckets_with_interpolation(i["x"], boundaries.tolist())}, x=x)["y"]
    np.testing.assert_allclose(found, np.interp(x, boundaries, np.linspace(0, 1, 9)), rtol=1e-6, atol=1e-7)
    one = run(lambda i: {"y": tft.apply_buckets_with_interpolation(i["x"], [1.0])}, x=[0.0, 1.0, 2.0])
    assert one["y"] == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("boundaries", [None, 7, [0.0, 0.5, 2.0, 9.0]])
def test_density_is_numpys_histogram(run: Run, boundaries: Any) -> None:
    edges = np.linspace(0, 1, 11) if boundaries is None else boundaries
    edges = np.linspace(SKEWED.min(), SKEWED.max(), 7) if boundaries == 7 else np.asarray(edges)
    counts, _ = np.histogram(SKEWED, edges)
    place = np.clip(np.searchsorted(edges, SKEWED, side="right") - 1, 0, len(counts) - 1)
    inside = (edges[0] <= SKEWED) & (edges[-1] >= SKEWED)
    expected = np.where(inside, (counts / counts.sum() / np.diff(edges))[place], 0.0)
    found = run(lambda i: {"y": tft.estimated_probability_density(i["x"], boundaries)}, 50, x=SKEWED)["y"]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_density_of_categories(run: Run) -> None:
    found = run(lambda i: {"y": tft.estimated_probability_density(i["x"], categorical=True)}, x=["a", "b", "a", "a"])
    assert found["y"] == [0.75, 0.25, 0.75, 0.75]


@pytest.mark.parametrize("whiten", [True, False])
def test_apply_pca_is_scikit_learns(run: Run, whiten: bool) -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    rows = RANDOM.normal(size=(300, 4)) @ RANDOM.normal(size=(4, 4)) + 100.0

    def function(inputs: Any) -> dict[str, Any]:
        return {"y": tft.apply_pca(tft.stack([inputs[name] for name in "abcd"]), 2, whiten=whiten)}

    found = np.array(run(function, 77, **dict(zip("abcd", rows.T, strict=True)))["y"])
    expected = decomposition.PCA(2, whiten=whiten, svd_solver="full").fit_transform(rows)
    expected *= np.sign((found * expected).sum(axis=0))
    # scikit-learn divides by n - 1.
    expected *= np.sqrt(300 / 299) if whiten else 1.0
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda i: {"y": tft.power_transform(i["x"], "box-cox")}, "positive numbers; got -1.0"),
        (lambda i: {"y": tft.power_transform(i["x"], WRONG)}, "'yeo-johnson' or 'box-cox'"),
        (lambda i: {"y": tft.quantile_transform(i["x"], 1)}, "at least 2"),
        (lambda i: {"y": tft.quantile_transform(i["x"], 5, WRONG)}, "'uniform' or 'normal'"),
        (lambda i: {"y": tft.apply_buckets_with_interpolation(i["x"], [2.0, 1.0])}, "ascending"),
        (lambda i: {"y": tft.estimated_probability_density(i["x"], [1.0])}, "at least two"),
        (lambda i: {"y": tft.apply_pca(i["x"], 1)}, "rows of a known number"),
        (lambda i: {"y": tft.apply_pca(tft.stack([i["x"], i["inf"]]), 1)}, "finite numbers"),
        (lambda i: {"y": tft.apply_pca(tft.stack([i["x"], i["x"]]), 3)}, "at most"),
        (lambda i: {"y": tft.scale_to_gaussian(i["w"])}, "takes numbers"),
    ],
)
def test_mistakes(function: Any, message: str) -> None:
    with pytest.raises(TransformError, match=message) as caught:
        tft.analyze({"x": [1.0, -1.0], "w": ["a", "b"], "inf": [np.inf, 1.0]}, function)
    assert "test_shapes.py:" in str(caught.value)
