"""TensorFlow Serving's REST interface, and the health routes."""

from __future__ import annotations

import asyncio
import functools
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from headrace.errors import ModelError, RequestError, did_you_mean
from headrace.serving.http import Request, Response, error_response
from headrace.serving.repository import NotServedError
from headrace.serving.wire import decode_json, encode_json, finite, to_plain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection
    from concurrent.futures import Executor

    import numpy as np

    from headrace.model import LoadedModel, Signature
    from headrace.serving.repository import ModelRepository, ServedVersion

    Outputs = dict[str, np.ndarray[Any, Any]]

__all__ = ["RestApi"]

_MODEL = re.compile(
    r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>[0-9]{1,19})|/labels/(?P<label>[^/:]+))?"
    r"(?::(?P<verb>predict|classify|regress)|(?P<metadata>/metadata))?"
)
_SIGNATURES = ("serving_default", "predict", "")
_TF_TYPES = {
    "int64": "DT_INT64",
    "float64": "DT_DOUBLE",
    "float32": "DT_FLOAT",
    "string": "DT_STRING",
    "timestamp": "DT_STRING",
    "bool": "DT_BOOL",
    "int32": "DT_INT32",
}


class RestApi:
    """Answers requests from a repository's models.

    Parameters
    ----------
    repository
        The models.
    pool
        Runs what would hold up other requests.
    inline_rows
        Up to this many rows are predicted at once: handing them to a thread would take longer.
    inline_bytes
        Up to this many bytes of JSON are decoded at once.
    max_waiting
        Requests that may wait for a thread; further ones are answered with 503.
    """

    def __init__(
        self,
        repository: ModelRepository,
        pool: Executor,
        *,
        inline_rows: int = 256,
        inline_bytes: int = 96 << 10,
        max_waiting: int = 256,
    ) -> None:
        self._repository = repository
        self._pool = pool
        self._inline_rows = inline_rows
        self._inline_bytes = inline_bytes
        self._max_waiting = max_waiting
        self._waiting = 0
        self.draining = False

    def __call__(self, request: Request) -> Response | Awaitable[Response]:
        """Answer a request; never raises for what a client did."""
        try:
            return self._route(request)
        except NotServedError as error:
            return error_response(404, error.rule)
        except RequestError as error:
            return error_response(400, str(error))
        except ModelError as error:
            return error_response(500, str(error))

    def _route(self, request: Request) -> Response | Awaitable[Response]:
        path = request.path
        match = _MODEL.fullmatch(path)
        if match is None:
            return self._other(request)
        name, version, label, verb, metadata = match.group("name", "version", "label", "verb", "metadata")
        name = unquote(name)
        if verb is None:
            if request.method not in ("GET", "HEAD"):
                return _wrong_method(request, "GET, HEAD")
            self._refuse_label(label)
            number = int(version) if version else None
            if metadata:
                return Response(200, encode_json(_metadata(self._repository.get(name, number))))
            return self._status(name, number)
        if request.method != "POST":
            return _wrong_method(request, "POST")
        self._refuse_label(label)
        served = self._repository.get(name, int(version) if version else None)
        if len(request.body) > self._inline_bytes:
            return self._in_thread(functools.partial(_answer, served.model, verb, request.body))
        return self._predict(served.model, verb, request.body)

    def _predict(self, model: LoadedModel, verb: str, body: bytes) -> Response | Awaitable[Response]:
        document = decode_json(body)
        if _count_rows(document) > self._inline_rows:
            return self._in_thread(functools.partial(_answer_document, model, verb, document))
        return _answer_document(model, verb, document)

    def _in_thread(self, work: Callable[[], Response]) -> Response | Awaitable[Response]:
        if self._waiting >= self._max_waiting:
            return error_response(503, "The server is busy: too many requests wait", Retry_After="1")
        return self._wait_for(work)

    async def _wait_for(self, work: Callable[[], Response]) -> Response:
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except RequestError as error:
            return error_response(400, str(error))
        except ModelError as error:
            return error_response(500, str(error))
        finally:
            self._waiting -= 1

    def _refuse_label(self, label: str | None) -> None:
        if label is not None:
            raise RequestError(f"Unrecognized servable version label: {label}")

    def _status(self, name: str, version: int | None) -> Response:
        found = [
            {
                "version": str(item.version),
                "state": item.state,
                "status": {"error_code": item.error_code, "error_message": item.error_message},
            }
            for item in self._repository.status(name, version)
        ]
        return Response(200, encode_json({"model_version_status": found}))

    def _other(self, request: Request) -> Response:
        path = request.path
        health = path in ("/v2/health/live", "/v2/health/ready", "/healthz")
        if health and request.method not in ("GET", "HEAD"):
            return _wrong_method(request, "GET, HEAD")
        if path in ("/v2/health/live", "/healthz"):
            return Response(200, b'{"live":true}')
        if path == "/v2/health/ready":
            ready = self._repository.ready and not self.draining
            return Response(200 if ready else 503, encode_json({"ready": ready, "live": True}))
        if path.startswith("/v1/models"):
            if path.rstrip("/") == "/v1/models":
                return error_response(400, "Missing model name in request")
            return error_response(400, f"Malformed request: {request.method} {path}")
        return error_response(404, f"No such route: {request.method} {path}")


def _wrong_method(request: Request, allowed: str) -> Response:
    return error_response(405, f"{request.method} is not allowed on {request.path}; allowed: {allowed}", Allow=allowed)


def _count_rows(document: Any) -> int:
    """Count the rows of a request that has not been checked yet."""
    if type(document) is not dict:
        return 0
    for key in ("instances", "examples", "inputs"):
        part = document.get(key)
        if type(part) is dict:
            part = next(iter(part.values()), None)
        if type(part) is list:
            return len(part)
    return 0


def _answer(model: LoadedModel, verb: str, body: bytes) -> Response:
    return _answer_document(model, verb, decode_json(body))


def _answer_document(model: LoadedModel, verb: str, document: Any) -> Response:
    if type(document) is not dict:
        raise RequestError("JSON Parse error: The request must be an object", got=_kind(document))
    _check_signature(document)
    if verb != "predict":
        return _classic(model, verb, document)
    if "instances" in document and "inputs" in document:
        raise RequestError(
            "Not formatted correctly: a request has either 'instances' (rows) or 'inputs' (columns), not both"
        )
    only = model.decoder.only_field
    if "instances" in document:
        outputs = model.run(model.decoder.feeds_from_rows(_rows(document["instances"], "instances", only)))
        plain = {name: to_plain(name, array) for name, array in outputs.items()}
        return Response(200, encode_json({"predictions": _by_row(plain)}, tokens=not finite(outputs)))
    if "inputs" in document:
        columns = document["inputs"]
        if only is not None and type(columns) is list:
            columns = {only: columns}
        if type(columns) is dict and columns and all(values == [] for values in columns.values()):
            raise RequestError("'inputs' must have at least one row", got="empty lists")
        outputs = model.run(model.decoder.feeds_from_columns(columns))
        plain = {name: to_plain(name, array) for name, array in outputs.items()}
        value = next(iter(plain.values())) if len(plain) == 1 else plain
        return Response(200, encode_json({"outputs": value}, tokens=not finite(outputs)))
    raise RequestError(
        "Missing 'inputs' or 'instances' key",
        got=f"the keys {sorted(document)}" if document else "an empty object",
        fix='Send {"instances": [{"column": value, …}, …]}',
    )


def _check_signature(document: dict[str, Any]) -> None:
    name = document.get("signature_name", "")
    if type(name) is not str:
        raise RequestError("'signature_name' key must be a string value")
    if name not in _SIGNATURES:
        raise RequestError(f'Serving signature key "{name}" not found', fix=did_you_mean(name, _SIGNATURES[:2]))


def _rows(rows: Any, key: str, only: str | None) -> list[Any]:
    if type(rows) is not list:
        raise RequestError(f"'{key}' must be a list of rows", got=_kind(rows))
    if not rows:
        raise RequestError(f"'{key}' must have at least one row", got="an empty list")
    return rows if only is None else [row if type(row) is dict and "b64" not in row else {only: row} for row in rows]


def _kind(value: Any) -> str:
    words = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return words.get(type(value), "a number")


def _by_row(plain: dict[str, Any]) -> list[Any]:
    if len(plain) == 1:
        return list(next(iter(plain.values())))
    names = list(plain)
    return [dict(zip(names, values, strict=True)) for values in zip(*plain.values(), strict=True)]


def _classic(model: LoadedModel, verb: str, document: dict[str, Any]) -> Response:
    """Answer classify and regress: examples whose values may stand in lists of one, over a shared context."""
    context = document.get("context", {})
    if type(context) is not dict:
        raise RequestError("'context' must be an object", got=_kind(context))
    if "examples" not in document:
        raise RequestError("Missing 'examples' key", got=f"the keys {sorted(document)}")
    rows = _rows(document["examples"], "examples", None)
    lists = model.decoder.lists
    flat = [_flatten({**context, **row}, lists) if type(row) is dict else row for row in rows]
    wanted = "probabilities" if verb == "classify" else "predictions"
    if all(item.name != wanted for item in model.signature.outputs):
        raise RequestError(f"This model does not {verb}", got=f"a model for {model.signature.task}", fix="Use :predict")
    outputs = model.run(model.decoder.feeds_from_rows(flat))
    values = outputs[wanted]
    results: list[Any]
    if verb == "classify":
        labels = model.signature.classes or tuple(str(i) for i in range(values.shape[1]))
        results = [[list(pair) for pair in zip(labels, row, strict=True)] for row in values.tolist()]
    else:
        results = values.reshape(-1).tolist()
    return Response(200, encode_json({"results": results}, tokens=not finite({wanted: values})))


def _flatten(row: dict[str, Any], lists: Collection[str]) -> dict[str, Any]:
    return {
        name: (value[0] if value else None)
        if type(value) is list and len(value) < 2 and name not in lists
        else [value]
        if name in lists and value is not None and type(value) is not list
        else value
        for name, value in row.items()
    }


def _tensor(name: str, dtype: str, shape: tuple[str | int, ...]) -> dict[str, Any]:
    dims = [{"size": str(dim) if isinstance(dim, int) else "-1", "name": ""} for dim in shape]
    return {
        "dtype": _TF_TYPES.get(dtype, "DT_INVALID"),
        "tensor_shape": {"dim": dims, "unknown_rank": False},
        "name": name,
    }


def _metadata(served: ServedVersion) -> dict[str, Any]:
    signature: Signature = served.model.signature
    definition = {
        "inputs": {i.feature: _tensor(i.name, i.dtype, i.shape) for i in signature.inputs if i.role == "value"},
        "outputs": {o.name: _tensor(o.name, o.dtype, o.shape) for o in signature.outputs},
        "method_name": "tensorflow/serving/predict",
    }
    return {
        "model_spec": {"name": served.name, "signature_name": "", "version": str(served.version)},
        "metadata": {"signature_def": {"signature_def": {"serving_default": definition}}},
    }
