from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import headrace as hr

PUBLIC = [
    "Anomalies",
    "Artifact",
    "BoostedTreesClassifier",
    "BoostedTreesRegressor",
    "Comparison",
    "DNNClassifier",
    "DNNLinearCombinedClassifier",
    "DNNLinearCombinedRegressor",
    "DNNRegressor",
    "EvalConfig",
    "EvalResult",
    "Feature",
    "FeaturePolicy",
    "LinearClassifier",
    "LinearRegressor",
    "LoadedModel",
    "ModelClient",
    "Registry",
    "RepairPolicy",
    "RepairReport",
    "Schema",
    "SkewResult",
    "Statistics",
    "StatsOptions",
    "__version__",
    "analyze_raw_data",
    "arrow",
    "avro",
    "bigquery",
    "choice",
    "compare_slices",
    "compare_statistics",
    "component",
    "csv",
    "current_step",
    "detect_feature_skew",
    "display_anomalies",
    "generate_statistics",
    "get_statistics_html",
    "infer_schema",
    "integer",
    "json_lines",
    "load_model",
    "orc",
    "parquet",
    "pipeline",
    "repair",
    "rolling",
    "run_model_analysis",
    "run_pipeline",
    "sklearn",
    "sql",
    "suggest_environments",
    "suggest_schema",
    "tfrecord",
    "uniform",
    "update_schema",
    "validate_corresponding_slices",
    "validate_examples",
    "validate_statistics",
    "verify",
    "visualize_statistics",
]


def test_the_public_names() -> None:
    assert hr.__all__ == PUBLIC
    assert dir(hr) == sorted(PUBLIC)
    for name in PUBLIC:
        assert getattr(hr, name) is not None


def test_type_checkers_see_the_names_that_programs_get() -> None:
    assert hr.__file__ is not None
    tree = ast.parse(Path(hr.__file__).read_text("utf-8"))
    (checked,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module for node in checked.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert set(seen) == set(PUBLIC) - {"__version__"}


def test_a_name_that_is_not_there_gets_the_near_one() -> None:
    with pytest.raises(AttributeError, match=r"headrace has no 'csvv'\. Did you mean 'csv'"):
        hr.__getattr__("csvv")


def test_the_version_is_that_of_the_distribution() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", hr.__version__)
    assert metadata.version("headrace") == hr.__version__


def test_a_module_and_a_decorator_share_a_name() -> None:
    program = """
import headrace as hr
import headrace.pipeline as module
assert callable(hr.pipeline)
assert module.run_pipeline is hr.run_pipeline
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_pipeline_file_imports_nothing_heavy() -> None:
    program = """
import sys
import headrace as hr
from headrace import transform as tft
from headrace.components import evaluator, example_gen, trainer, transform
hr.csv("data.csv", names=["a"])
hr.BoostedTreesClassifier(label="label")
hr.DNNLinearCombinedClassifier(label="label")
hr.EvalConfig(metrics=["auc"], thresholds={"auc": {"min": 0.9}})
heavy = {"numpy", "pyarrow", "onnx", "onnxruntime", "ndonnx", "spox", "keras", "jax", "lightgbm", "fsspec"}
heavy |= {"sqlalchemy"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
