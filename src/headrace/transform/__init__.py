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
    from headrace.transform.analyzers import Vocabulary, max, mean, min, quantiles, size, sum, var, vocabulary  # noqa: A004
    from headrace.transform.cache import AnalysisCache
    from headrace.transform.categories import (
        apply_vocabulary,
        compute_and_apply_vocabulary,
        cross,
        hash_strings,
        one_hot,
    )
    from headrace.transform.columns import RawColumn
    from headrace.transform.foreign import apply_onnx, apply_sklearn
    from headrace.transform.graph import TransformGraph
    from headrace.transform.missing import fill_missing, is_missing, isin
    from headrace.transform.numbers import (
        apply_buckets,
        bucketize,
        scale_by_min_max,
        scale_to_0_1,
        scale_to_z_score,
    )
    from headrace.transform.text import strip

_HOMES = {
    "AnalysisCache": "cache",
    "RawColumn": "columns",
    "TransformGraph": "graph",
    "Vocabulary": "analyzers",
    "analyze": "analysis",
    "apply_buckets": "numbers",
    "apply_onnx": "foreign",
    "apply_sklearn": "foreign",
    "apply_vocabulary": "categories",
    "bucketize": "numbers",
    "compute_and_apply_vocabulary": "categories",
    "cross": "categories",
    "fill_missing": "missing",
    "hash_strings": "categories",
    "is_missing": "missing",
    "isin": "missing",
    "max": "analyzers",
    "mean": "analyzers",
    "min": "analyzers",
    "one_hot": "categories",
    "quantiles": "analyzers",
    "scale_by_min_max": "numbers",
    "scale_to_0_1": "numbers",
    "scale_to_z_score": "numbers",
    "size": "analyzers",
    "strip": "text",
    "sum": "analyzers",
    "var": "analyzers",
    "vocabulary": "analyzers",
}

__all__ = [
    "AnalysisCache",
    "RawColumn",
    "TransformGraph",
    "Vocabulary",
    "analyze",
    "apply_buckets",
    "apply_onnx",
    "apply_sklearn",
    "apply_vocabulary",
    "bucketize",
    "compute_and_apply_vocabulary",
    "cross",
    "fill_missing",
    "hash_strings",
    "is_missing",
    "isin",
    "max",
    "mean",
    "min",
    "one_hot",
    "quantiles",
    "scale_by_min_max",
    "scale_to_0_1",
    "scale_to_z_score",
    "size",
    "strip",
    "sum",
    "var",
    "vocabulary",
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
