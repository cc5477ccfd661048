"""Census income: from the raw files of 1994 to a served model.

Run it with ``headrace run pipeline.py``. It trains a wide and deep network; with ``--set model=trees`` boosted trees.
"""

from pathlib import Path

import headrace as hr
from headrace import transform as tft
from headrace.components import (
    evaluator,
    example_gen,
    example_validator,
    infra_validator,
    pusher,
    schema_gen,
    statistics_gen,
    trainer,
    transform,
)

HERE = Path(__file__).parent

CATEGORIES = [
    "workclass", "education", "marital_status", "occupation", "relationship", "race", "sex", "native_country",
]  # fmt: skip
NUMBERS = ["age", "hours_per_week", "capital_gain", "capital_loss"]
COLUMNS = [
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship",
    "race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income_bracket",
]  # fmt: skip


def raw(path):
    """Describe the files: fields separated by ", ", "?" for a missing one, a comment in the first line of the test."""
    return hr.csv(path, names=COLUMNS, strip=True, null_values=["?"], comment="|")


def preprocessing_fn(inputs):
    """Turn raw columns into features and the label; what is computed here becomes a part of model.onnx."""
    xp = inputs["age"].__array_namespace__()
    features = {
        name: tft.compute_and_apply_vocabulary(inputs[name], top_k=100, num_oov_buckets=1) for name in CATEGORIES
    }
    features["age"] = tft.scale_to_z_score(inputs["age"])
    features["hours_per_week"] = tft.scale_to_z_score(inputs["hours_per_week"])
    for name in ("capital_gain", "capital_loss"):
        features[name] = tft.scale_to_z_score(xp.log1p(xp.astype(inputs[name], xp.float64)))
    # Most people have neither gain nor loss, and what the others have lies in narrow bands.
    features["gain_group"] = tft.apply_buckets(inputs["capital_gain"], [1, *range(2_000, 8_500, 500), 10_000, 15_000])
    features["loss_group"] = tft.apply_buckets(inputs["capital_loss"], [1, *range(1_500, 2_600, 100)])
    age_group = tft.apply_buckets(inputs["age"], [18, 25, 30, 35, 40, 45, 50, 55, 60, 65])
    features["age_group"] = age_group
    features["hours_group"] = tft.bucketize(inputs["hours_per_week"], num_buckets=10)
    features["education_x_occupation"] = tft.cross([features["education"], features["occupation"]], num_buckets=1000)
    features["age_x_marital_status"] = tft.cross([age_group, features["marital_status"]], num_buckets=1000)
    # adult.test ends its labels in a dot.
    return features | {"label": tft.isin(inputs["income_bracket"], [">50K", ">50K."])}


def estimator(model, epochs):
    """Return the estimator that the run asks for."""
    if model == "trees":
        # Trees find groups and crosses by themselves.
        return hr.BoostedTreesClassifier(label="label", features=(*CATEGORIES, *NUMBERS))
    return hr.DNNLinearCombinedClassifier(label="label", hidden_units=(128, 64), dropout=0.2, epochs=epochs)


@hr.pipeline
def census(
    train: Path = HERE / "data/adult.data",
    test: Path = HERE / "data/adult.test",
    model: str = "wide_and_deep",
    epochs: int = 20,
):
    """Train on adult.data, keeping a tenth of it aside to know when to stop; evaluate on adult.test."""
    examples = example_gen(
        {"train": raw(train), "test": raw(test)}, splits={"train": {"train": 9, "eval": 1}}, max_bad_rows=0.01
    )
    statistics = statistics_gen(examples)
    schema = schema_gen(statistics, curated=HERE / "schema.yaml")
    anomalies = example_validator(statistics, schema)
    graph, transformed = transform(examples, schema, preprocessing_fn, after=anomalies)
    trained = trainer(transformed, graph, estimator(model, epochs))
    evaluation = evaluator(
        examples,
        trained,
        hr.EvalConfig(
            metrics=["auc", "pr_auc", "accuracy", "log_loss", "precision", "recall", "calibration"],
            slices=[["sex"], ["education"], ["race"]],
            thresholds={"auc": {"min": 0.9}},
            change_thresholds={"auc": {"min_change": -0.005}},
        ),
        split="test",
        baseline="census",
    )
    crash_test = infra_validator(trained, examples, split="test")
    pusher(trained, evaluation, crash_test, to="census", statistics=statistics)
