"""The crash test refuses models that really crash, hang, swell or answer differently."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pyarrow as pa
import pytest
from onnx import TensorProto, helper

from headrace.errors import RequestError, ServingError
from headrace.model import load_model, save_model, signature_of
from headrace.serving import BackgroundServer, canary, crash_test

if TYPE_CHECKING:
    from pathlib import Path


def _swelling(folder: Path, megabytes: int) -> Path:
    """Write a model that holds ``megabytes`` for every row."""
    count = megabytes * 2**20 // 4
    graph = helper.make_graph(
        [
            helper.make_node("Reshape", ["x", "one"], ["column"]),
            helper.make_node("Expand", ["column", "shape"], ["wide"]),
            helper.make_node("ReduceMax", ["wide", "axis"], ["predictions"], keepdims=1),
        ],
        "swelling",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N"])],
        [helper.make_tensor_value_info("predictions", TensorProto.FLOAT, ["N", 1])],
        [
            helper.make_tensor("one", TensorProto.INT64, [2], [-1, 1]),
            helper.make_tensor("shape", TensorProto.INT64, [2], [1, count]),
            helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    return save_model(folder, model, signature_of(model))


def _slow(folder: Path) -> Path:
    """Write a model that counts for a long time when x is larger than 1."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Sin", ["v"], ["next"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
        ],
    )
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMax", ["x"], ["top"], keepdims=0),
            helper.make_node("Greater", ["top", "limit"], ["go"]),
            helper.make_node("Loop", ["trips", "go", "x"], ["y"], body=body),
            helper.make_node("Reshape", ["y", "column"], ["predictions"]),
        ],
        "slow",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N"])],
        [helper.make_tensor_value_info("predictions", TensorProto.FLOAT, ["N", 1])],
        [
            helper.make_tensor("trips", TensorProto.INT64, [], [10**9]),
            helper.make_tensor("limit", TensorProto.FLOAT, [], [1.0]),
            helper.make_tensor("column", TensorProto.INT64, [2], [-1, 1]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    return save_model(folder, model, signature_of(model))


def test_a_good_model_passes(model: Path, graphs: Any) -> None:
    rows = graphs.rows(100)
    rows[3]["hours"] = float("nan")
    result = crash_test(model, pa.Table.from_pylist(rows), max_memory_mb=2000)
    assert result.reason is None
    assert result.ok
    assert (result.rows, result.rows_left_out, result.requests) == (99, 1, 20 + 2)
    assert result.latency_ms is not None
    assert 0 < result.latency_ms["p50"] <= result.latency_ms["p99"] <= result.latency_ms["max"]
    assert result.peak_memory_mb is not None
    assert 20 < result.peak_memory_mb < 2000
    assert result.to_dict()["ok"] is True


def test_a_corrupt_file_is_refused(model: Path, graphs: Any) -> None:
    content = bytearray((model / "model.onnx").read_bytes())
    (model / "model.onnx").write_bytes(content[: len(content) // 2])
    result = crash_test(model, graphs.rows(3))
    assert not result.ok
    assert "ONNX Runtime can load" in (result.reason or "")


def test_an_absent_model_and_absent_rows(model: Path, tmp_path: Path) -> None:
    assert "holds a model.onnx" in (crash_test(tmp_path / "nothing", [{"x": 1.0}]).reason or "")
    assert "no request can carry" in (crash_test(model, pa.table({"hours": [np.nan]})).reason or "")
    with pytest.raises(RequestError, match="At least one row"):
        crash_test(model, pa.table({"hours": []}))


def test_rows_that_the_model_cannot_take_are_a_reason(model: Path) -> None:
    result = crash_test(model, [{"hours": 3.0}])
    assert not result.ok
    assert "'age' is missing" in (result.reason or "")


def test_too_much_memory_kills_the_server(tmp_path: Path) -> None:
    result = crash_test(_swelling(tmp_path / "m", 60), [{"x": float(i)} for i in range(64)], max_memory_mb=700)
    assert not result.ok
    assert "700 MiB are allowed" in (result.reason or "")


def test_an_answer_that_takes_too_long(tmp_path: Path) -> None:
    result = crash_test(_slow(tmp_path / "m"), [{"x": 0.5}, {"x": 2.0}], request_timeout_s=1.0)
    assert not result.ok
    assert "Timeout" in (result.reason or "")
    assert result.requests == 1


def test_a_start_that_takes_too_long(model: Path, graphs: Any) -> None:
    result = crash_test(model, graphs.rows(2), timeout_s=0.01)
    assert not result.ok
    assert "within 0.01 s" in (result.reason or "")


def test_a_server_that_dies_during_the_replay(model: Path, graphs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(url: str, *_: Any) -> None:
        pid = servers[0]
        os.kill(pid, signal.SIGSEGV)
        raise ServingError("The server must answer", got="RemoteDisconnected")

    servers: list[int] = []
    start = canary._MemoryWatch.start

    def remember(watch: Any, pid: int) -> None:
        servers.append(pid)
        start(watch, pid)

    monkeypatch.setattr(canary._MemoryWatch, "start", remember)
    monkeypatch.setattr(canary._Replay, "run", lambda self, url, *rest: run(url, *rest))
    result = crash_test(model, graphs.rows(2))
    assert not result.ok
    assert "SIGSEGV" in (result.reason or "")
    assert threading.active_count() < 20


def test_a_server_that_answers_differently(model: Path, make_model: Any, graphs: Any, tmp_path: Path) -> None:
    replay = canary._Replay()
    with BackgroundServer(models={"candidate": make_model(tmp_path / "other", seed=1)}) as server:
        with pytest.raises(ServingError, match="bit for bit"):
            replay.run(server.url, model, graphs.rows(5), 64, 10.0)
        replay.run(server.url, tmp_path / "other", graphs.rows(5), 64, 10.0)
    one_ulp = load_model(model).predict(graphs.rows(1))
    plain = [{name: array[0].tolist() for name, array in one_ulp.items()}]
    canary._compare(load_model(model), 0, graphs.rows(1), plain)
    plain[0]["logits"] = [float(np.nextafter(one_ulp["logits"][0, 0], np.float32(9)))]
    with pytest.raises(ServingError, match="at most 1 units in the last place"):
        canary._compare(load_model(model), 0, graphs.rows(1), plain)
