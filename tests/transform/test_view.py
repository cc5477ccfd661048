from __future__ import annotations

from typing import Any

from headrace import transform as tft
from headrace.transform.view import view
from headrace.viz import embed


def test_a_view_names_columns_values_and_features() -> None:
    def function(inputs: Any) -> dict[str, Any]:
        return {
            "z": tft.fill_missing(tft.scale_to_z_score(inputs["age"]), 0),
            "bucket": tft.fill_missing(tft.bucketize(inputs["age"], 3), 0),
            "id": tft.compute_and_apply_vocabulary(inputs["word"], num_oov_buckets=1),
            "hot": tft.one_hot(inputs["age"], 4),
            "size": tft.is_missing(inputs["age"]).astype("int64") * tft.size(inputs["word"]),
        }

    graph = tft.analyze({"age": [1, 2, None], "word": ["<b>", "x", "x"]}, function)
    text = str(view(graph))
    for part in ("age", "may be missing", "3 ids", "4 of float32", "moments of age", "vocabulary of word", "&lt;b&gt;"):
        assert part in text
    assert "<b>" not in text
    shown = graph._repr_html_()
    assert shown == embed(view(graph))
    assert "http" not in shown.replace("http://www.w3.org", "")


def test_a_long_vocabulary_is_cut() -> None:
    words = [f"w{number}" for number in range(99)]
    graph = tft.analyze({"x": words}, lambda inputs: {"id": tft.compute_and_apply_vocabulary(inputs["x"])})
    assert "and 49 more" in str(view(graph))


def test_what_other_analyzers_found() -> None:
    def function(inputs: Any) -> dict[str, Any]:
        x, k = inputs["x"], inputs["k"]
        return {
            "key": tft.scale_to_z_score_per_key(x, k),
            "bucket": tft.bucketize_per_key(x, k, 3),
            "pca": tft.apply_pca(tft.stack([x, x]), 1),
            "power": tft.power_transform(x),
            "counts": tft.frequency_encode(k),
            "first": tft.compute_and_apply_approximate_vocabulary(k, 1),
            "mode": tft.impute(k, "most_frequent")[0] == "b",
            "quantile": tft.quantile_transform(x, 60),
        }

    text = str(view(tft.analyze({"x": [1.0, 2.0, 5.5], "k": ["a", "b", "<k>"]}, function)))
    for part in ("moments_per_key", "approximate_vocabulary", "exponent", "covariance", "&lt;k&gt;", "and 10 more"):
        assert part in text
    assert "<k>" not in text
