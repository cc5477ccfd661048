"""Flights out of New York in 2013: will an arriving flight be more than 15 minutes late?

Only what is known before departure is used. The model learns from some months, is evaluated on the next one, and a
later month is watched for drift:

    headrace run pipeline.py                  # train on January to June, evaluate on July, watch August
    headrace run pipeline.py --set watch=12   # December is another world
"""

from pathlib import Path

import headrace as hr
from headrace import transform as tft
from headrace.components import (
    Examples,
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
SPLITS = {"train": 9, "eval": 1}


def months(first, last):
    """Describe the flights of some months; a span is a month."""
    return hr.csv(HERE / "data/flights-{SPAN}.csv", spans=(first, last), null_values=["", "NA"])


@hr.component
def arrived(examples: Examples) -> Examples:
    """Keep the flights that did arrive: a cancelled one is neither late nor on time."""
    import pyarrow.compute as pc

    return examples.map(lambda batch: batch.filter(pc.is_valid(batch.column("arr_delay"))))


def preprocessing_fn(inputs):
    """Turn what is known before departure into features."""
    xp = inputs["hour"].__array_namespace__()
    minutes = inputs["hour"] * 60 + inputs["minute"]
    angle = xp.astype(minutes, xp.float64) * (2 * 3.141592653589793 / 1440)
    return {
        "carrier": tft.compute_and_apply_vocabulary(inputs["carrier"], num_oov_buckets=1),
        "origin": tft.compute_and_apply_vocabulary(inputs["origin"], num_oov_buckets=1),
        "dest": tft.compute_and_apply_vocabulary(inputs["dest"], num_oov_buckets=1),
        "hour": tft.apply_buckets(inputs["hour"], list(range(6, 24))),
        "time_sine": xp.sin(angle),
        "time_cosine": xp.cos(angle),
        "distance": tft.scale_to_z_score(inputs["distance"]),
        "carrier_x_dest": tft.cross([inputs["carrier"], inputs["dest"]], num_buckets=2000),
        "label": inputs["arr_delay"] > 15,
    }


@hr.pipeline
def flights(first: int = 1, last: int = 6, evaluate: int = 7, watch: int = 8, trees: int = 200):
    """Train on the months ``first`` to ``last``, evaluate on ``evaluate``, compare ``watch`` with the training data."""
    raw = example_gen({"past": months(first, last), "test": months(evaluate, evaluate)}, splits={"past": SPLITS})
    examples = arrived(raw)
    statistics = statistics_gen(examples)
    schema = schema_gen(statistics, curated=HERE / "schema.yaml")
    anomalies = example_validator(statistics, schema)
    graph, transformed = transform(examples, schema, preprocessing_fn, after=anomalies)
    model = trainer(transformed, graph, hr.BoostedTreesClassifier(label="label", num_trees=trees))
    evaluation = evaluator(
        examples,
        model,
        hr.EvalConfig(
            metrics=["auc", "pr_auc", "log_loss", "calibration"],
            slices=[["origin"], ["carrier"]],
            thresholds={"auc": {"min": 0.6}},
        ),
        split="test",
        baseline="flights",
    )
    crash_test = infra_validator(model, examples, split="test")
    pusher(model, evaluation, crash_test, to="flights", statistics=statistics)

    later = arrived.with_name("arrived_later")(example_gen.with_name("later")(months(watch, watch)))
    seen = statistics_gen.with_name("later_statistics")(later)
    example_validator.with_name("drift")(seen, schema, previous=statistics, stop_on="never")
