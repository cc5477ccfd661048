"""Transforms: a preprocessing function, analyzed over the data and turned into one ONNX graph.

>>> from headrace import transform as tft
>>> def preprocessing_fn(inputs):
...     return {
...         "age": tft.scale_to_z_score(inputs["age"]),
...         "education": tft.compute_and_apply_vocabulary(inputs["education"], num_oov_buckets=1),
...         "label": inputs["income"] == ">50K",
...     }
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.transform.analysis import analyze
    from headrace.transform.analyzers import (
        apply_analyzer,
        count_per_key,
        max,  # noqa: A004
        mean,
        min,  # noqa: A004
        quantiles,
        size,
        sum,  # noqa: A004
        var,
    )
    from headrace.transform.cache import AnalysisCache
    from headrace.transform.categories import (
        apply_vocabulary,
        compute_and_apply_approximate_vocabulary,
        compute_and_apply_vocabulary,
        cross,
        hash_strings,
        num_buckets,
        one_hot,
    )
    from headrace.transform.columns import RawColumn
    from headrace.transform.distributions import (
        covariance,
        histogram,
        pca,
        tukey_h_params,
        tukey_location,
        tukey_scale,
    )
    from headrace.transform.documents import bag_of_words, document_frequency, idf, ngrams, tfidf, word_count
    from headrace.transform.encodings import cyclic, embedding_lookup, frequency_encode, target_encode
    from headrace.transform.foreign import apply_onnx, apply_sklearn
    from headrace.transform.graph import TransformGraph
    from headrace.transform.keys import (
        bucketize_per_key,
        scale_by_min_max_per_key,
        scale_to_0_1_per_key,
        scale_to_z_score_per_key,
    )
    from headrace.transform.list_numbers import list_max, list_mean, list_min, list_sum, list_top
    from headrace.transform.lists import (
        deduplicate_per_row,
        list_length,
        multi_hot,
        pad_lists,
        segment_indices,
        stack,
    )
    from headrace.transform.missing import fill_missing, impute, is_missing, is_missing_list, isin
    from headrace.transform.numbers import (
        apply_buckets,
        bucketize,
        clip_outliers,
        scale_by_min_max,
        scale_to_0_1,
        scale_to_z_score,
    )
    from headrace.transform.patterns import (
        contains,
        ends_with,
        regex_extract,
        regex_find_all,
        regex_full_match,
        regex_replace,
        replace,
        starts_with,
    )
    from headrace.transform.shapes import (
        apply_buckets_with_interpolation,
        apply_pca,
        estimated_probability_density,
        power_transform,
        quantile_transform,
        scale_to_gaussian,
    )
    from headrace.transform.text import (
        concat,
        join,
        length,
        lower,
        parse_number,
        split,
        strip,
        upper,
    )
    from headrace.transform.times import date_part, parse_date
    from headrace.transform.view import visualize_transform
    from headrace.transform.words import Vocabulary, approximate_vocabulary, vocabulary

_HOMES = {
    "AnalysisCache": "cache",
    "RawColumn": "columns",
    "TransformGraph": "graph",
    "Vocabulary": "words",
    "analyze": "analysis",
    "apply_analyzer": "analyzers",
    "apply_buckets": "numbers",
    "apply_onnx": "foreign",
    "apply_sklearn": "foreign",
    "apply_buckets_with_interpolation": "shapes",
    "apply_pca": "shapes",
    "apply_vocabulary": "categories",
    "approximate_vocabulary": "words",
    "bag_of_words": "documents",
    "bucketize": "numbers",
    "bucketize_per_key": "keys",
    "clip_outliers": "numbers",
    "compute_and_apply_approximate_vocabulary": "categories",
    "compute_and_apply_vocabulary": "categories",
    "concat": "text",
    "contains": "patterns",
    "count_per_key": "analyzers",
    "covariance": "distributions",
    "cross": "categories",
    "cyclic": "encodings",
    "date_part": "times",
    "deduplicate_per_row": "lists",
    "document_frequency": "documents",
    "embedding_lookup": "encodings",
    "ends_with": "patterns",
    "estimated_probability_density": "shapes",
    "fill_missing": "missing",
    "frequency_encode": "encodings",
    "hash_strings": "categories",
    "histogram": "distributions",
    "idf": "documents",
    "impute": "missing",
    "is_missing": "missing",
    "is_missing_list": "missing",
    "isin": "missing",
    "join": "text",
    "length": "text",
    "list_length": "lists",
    "list_max": "list_numbers",
    "list_mean": "list_numbers",
    "list_min": "list_numbers",
    "list_sum": "list_numbers",
    "list_top": "list_numbers",
    "lower": "text",
    "max": "analyzers",
    "mean": "analyzers",
    "min": "analyzers",
    "multi_hot": "lists",
    "ngrams": "documents",
    "num_buckets": "categories",
    "one_hot": "categories",
    "pad_lists": "lists",
    "parse_date": "times",
    "parse_number": "text",
    "pca": "distributions",
    "power_transform": "shapes",
    "quantile_transform": "shapes",
    "quantiles": "analyzers",
    "regex_extract": "patterns",
    "regex_find_all": "patterns",
    "regex_full_match": "patterns",
    "regex_replace": "patterns",
    "replace": "patterns",
    "scale_by_min_max": "numbers",
    "scale_by_min_max_per_key": "keys",
    "scale_to_0_1": "numbers",
    "scale_to_0_1_per_key": "keys",
    "scale_to_gaussian": "shapes",
    "scale_to_z_score": "numbers",
    "scale_to_z_score_per_key": "keys",
    "segment_indices": "lists",
    "size": "analyzers",
    "split": "text",
    "stack": "lists",
    "starts_with": "patterns",
    "strip": "text",
    "sum": "analyzers",
    "target_encode": "encodings",
    "tfidf": "documents",
    "tukey_h_params": "distributions",
    "tukey_location": "distributions",
    "tukey_scale": "distributions",
    "upper": "text",
    "var": "analyzers",
    "visualize_transform": "view",
    "vocabulary": "words",
    "word_count": "documents",
}

__all__ = [
    "AnalysisCache",
    "RawColumn",
    "TransformGraph",
    "Vocabulary",
    "analyze",
    "apply_analyzer",
    "apply_buckets",
    "apply_buckets_with_interpolation",
    "apply_onnx",
    "apply_pca",
    "apply_sklearn",
    "apply_vocabulary",
    "approximate_vocabulary",
    "bag_of_words",
    "bucketize",
    "bucketize_per_key",
    "clip_outliers",
    "compute_and_apply_approximate_vocabulary",
    "compute_and_apply_vocabulary",
    "concat",
    "contains",
    "count_per_key",
    "covariance",
    "cross",
    "cyclic",
    "date_part",
    "deduplicate_per_row",
    "document_frequency",
    "embedding_lookup",
    "ends_with",
    "estimated_probability_density",
    "fill_missing",
    "frequency_encode",
    "hash_strings",
    "histogram",
    "idf",
    "impute",
    "is_missing",
    "is_missing_list",
    "isin",
    "join",
    "length",
    "list_length",
    "list_max",
    "list_mean",
    "list_min",
    "list_sum",
    "list_top",
    "lower",
    "max",
    "mean",
    "min",
    "multi_hot",
    "ngrams",
    "num_buckets",
    "one_hot",
    "pad_lists",
    "parse_date",
    "parse_number",
    "pca",
    "power_transform",
    "quantile_transform",
    "quantiles",
    "regex_extract",
    "regex_find_all",
    "regex_full_match",
    "regex_replace",
    "replace",
    "scale_by_min_max",
    "scale_by_min_max_per_key",
    "scale_to_0_1",
    "scale_to_0_1_per_key",
    "scale_to_gaussian",
    "scale_to_z_score",
    "scale_to_z_score_per_key",
    "segment_indices",
    "size",
    "split",
    "stack",
    "starts_with",
    "strip",
    "sum",
    "target_encode",
    "tfidf",
    "tukey_h_params",
    "tukey_location",
    "tukey_scale",
    "upper",
    "var",
    "visualize_transform",
    "vocabulary",
    "word_count",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(f"headrace.transform.{_HOMES[name]}"), name)
    if name.startswith("__"):
        raise AttributeError(name)
    from headrace.errors import did_you_mean

    raise AttributeError(f"headrace.transform has no {name!r}. {did_you_mean(name, __all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
