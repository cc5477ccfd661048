"""A page with every primitive on it."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from headrace import viz

NAN = math.nan


def _bell(centre: float, spread: float, size: int, bins: int = 24) -> tuple[list[float], list[float]]:
    edges = [17 + index * 73 / bins for index in range(bins + 1)]
    middles = [(a + b) / 2 for a, b in pairwise(edges)]
    return edges, [round(size * math.exp(-(((m - centre) / spread) ** 2) / 2)) for m in middles]


def build_demo() -> str:
    nodes = [
        viz.DagNode("examples", "example_gen", "1.4 s", "done", "#tables"),
        viz.DagNode("statistics", "statistics_gen", "0.9 s", "done"),
        viz.DagNode("schema", "schema_gen", "cached", "cached"),
        viz.DagNode("validator", "example_validator", "cached", "cached"),
        viz.DagNode("transform", "transform", "3.2 s", "done"),
        viz.DagNode("tuner", "tuner", "waiting for a slot", "waiting"),
        viz.DagNode("trainer", "trainer", "epoch 4 of 10", "running"),
        viz.DagNode("evaluator", "evaluator", "0.94 AUC", "blessed"),
        viz.DagNode("infra", "infra_validator", "exit code 1", "failed"),
        viz.DagNode("bulk", "bulk_inferrer", "not reached", "skipped"),
        viz.DagNode("pusher", "pusher", "by hand", "cancelled"),
    ]
    edges = [
        ("examples", "statistics"),
        ("statistics", "schema"),
        ("statistics", "validator"),
        ("schema", "validator"),
        ("examples", "transform"),
        ("schema", "transform"),
        ("validator", "transform"),
        ("transform", "tuner"),
        ("transform", "trainer"),
        ("tuner", "trainer"),
        ("trainer", "evaluator"),
        ("trainer", "infra"),
        ("examples", "evaluator"),
        ("examples", "infra"),
        ("evaluator", "pusher"),
        ("infra", "pusher"),
        ("trainer", "pusher"),
        ("trainer", "bulk"),
    ]
    train, other = _bell(38, 13, 3200), _bell(42, 16, 900)
    skewed = ([0.0, 1, 5, 20, 100, 2000, 10000, 99999], [30000.0, 12, 40, 320, 900, 700, 159])
    roc = [(x / 50, (x / 50) ** 0.25) for x in range(51)]
    curve = {
        "train": [(float(e), 0.32 + 0.3 * math.exp(-e / 4)) for e in range(20)],
        "eval": [(float(e), 0.345 + 0.26 * math.exp(-e / 3.5) + 0.001 * e) for e in range(20)],
    }
    features: list[tuple[str, list[float], list[float], float, int, float | None]] = [
        ("age", train[1], other[1], 0.0, 73, 38.58),
        ("workclass", [22696, 2541, 2093, 1298, 1116], [5700, 620, 530, 340, 290], 0.0564, 8, None),
        ("capital_gain", skewed[1], skewed[1], 0.0, 119, 1077.6),
        ("<script>alert('x')</script>", [], [], 1.0, 0, NAN),
    ]
    charts = viz.cards(
        viz.card("age", viz.histogram(*train, name="train", overlays={"eval": other}, label="age by split")),
        viz.card("age, logarithmic", viz.histogram(*train, name="train", log=True, x_label="years")),
        viz.card("capital_gain, uneven bins", viz.histogram(*skewed, log=True, x_label="dollars")),
        viz.card("nothing", viz.histogram([], [], label="empty")),
        viz.card(
            "education",
            viz.bars(
                ["HS-grad", "Some-college", "Bachelors", "Masters", "A name that is far too long to be shown whole"],
                [10501, 7291, 5355, 1723, 1382],
            ),
        ),
        viz.card(
            "sex",
            viz.bars(
                ["Male", "Female", "unknown"],
                [0.669, 0.331, NAN],
                overlays={"eval": [0.661, 0.336, 0.003]},
                name="train",
                format=viz.percent,
            ),
        ),
        viz.card("Loss", viz.lines(curve, x_label="epoch", y_label="loss")),
        viz.card(
            "ROC",
            viz.lines(
                {"census/4": roc, "census/3": [(x, y**1.6) for x, y in roc]},
                x_range=(0, 1),
                y_range=(0, 1),
                diagonal=True,
                x_label="false positive rate",
                y_label="true positive rate",
                points=False,
            ),
        ),
        viz.card(
            "Calibration",
            viz.lines(
                {"census/4": [(x / 10, (x / 10) ** 1.15) for x in range(11)]},
                x_range=(0, 1),
                y_range=(0, 1),
                diagonal=True,
                x_label="predicted",
                y_label="observed",
            ),
        ),
        viz.card(
            "AUC by slice",
            viz.intervals(
                ["overall", "sex = Female", "sex = Male", "education = Doctorate"],
                [
                    viz.Interval(0.921, 0.916, 0.926),
                    viz.Interval(0.937, 0.927, 0.946),
                    viz.Interval(0.902, 0.895, 0.908),
                    viz.Interval(0.861, 0.80, 0.912),
                ],
                threshold=0.9,
                width=460,
            ),
        ),
    )
    table = viz.table(
        [
            viz.Column("feature"),
            viz.Column("distribution", "markup"),
            viz.Column("missing", "number", viz.percent),
            viz.Column("distinct", "number"),
            viz.Column("mean", "number", help="of the values that are present"),
            viz.Column("verdict", "markup"),
        ],
        [
            [
                name,
                viz.spark(values, overlay=more, label=f"distribution of {name}"),
                viz.Cell(viz.meter(missing, viz.percent(missing), "warn" if missing else "muted"), missing),
                distinct,
                mean,
                viz.badge("anomaly", "bad") if missing == 1 else viz.badge("fine", "good"),
            ]
            for name, values, more, missing, distinct, mean in features
        ],
    )
    verdicts = viz.join(
        [
            viz.badge("blessed", "good"),
            viz.badge("pushed census/4", "info"),
            viz.badge("2 anomalies", "bad"),
            viz.badge("5 of 10 cached", "muted"),
            viz.badge("late", "warn"),
        ]
    )
    words = viz.join(
        [
            viz.note("Education has a value that the schema does not know.", "warn"),
            viz.note(viz.join(["Run ", viz.code("headrace run pipeline.py"), " again to continue."])),
            viz.key_values(
                {
                    "run": "2026-11-20-7c1d",
                    "duration": viz.duration(83.2),
                    "rows": 32561,
                    "cached": True,
                    "nothing": None,
                }
            ),
            viz.details(
                "Log of trainer", viz.code("epoch 1  loss 0.41\nepoch 2  loss 0.37 <b>", block=True), open=True
            ),
            viz.details("Log of pusher", viz.code("pushed", block=True)),
        ]
    )
    lines = viz.join(
        [
            viz.spark([0.4, 0.38, None, 0.36, 0.35, 0.352], kind="line", label="loss"),
            viz.interval(0.91, 0.9, 0.92, x_range=(0.85, 1), threshold=0.9, label="auc"),
        ],
        " ",
    )
    right = viz.dag(
        [
            viz.DagNode("age", "age", "float64, may be missing", "input"),
            viz.DagNode("m", "mean", "38.58", "done"),
            viz.DagNode("z", "scale_to_z_score", "float32", "output"),
        ],
        [("age", "m"), ("m", "z"), ("age", "z"), ("z", "age"), ("nobody", "z")],
        direction="right",
    )
    return viz.page(
        "Run census & co",
        viz.Section("graph", "Graph", viz.join([viz.dag(nodes, edges), right]), "11 steps, 5 cached"),
        viz.Section("charts", "Charts", charts),
        viz.Section("tables", "Tables", viz.join([table, lines])),
        viz.Section("words", "Words", words),
        subtitle="pipeline census, 20 November 2026",
        header=viz.tag("p", verdicts, style="margin-top:14px"),
    )


@pytest.fixture(scope="session")
def demo() -> str:
    return build_demo()


if __name__ == "__main__":
    import sys
    from pathlib import Path

    Path(sys.argv[1]).write_text(build_demo(), encoding="utf-8")
