"""Census income on few rows: what the tests of the command line run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import headrace as hr
from headrace import transform as tft
from headrace.components import (
    evaluator,
    example_gen,
    example_validator,
    pusher,
    schema_gen,
    statistics_gen,
    trainer,
    transform,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import ndonnx as ndx

HERE = Path(__file__).parent
COLUMNS = [
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship"),
    *("race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income_bracket"),
]


def preprocessing_fn(inputs: Mapping[str, ndx.Array]) -> dict[str, ndx.Array]:
    """Make three features and the label."""
    print("tracing")  # noqa: T201 - something for the log
    return {
        "age": tft.scale_to_z_score(inputs["age"]),
        "workclass": tft.compute_and_apply_vocabulary(inputs["workclass"], num_oov_buckets=1),
        "marital_status": tft.compute_and_apply_vocabulary(inputs["marital_status"], num_oov_buckets=1),
        "label": tft.isin(inputs["income_bracket"], [">50K"]),
    }


@hr.pipeline
def census(trees: int = 10, least: float = 0.7, data: Path = HERE / "adult.data") -> None:
    """Train and evaluate on parts of one file."""
    examples = example_gen(
        hr.csv(data, names=COLUMNS, strip=True, null_values=["?"]), splits={"train": 7, "eval": 1, "test": 2}
    )
    statistics = statistics_gen(examples)
    schema = schema_gen(statistics, curated=HERE / "schema.yaml")
    anomalies = example_validator(statistics, schema)
    graph, transformed = transform(examples, schema, preprocessing_fn, after=anomalies)
    model = trainer(transformed, graph, hr.BoostedTreesClassifier(label="label", n_trees=trees))
    config = hr.EvalConfig(metrics=["auc"], slices=[["sex"]], thresholds={"auc": {"min": least}})
    evaluation = evaluator(examples, model, config, split="test")
    pusher(model, evaluation, to="census", statistics=statistics)
