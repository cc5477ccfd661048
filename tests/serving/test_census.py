"""The main road: a model of real census rows, tried on every path."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING

import pytest

from headrace.model import compose, load_model, save_model, signature_of
from headrace.serving import BackgroundServer, crash_test, verify

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import ndonnx as ndx
    import pyarrow as pa
    from tests.conftest import CensusSource


def _preprocess(inputs: Mapping[str, ndx.Array]) -> dict[str, ndx.Array]:
    from headrace import transform as tft

    return {
        "age": tft.scale_to_z_score(inputs["age"]),
        "hours": tft.bucketize(inputs["hours_per_week"], num_buckets=10),
        "education": tft.compute_and_apply_vocabulary(inputs["education"], num_oov_buckets=1),
        "occupation": tft.compute_and_apply_vocabulary(inputs["occupation"], num_oov_buckets=1),
        "label": inputs["income"] == ">50K",
    }


@pytest.fixture(scope="module")
def rows(census_source: CensusSource) -> pa.Table:
    """Return rows of adult.data as they were written."""
    return census_source("adult.data").dataset().to_table().slice(0, 4000).combine_chunks()


@pytest.fixture(scope="module")
def census(rows: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model of them."""
    pytest.importorskip("lightgbm")
    import pyarrow as pa

    from headrace import data
    from headrace import transform as tft
    from headrace.estimators import BoostedTreesClassifier

    graph = tft.analyze(data.dataset_from_table(rows), _preprocess)
    features = [feature for feature in graph.outputs if feature.name != "label"]
    transformed = pa.Table.from_batches([graph.transform_batch(rows.to_batches()[0])])
    estimator = BoostedTreesClassifier(label="label")
    estimator.fit(data.dataset_from_table(transformed), features)
    joined = compose(graph.to_onnx([feature.name for feature in features]), estimator.to_onnx())
    signature = signature_of(joined, classes=["<=50K", ">50K"], ignored=rows.column_names)
    return save_model(tmp_path_factory.mktemp("census"), joined, signature, labels=graph.to_onnx(["label"]))


def test_every_path_agrees_and_the_crash_test_passes(census: Path, rows: pa.Table) -> None:
    report = verify(census, rows, batch_sizes=(1, 7, 64, None), max_rows=300)
    assert report.ok, str(report)
    result = crash_test(census, rows, max_memory_mb=2048)
    assert result.ok, result.reason
    labels = load_model(census).labels
    assert labels is not None
    assert labels.run(rows.to_batches()[0])["label"].mean() == pytest.approx(0.24, abs=0.03)


def test_a_body_of_100_megabytes_is_refused_and_the_server_lives(census: Path, rows: pa.Table) -> None:
    with BackgroundServer(models={"census": census}) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("POST", "/v1/models/census:predict", b"[" * 100_000_000)
        response = connection.getresponse()
        assert response.status == 413
        assert "67108864 bytes at most" in json.loads(response.read())["error"]
        connection.close()
        connection.request("POST", "/v1/models/census:predict", json.dumps({"instances": rows.slice(0, 2).to_pylist()}))
        assert len(json.loads(connection.getresponse().read())["predictions"]) == 2
        connection.close()
