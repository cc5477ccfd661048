"""Rows with lists on their way from a file to a served model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import headrace as hr
from headrace import transform as tft
from headrace.components import (
    bulk_inferrer,
    evaluator,
    example_gen,
    example_validator,
    infra_validator,
    schema_gen,
    statistics_gen,
    trainer,
    transform,
)
from headrace.errors import HeadraceError
from headrace.serving import BackgroundServer, ModelClient

if TYPE_CHECKING:
    from pathlib import Path


def preprocessing(inputs: Any) -> dict[str, Any]:
    tags = tft.compute_and_apply_vocabulary(inputs["tags"], num_oov_buckets=1)
    return {
        "tags": tft.multi_hot(tags),
        "total": tft.scale_to_z_score(tft.list_sum(inputs["prices"])),
        "first": tft.pad_lists(inputs["prices"], 2, -1.0),
        "label": inputs["bought"],
    }


def record(rng: np.random.Generator) -> dict[str, Any]:
    tags = [str(tag) for tag in rng.choice(["new", "sale", "red", "é🎈"], rng.integers(0, 4), replace=False)]
    prices = [None if rng.random() < 0.1 else round(float(price), 2) for price in rng.gamma(2.0, 5.0, 3)]
    row: dict[str, Any] = {"prices": prices[: rng.integers(0, 4)], "bought": int("sale" in tags)}
    return row if rng.random() < 0.1 else {**row, "tags": tags}


def test_from_the_file_to_the_server(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    rows = [record(rng) for _ in range(600)]
    (tmp_path / "carts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    examples = example_gen(hr.json_lines(tmp_path / "carts.jsonl"), splits={"train": 7, "eval": 3})
    statistics = statistics_gen(examples)
    schema = schema_gen(statistics)
    assert example_validator(statistics, schema).load().ok
    graph, transformed = transform(examples, schema, preprocessing)
    assert [(one.name, one.size, one.may_be_missing) for one in graph.load().inputs] == [
        ("prices", "M", False),
        ("bought", None, False),
        ("tags", "M", True),
    ]
    assert graph.load().verify(examples.split("train"), max_rows=200).ok
    model = trainer(transformed, graph, hr.BoostedTreesClassifier(label="label", n_trees=15))
    config = hr.EvalConfig(metrics=["auc"], thresholds={"auc": {"min": 0.9}})
    assert evaluator(examples, model, config).load().blessed
    assert infra_validator(model, examples, rows=30).verdict["ok"]

    held_out = examples.split("eval").to_table()
    wanted = model.load().predict(held_out)["probabilities"]
    inferred = bulk_inferrer(examples, model, splits=["eval"]).dataset("eval").to_table()
    found = np.array(inferred["probabilities"].to_pylist(), np.float32)
    np.testing.assert_array_equal(found, wanted)

    few = held_out.slice(0, 20).drop_columns(["bought"]).to_pylist()
    with BackgroundServer(models={"carts": model.path}) as server, ModelClient(server.url) as client:
        answers = client.predict("carts", few)
        np.testing.assert_array_equal(np.array([one["probabilities"] for one in answers], np.float32), wanted[:20])
        # An absent list is a missing one where the training data had such rows, and else a mistake.
        assert client.predict("carts", [{"prices": [1.5]}, {"prices": [None], "tags": None}])
        with pytest.raises(HeadraceError, match="field 'prices' is missing"):
            client.predict("carts", [{"tags": ["new"]}])
        with pytest.raises(HeadraceError, match="item 1 is true"):
            client.predict("carts", [{"prices": [1, True]}])
