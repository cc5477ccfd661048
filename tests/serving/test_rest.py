"""TensorFlow Serving's REST interface, asked without a network."""

from __future__ import annotations

import asyncio
import inspect
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from headrace.model import load_model, save_model, signature_of
from headrace.serving.http import Request, Response
from headrace.serving.repository import ModelRepository
from headrace.serving.rest import RestApi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Ask = Callable[..., tuple[int, Any]]

ROW = {"age": 30, "hours": 40.0, "job": "tech"}


def _regressor(folder: Path, *, log: bool = False) -> Path:
    nodes = [
        helper.make_node("Log", ["x"], ["y"]) if log else helper.make_node("Identity", ["x"], ["y"]),
        helper.make_node("Reshape", ["y", "column"], ["predictions"]),
    ]
    graph = helper.make_graph(
        nodes,
        "regressor",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N"])],
        [helper.make_tensor_value_info("predictions", TensorProto.FLOAT, ["N", 1])],
        [helper.make_tensor("column", TensorProto.INT64, [2], [-1, 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    return save_model(folder, model, signature_of(model))


def _sums(folder: Path) -> Path:
    nodes = [
        helper.make_node("Where", ["x__absent", "nought", "x"], ["there"]),
        helper.make_node("ReduceSum", ["there", "axis"], ["predictions"], keepdims=1),
    ]
    graph = helper.make_graph(
        nodes,
        "sums",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", None]),
            helper.make_tensor_value_info("x__absent", TensorProto.BOOL, ["N", None]),
        ],
        [helper.make_tensor_value_info("predictions", TensorProto.FLOAT, ["N", 1])],
        [
            helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
            helper.make_tensor("nought", TensorProto.FLOAT, [], [0.0]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    return save_model(folder, model, signature_of(model))


@pytest.fixture
def ask(model: Path, tmp_path: Path) -> Iterator[Ask]:
    """Return what sends a request and gives status and decoded body."""
    models = {"census": model, "plain": _regressor(tmp_path / "plain"), "log": _regressor(tmp_path / "log", log=True)}
    models["sums"] = _sums(tmp_path / "sums")
    repository = ModelRepository(models=models)
    repository.scan()
    with ThreadPoolExecutor(1) as pool:
        api = RestApi(repository, pool)

        def ask(method: str, path: str, document: Any = None) -> tuple[int, Any]:
            body = (
                document if isinstance(document, bytes) else b"" if document is None else json.dumps(document).encode()
            )
            answer = api(Request(method, path, {}, body))
            if not isinstance(answer, Response):
                assert inspect.iscoroutine(answer)
                answer = asyncio.run(answer)
            return answer.status, json.loads(answer.body)

        yield ask


def _predict(ask: Ask, document: Any, path: str = "/v1/models/census:predict") -> tuple[int, Any]:
    return ask("POST", path, document)


def test_a_classifier_answers_objects(ask: Ask) -> None:
    status, answer = _predict(ask, {"instances": [ROW, {"age": 30.0, "note": "dropped"}]})
    assert status == 200
    assert [set(row) for row in answer["predictions"]] == [{"probabilities", "logits", "classes", "logistic"}] * 2
    assert len(answer["predictions"][0]["probabilities"]) == 2
    status, answer = _predict(ask, {"signature_name": "serving_default", "inputs": {"age": [30, 31]}})
    assert status == 200
    assert np.shape(answer["outputs"]["probabilities"]) == (2, 2)


def test_one_output_and_one_input_are_bare_values(ask: Ask) -> None:
    path = "/v1/models/plain:predict"
    assert _predict(ask, {"instances": [1.5, {"x": 2}]}, path) == (200, {"predictions": [[1.5], [2.0]]})
    assert _predict(ask, {"inputs": [1.5, 2]}, path) == (200, {"outputs": [[1.5], [2.0]]})


def test_a_float32_loses_no_bit(ask: Ask, model: Path) -> None:
    _, answer = _predict(ask, {"instances": [ROW]})
    expected = load_model(model).predict([ROW])["probabilities"]
    assert np.array_equal(np.float32(answer["predictions"][0]["probabilities"]), expected[0])


def test_many_rows_go_through_a_thread(ask: Ask) -> None:
    status, answer = _predict(ask, {"instances": [ROW] * 300})
    assert (status, len(answer["predictions"])) == (200, 300)
    status, answer = _predict(ask, {"instances": [ROW] * 5000})
    assert (status, len(answer["predictions"])) == (200, 5000)
    status, answer = _predict(ask, {"instances": [ROW] * 5000 + [{"age": "x"}]})
    assert status == 400
    assert "row 5000" in answer["error"]


def test_infinity_is_a_token(model: Path, ask: Ask) -> None:
    assert _predict(ask, {"instances": [0.0, -1.0, 1.0]}, "/v1/models/log:predict") == (
        200,
        {"predictions": [[-np.inf], [pytest.approx(np.nan, nan_ok=True)], [0.0]]},
    )


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"  ", "JSON Parse error: The document is empty"),
        (b"{", "JSON Parse error"),
        (b"\xff\xfe", "JSON Parse error"),
        (b'{"instances": [{"age": "\xff"}]}', "JSON Parse error"),
        (b"[" * 100_000, "JSON Parse error"),
        (b'{"instances": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too deeply"),
        (b"NaN" + b"[" * 100_000, "JSON Parse error"),
        ([], "must be an object"),
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"instance": []}, "Missing 'inputs' or 'instances' key"),
        ({"instances": [ROW], "inputs": {}}, "Not formatted correctly"),
        ({"instances": ROW}, "must be a list"),
        ({"instances": []}, "at least one row"),
        ({"instances": [1]}, "not an object"),
        ({"inputs": []}, "object of lists"),
        ({"inputs": {}}, "may not be empty"),
        ({"inputs": {"age": []}}, "'inputs' must have at least one row"),
        ({"inputs": {"age": 0}}, "list of values"),
        (b"null", "must be an object; got null"),
        ("x", "must be an object; got a string"),
        ({"inputs": {"age": 3}}, "list of values"),
        ({"inputs": {"age": [1], "hours": [1, 2]}}, "one length"),
        ({"inputs": {"agee": [1]}}, "Did you mean 'age'"),
        ({"inputs": {"hours": [1]}}, "'age' is missing"),
        ({"signature_name": 3, "instances": [ROW]}, "'signature_name' key must be a string value."),
        ({"signature_name": "nope", "instances": [ROW]}, 'key "nope" not found'),
        ({"instances": [ROW | {"hours": "x"}]}, "not of expected type: float"),
        ({"instances": [ROW | {"age": True}]}, "not of expected type: int64"),
        ({"instances": [ROW | {"age": 1.5}]}, "not of expected type: int64"),
        ({"instances": [ROW | {"job": 1}]}, "not of expected type: string"),
        ({"instances": [ROW | {"job": "\ud800"}]}, "error"),
        ({"instances": [ROW | {"job": "NaN \ud800"}]}, "JSON Parse error: Invalid value"),
        ({"instances": [ROW | {"hours": float("nan")}]}, "write null for a missing value"),
        ({"instances": [ROW | {"hours": float("-inf")}]}, "write null for a missing value"),
        ({"instances": [{"hours": 3}]}, "field 'age' is missing"),
        ({"instances": [ROW | {"age": None}]}, "field 'age' may not be null"),
        ({"instances": [ROW | {"educatoin": 1}]}, "field 'educatoin' is unknown"),
    ],
)
def test_what_a_client_did_wrong_is_400_and_clear(ask: Ask, document: Any, wanted: str) -> None:
    status, answer = _predict(ask, document)
    assert status == 400
    assert wanted in answer["error"] or wanted == "error"


@pytest.mark.parametrize(
    ("method", "path", "status", "wanted"),
    [
        ("POST", "/v1/models/half:predict", 404, "Servable not found for request: Latest(half)"),
        ("POST", "/v1/models/census/versions/7:predict", 404, "Servable not found for request: Specific(census, 7)"),
        ("POST", "/v1/models/census/labels/stable:predict", 400, "Unrecognized servable version label: stable"),
        ("GET", "/v1/models/census/labels/stable", 400, "Unrecognized servable version label: stable"),
        ("GET", "/v1/models/half", 404, "Could not find any versions of model half"),
        ("GET", "/v1/models/half/metadata", 404, "Servable not found"),
        ("GET", "/v1/models/", 400, "Missing model name"),
        ("GET", "/v1/models", 400, "Missing model name"),
        ("POST", "/v1/models/census:guess", 400, "Malformed request: POST /v1/models/census:guess"),
        ("GET", "/v1/models/census/versions/x", 400, "Malformed request"),
        ("GET", f"/v1/models/census/versions/{'9' * 5000}", 400, "Malformed request"),
        ("GET", "/v1/models/census:predict", 405, "allowed: POST"),
        ("DELETE", "/v1/models/census", 405, "allowed: GET, HEAD"),
        ("POST", "/healthz", 405, "allowed: GET, HEAD"),
        ("GET", "/favicon.ico", 404, "No such route"),
    ],
)
def test_wrong_routes(ask: Ask, method: str, path: str, status: int, wanted: str) -> None:
    found, answer = ask(method, path, {"instances": [ROW]})
    assert found == status
    assert wanted in answer["error"]


def test_status_and_metadata(ask: Ask) -> None:
    status = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert ask("GET", "/v1/models/census") == (200, {"model_version_status": [status]})
    assert ask("GET", "/v1/models/census/versions/1") == (200, {"model_version_status": [status]})
    code, metadata = ask("GET", "/v1/models/census/versions/1/metadata")
    assert code == 200
    assert metadata["model_spec"] == {"name": "census", "signature_name": "", "version": "1"}
    signature = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["age"] == {
        "dtype": "DT_INT64",
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
        "name": "age",
    }
    assert signature["outputs"]["probabilities"]["tensor_shape"]["dim"][1]["size"] == "2"


def test_health(ask: Ask) -> None:
    assert ask("GET", "/v2/health/live") == (200, {"live": True})
    assert ask("GET", "/healthz") == (200, {"live": True})
    assert ask("GET", "/v2/health/ready") == (200, {"ready": True, "live": True})


def test_columns_of_lists(ask: Ask) -> None:
    lists = [[1, 2.5], [], [None, 4]]
    sums = [3.5, 0.0, 4.0]
    wide = [[value] for value in sums]
    path = "/v1/models/sums:predict"
    assert _predict(ask, {"instances": [{"x": one} for one in lists]}, path) == (200, {"predictions": wide})
    # The one column of a model need not be named.
    assert _predict(ask, {"instances": lists}, path) == (200, {"predictions": wide})
    assert _predict(ask, {"inputs": {"x": lists}}, path) == (200, {"outputs": wide})
    # In an example a feature of one value is a list, too.
    examples = [{"x": [1, 2.5]}, {"x": []}, {"x": 4}]
    assert ask("POST", "/v1/models/sums:regress", {"examples": examples}) == (200, {"results": sums})
    code, answer = _predict(ask, {"instances": [{"x": [1]}, {"x": ["a"]}]}, path)
    assert (code, 'item 0 is "a"' in answer["error"]) == (400, True)
    _, metadata = ask("GET", "/v1/models/sums/metadata")
    inputs = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]["inputs"]
    assert list(inputs) == ["x"]
    assert [dim["size"] for dim in inputs["x"]["tensor_shape"]["dim"]] == ["-1", "-1"]


def test_classify_and_regress(ask: Ask) -> None:
    code, answer = ask(
        "POST", "/v1/models/census:classify", {"context": {"age": 30}, "examples": [{"job": ["tech"]}, {}]}
    )
    assert code == 200
    assert [[label for label, _ in row] for row in answer["results"]] == [["<=50K", ">50K"]] * 2
    assert ask("POST", "/v1/models/plain:regress", {"examples": [{"x": [2.5]}]}) == (200, {"results": [2.5]})
    assert ask("POST", "/v1/models/plain:classify", {"examples": [{"x": 1}]})[0] == 400
    assert ask("POST", "/v1/models/census:classify", {"examples": [{"age": [1, 2]}]})[0] == 400
