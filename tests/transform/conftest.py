"""Helpers of the transform's tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ndonnx as ndx
import pyarrow as pa
import pytest

from headrace.data import dataset_from_table
from headrace.transform import TransformGraph, analyze

Function = Callable[[Mapping[str, ndx.Array]], Mapping[str, ndx.Array]]
Run = Callable[..., dict[str, list[Any]]]


@pytest.fixture
def run() -> Run:
    """Analyze a function over columns and return the transformed columns."""

    def call(function: Function, rows_per_shard: int = 3, **columns: Any) -> dict[str, list[Any]]:
        dataset = dataset_from_table(pa.table(columns), rows_per_shard)
        graph: TransformGraph = analyze(dataset, function)
        found: dict[str, list[Any]] = graph.transform(dataset).to_table().to_pydict()
        return found

    return call
