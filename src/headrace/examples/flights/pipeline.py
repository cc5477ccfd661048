"""Flights out of New York in 2013, and whether one that arrives will be more than 15 minutes late.

Only what is known before departure is used. The model learns from some months, is evaluated on the next one, and a
later month is watched for drift:

    headrace run pipeline.py                  # train on January to June, evaluate on July, watch August
    headrace run pipeline.py --set watch=12   # trains nothing anew, and finds that December is another world

August is much like the months before it, and the step ``drift`` keeps no anomaly. In December the delays are other
ones and more of the flights leave from LaGuardia: it keeps three (``headrace report`` shows them).
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
DAY = 24 * 60
SPLITS = {"train": 9, "eval": 1}


def months(data, first, last):
    """Describe the flights of some months; a span is a month."""
    return hr.csv(data / "flights-{SPAN}.csv", spans=(first, last), null_values=["", "NA"])


@hr.component
def arrived(examples: Examples) -> Examples:
    """Keep the flights that did arrive: one that was cancelled or diverted is neither late nor on time."""
    import pyarrow.compute as pc

    return examples.map(lambda batch: batch.filter(pc.is_valid(batch.column("arr_delay"))))


def minute_of_day(clock):
    """Turn 1745, which is how the timetable writes a quarter to six, into minutes since midnight."""
    return clock // 100 * 60 + clock % 100


def preprocessing_fn(inputs):
    """Turn what is known before departure into features; of what is known after it, only the label is made."""
    departure = minute_of_day(inputs["sched_dep_time"])
    # How long the timetable gives the flight: with the distance it says how much slack there is.
    block = (minute_of_day(inputs["sched_arr_time"]) - departure) % DAY
    return {
        "carrier": tft.compute_and_apply_vocabulary(inputs["carrier"], num_oov_buckets=1),
        "origin": tft.compute_and_apply_vocabulary(inputs["origin"], num_oov_buckets=1),
        # New destinations come up every few months, and share an id until the next training.
        "dest": tft.compute_and_apply_vocabulary(inputs["dest"], num_oov_buckets=1),
        "departure": departure,
        "block": block,
        "distance": inputs["distance"],
        "label": inputs["arr_delay"] > 15,
    }


@hr.pipeline
def flights(
    data: Path = HERE / "data", first: int = 1, last: int = 6, evaluate: int = 7, watch: int = 8, trees: int = 100
):
    """Train on the months ``first`` to ``last``, evaluate on ``evaluate``, compare ``watch`` with the training data."""
    raw = example_gen(
        {"past": months(data, first, last), "test": months(data, evaluate, evaluate)},
        splits={"past": SPLITS},
        # Flights of one day share its weather: only whole days set aside tell when to stop learning.
        by=["month", "day"],
    )
    examples = arrived(raw)
    statistics = statistics_gen(examples)
    schema = schema_gen(statistics, curated=HERE / "schema.yaml")
    anomalies = example_validator(statistics, schema)
    graph, transformed = transform(examples, schema, preprocessing_fn, after=anomalies)
    model = trainer(
        transformed,
        graph,
        hr.BoostedTreesClassifier(label="label", n_trees=trees, learning_rate=0.1, min_rows_per_leaf=200),
    )
    evaluation = evaluator(
        examples,
        model,
        hr.EvalConfig(
            metrics=["auc", "pr_auc", "log_loss", "calibration"],
            slices=["origin", "carrier"],
            min_slice_rows=100,
            thresholds={"auc": {"min": 0.65}},
            change_thresholds={"auc": {"min_change": -0.005}},
        ),
        split="test",
        baseline="flights",
    )
    crash_test = infra_validator(model, examples, split="test")

    # What the model learned from goes with it, and is what a later month is compared with.
    learned_from = statistics_gen.with_name("learned_from")(examples, splits=["train"])
    pusher(model, evaluation, crash_test, to="flights", statistics=learned_from)

    # Steps of their own, so that watching another month trains nothing anew.
    later = arrived.with_name("later_arrived")(example_gen.with_name("later")(months(data, watch, watch)))
    seen = statistics_gen.with_name("later_statistics")(later)
    # Drift is news and no failure: the anomalies are kept, and the run is done.
    example_validator.with_name("drift")(seen, schema, previous=learned_from, stop_on="never")
