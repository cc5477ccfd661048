from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace import transform as tft
from headrace.transform.view import view
from headrace.viz import embed

if TYPE_CHECKING:
    from pathlib import Path


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


def test_equal_analyzers_are_shown_once_and_lead_to_their_features_only() -> None:
    def function(inputs: Any) -> dict[str, Any]:
        x = inputs["x"]
        return {"scaled": tft.scale_to_z_score(x), "bucket": tft.bucketize(x, 3), "copy": x, "half": x / tft.max(x)}

    graph = tft.analyze({"x": [1.0, 2.0, 5.0], "y": [1, 2, 3]}, function)
    uses = {result.name: result.features for result in graph.analyzers}
    assert uses == {"moments": ("scaled",), "quantiles": ("bucket",), "extremes": ("half",)}
    text = str(view(graph))
    assert text.count("moments of x") == 1
    assert "Columns that are not read" in text
    for title in ("mean 2.667", "min 1, max 5"):
        assert title in text


def test_a_page_has_all_words_and_a_field_to_search_in(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(99)]
    data = {"x": [*words, "</script><b>"], "other": [1] * 100}
    graph = tft.analyze(data, lambda inputs: {"id": tft.compute_and_apply_vocabulary(inputs["x"])})
    graph.save(tmp_path / "graph")
    loaded = tft.TransformGraph.load(tmp_path / "graph")
    assert [result.features for result in loaded.analyzers] == [("id",)]
    fragment = tft.visualize_transform(loaded, tmp_path / "page.html")
    assert fragment == view(graph)
    page = (tmp_path / "page.html").read_text("utf-8")
    for part in ("w98", "Search the words of id", "100 words", "#analyzer-0", 'id="analyzer-0"', "Not read", "other"):
        assert part in page
    assert "<b>" not in page
    assert "://" not in page.replace("http://www.w3.org", "")


def test_a_picture_of_very_many_columns_is_left_out() -> None:
    data = {f"c{number}": [1.0] for number in range(70)}
    graph = tft.analyze(data, lambda inputs: {f"{name}_": inputs[name] for name in data})
    assert "140 boxes" in str(view(graph))


def test_of_two_features_of_one_mapper_each_has_its_own_analyzers() -> None:
    def function(inputs: Any) -> dict[str, Any]:
        ids, weights = tft.tfidf(tft.compute_and_apply_vocabulary(tft.split(inputs["x"])))
        return {"ids": tft.pad_lists(ids, 2, -1), "weights": tft.pad_lists(weights, 2, 0.0)}

    graph = tft.analyze({"x": ["a b", "a"]}, function)
    uses = {result.name: result.features for result in graph.analyzers}
    assert uses == {"vocabulary": ("ids", "weights"), "document_frequency": ("weights",), "corpus_size": ("weights",)}
