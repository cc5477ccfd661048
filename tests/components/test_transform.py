from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pytest

from headrace import transform as tft
from headrace.components import Schema, transform
from headrace.errors import TransformError
from headrace.pipeline.context import StepContext, running

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import ndonnx as ndx

    from headrace.components import Examples, TransformGraph


def test_every_split_is_transformed_by_what_one_split_says(
    examples: Examples, graph: TransformGraph, transformed: Examples
) -> None:
    assert transformed.summary["rows"] == examples.summary["rows"]
    assert transformed.splits == examples.splits
    scaled = {split: transformed.split(split).to_table(["age"]).column(0) for split in transformed.splits}
    assert pc.mean(scaled["train"]).as_py() == pytest.approx(0, abs=1e-6)
    assert abs(pc.mean(scaled["test"]).as_py()) > 1e-4
    ages = examples.split("train").to_table(["age"]).column(0)
    mean, spread = pc.mean(ages).as_py(), pc.stddev(ages).as_py()
    first = examples.split("test").to_table(["age"]).column(0)[0].as_py()
    assert scaled["test"][0].as_py() == pytest.approx((first - mean) / spread, rel=1e-5)
    assert graph.properties["analyzed_split"] == "train"


def test_the_graph_is_the_one_that_made_the_features(
    examples: Examples, graph: TransformGraph, transformed: Examples
) -> None:
    loaded = graph.load()
    assert [spec.name for spec in loaded.outputs] == graph.properties["features"]
    assert loaded.transform(examples.split("test")).to_table() == transformed.split("test").to_table()


def test_columns_that_need_not_be_there_may_be_missing_in_requests(examples: Examples, schema: Schema) -> None:
    from msgspec.structs import replace

    described = schema.load()
    known = Schema.create()
    described.with_feature(replace(described["age"], min_fraction=0.9)).save(known.path / "schema.yaml")

    def ages(inputs: Mapping[str, ndx.Array]) -> dict[str, ndx.Array]:
        return {"age": tft.fill_missing(inputs["age"], 0)}

    for described_by, may_be_missing in ((schema, False), (known, True)):
        graph, _ = transform(examples, described_by, ages)
        assert [column.may_be_missing for column in graph.load().inputs if column.name == "age"] == [may_be_missing]


def test_the_first_split_is_analyzed_where_there_is_no_training_split(examples: Examples, schema: Schema) -> None:
    def ages(inputs: Mapping[str, ndx.Array]) -> dict[str, ndx.Array]:
        return {"age": tft.scale_to_z_score(inputs["age"])}

    graph, _ = transform(examples, schema, ages, analyze_split="all")
    assert graph.properties["analyzed_split"] == "train"


def test_the_analyzed_split_has_target_encodings_without_its_own_labels(examples: Examples, schema: Schema) -> None:
    def encoded(inputs: Mapping[str, ndx.Array]) -> dict[str, ndx.Array]:
        target = inputs["income_bracket"] == ">50K"
        return {"education": tft.target_encode(inputs["education"], target, fold_by=inputs["fnlwgt"])}

    graph, transformed = transform(examples, schema, encoded)
    loaded = graph.load()
    for split, training in (("train", True), ("test", False)):
        features = transformed.split(split).to_table()
        assert features == loaded.transform(examples.split(split), training=training).to_table()
        assert features != loaded.transform(examples.split(split), training=not training).to_table()


def test_a_mistake_in_the_function_names_its_line(examples: Examples, schema: Schema) -> None:
    def wrong(inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"age": 1.0 if inputs["age"] > 17 else 0.0}

    with pytest.raises(TransformError, match=r"test_transform\.py"):
        transform(examples, schema, wrong)


def test_a_split_without_rows_keeps_its_columns(examples: Examples, schema: Schema) -> None:
    empty = examples.map(lambda batch: batch.slice(0, 0))
    few = type(examples).create()
    for split, origin in (("train", examples), ("eval", empty)):
        shutil.copytree(origin.path / split, few.path / split)
    few.describe({"rows": {"train": examples.summary["rows"]["train"], "eval": 0}})

    def ages(inputs: Mapping[str, ndx.Array]) -> dict[str, ndx.Array]:
        return {"age": tft.scale_to_z_score(inputs["age"])}

    _, transformed = transform(few, schema, ages)
    assert transformed.summary["rows"]["eval"] == 0
    assert transformed.split("eval").schema == transformed.split("train").schema
    assert transformed.split("eval").to_table().num_rows == 0


def test_an_analysis_is_kept_between_runs(examples: Examples, schema: Schema, tmp_path: Path) -> None:
    def ages(inputs: Mapping[str, ndx.Array]) -> dict[str, ndx.Array]:
        return {"age": tft.scale_to_z_score(inputs["age"])}

    found = []
    for run in ("first", "second"):
        place = tmp_path / run
        step = StepContext(run, "transform", "0", tmp_path / "home", place / "scratch", place / "staging")
        with running(step):
            graph, _ = transform(examples, schema, ages, analyzer_cache=True)
        found.append(graph)
    first, second = (graph.properties for graph in found)
    assert first["parts_known"] == second["parts_read"] == 0
    assert first["parts_read"] == second["parts_known"] > 0
    assert found[0].load().to_onnx() == found[1].load().to_onnx()
