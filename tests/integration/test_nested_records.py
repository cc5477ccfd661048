"""Records with an object and a list in them, in spans, from the files to a published model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.integration.conftest import Project

import headrace as hr
from headrace.metadata import MetadataReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COLUMNS = [
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship"),
    *("race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income_bracket"),
]

PIPELINE = """
import headrace as hr
from headrace import transform as tft
from headrace.components import (
    evaluator, example_gen, example_validator, pusher, schema_gen, statistics_gen, trainer, transform,
)


def preprocessing_fn(inputs):
    return {
        "age": tft.scale_to_z_score(inputs["age"]),
        "marital_status": tft.compute_and_apply_vocabulary(inputs["marital_status"], num_oov_buckets=1),
        "occupation": tft.compute_and_apply_vocabulary(inputs["occupation"], num_oov_buckets=1),
        "label": inputs["income_bracket"] == ">50K",
    }


@hr.pipeline
def nested():
    people = hr.json_lines("data/day-{SPAN}-v{VERSION}.jsonl", spans=(1, 2))
    examples = example_gen(people, splits={"train": 7, "eval": 1, "test": 2})
    statistics = statistics_gen(examples, slices=["sex"])
    schema = schema_gen(statistics)
    anomalies = example_validator(statistics, schema, examples=examples, stop_on="never")
    graph, transformed = transform(examples, schema, preprocessing_fn, after=anomalies)
    model = trainer(transformed, graph, hr.BoostedTreesClassifier(label="label", n_trees=10))
    config = hr.EvalConfig(metrics=["auc"], thresholds={"auc": {"min": 0.6}})
    pusher(model, evaluator(examples, model, config, split="test"), to="nested", statistics=statistics)
"""


def write_days(folder: Path, census: Path) -> None:
    """Write 600 people into each of two days, the second of them in two versions, the first of which is broken."""
    with (census / "adult.data").open(encoding="utf-8") as file:
        rows = [dict(zip(COLUMNS, next(file).strip().split(", "), strict=True)) for _ in range(1200)]
    lines = []
    for row in rows:
        gains = [int(row.pop("capital_gain")), int(row.pop("capital_loss"))]
        home = {"country": row.pop("native_country"), "family": {"relationship": row.pop("relationship")}}
        numbers = {name: int(row[name]) for name in ("age", "fnlwgt", "education_num", "hours_per_week")}
        lines.append(json.dumps(row | numbers | {"home": home, "gains": [gain for gain in gains if gain]}) + "\n")
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "day-1-v1.jsonl").write_text("".join(lines[:600]), "utf-8")
    (folder / "data" / "day-2-v1.jsonl").write_text("{}\n", "utf-8")
    (folder / "data" / "day-2-v2.jsonl").write_text("".join(lines[600:]) + '{"age": \n', "utf-8")
    (folder / "pipeline.py").write_text(PIPELINE, "utf-8")


@pytest.fixture(scope="session")
def nested(once: Callable[[str, Callable[[Path], object]], Path], census_dir: Path) -> Project:
    """Return a project whose records were run; to be read, not changed."""

    def build(folder: Path) -> None:
        write_days(folder, census_dir)
        steps = Project(folder).run()
        assert set(steps.values()) == {"finished"}, steps

    return Project(once("nested", build))


def test_what_was_read_is_said(nested: Project) -> None:
    with MetadataReader(nested.home) as reader:
        *_, examples = reader.artifacts(type_name="Examples")
    found = examples.properties
    assert (found["rows_read"], found["rows_set_aside"]) == (1200, 1)
    assert [(one["span"], one["version"]) for one in found["spans"]["all"]] == [(1, 1), (2, 2)]


def test_the_model_uses_none_of_the_nested_columns_and_predicts(nested: Project) -> None:
    model = hr.load_model(nested.version("nested").path)
    rows = [{"age": 40, "marital_status": "Married-civ-spouse", "occupation": "Sales"}]
    assert model.predict(rows)["probabilities"].shape == (1, 2)


def test_statistics_beside_the_model_have_the_nested_fields(nested: Project) -> None:
    kept = hr.Statistics.load(nested.version("nested").path / "statistics.json")
    assert kept.names == ("train", "eval", "test")
    assert {"home.country", "home.family.relationship", "gains"} <= set(kept["train"].names)


def test_the_report_shows_spans_fields_and_slices(nested: Project) -> None:
    nested.cli("report", "last", "--output", "report.html")
    page = (nested.folder / "report.html").read_text("utf-8")
    for said in ("Spans that were read", "day-2-v2.jsonl", "home.family.relationship", "6 slices"):
        assert said in page, said
    assert "day-2-v1.jsonl" not in page


def test_a_run_of_the_same_spans_is_reused(nested: Project) -> None:
    # Another span, and an older version, are not of the run.
    (nested.folder / "data" / "day-3-v1.jsonl").write_text("{}\n", "utf-8")
    try:
        assert set(nested.run().values()) == {"reused"}
    finally:
        (nested.folder / "data" / "day-3-v1.jsonl").unlink()
