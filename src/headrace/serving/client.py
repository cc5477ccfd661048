"""A small client of the model server, on the standard library."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

from headrace.errors import ServingError
from headrace.serving.wire import encode_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ModelClient"]


class ModelClient:
    """Talks to one server over one connection that is kept alive; not for use from several threads at once.

    Parameters
    ----------
    url
        ``http://host:port``.
    timeout
        Seconds to wait for an answer.
    """

    def __init__(self, url: str, *, timeout: float = 60.0) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None:
            raise ServingError("A server's address is http://host:port", got=url)
        self._url = url.rstrip("/")
        self._prefix = parts.path.rstrip("/")
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=timeout)

    def predict(
        self, name: str, rows: Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Any]], *, version: int | None = None
    ) -> Any:
        """Predict rows (a list of objects; answers a list) or columns (an object of lists; answers by output).

        Raises
        ------
        ServingError
            With the server's message, or if there is no answer.
        """
        key, answer = ("inputs", "outputs") if hasattr(rows, "keys") else ("instances", "predictions")
        body = encode_json({key: rows})
        return self._ask("POST", f"{_path(name, version)}:predict", body)[answer]

    def status(self, name: str, version: int | None = None) -> list[dict[str, Any]]:
        """Return the versions and their states, newest first."""
        return list(self._ask("GET", _path(name, version))["model_version_status"])

    def metadata(self, name: str, version: int | None = None) -> dict[str, Any]:
        """Return what the model takes and gives, as TensorFlow Serving words it."""
        return dict(self._ask("GET", f"{_path(name, version)}/metadata"))

    def ready(self) -> bool:
        """Say whether every model of the server answers."""
        return self._exchange("GET", "/v2/health/ready", None)[0] == 200

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        status, data = self._exchange(method, path, body)
        try:
            document = json.loads(data)
        except ValueError:
            document = {"error": data[:500].decode(errors="replace")}
        if status != 200:
            raise ServingError(str(document.get("error", document)), where=f"{status} from {self._url}{path}")
        return dict(document)

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        kept = self._connection.sock is not None
        try:
            return self._once(method, path, body, headers)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
            self._connection.close()
            # A server may close a connection that it kept while the request was on its way; predicting twice is safe.
            if not kept:
                raise self._unreachable(error) from error
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise self._unreachable(error) from error
        try:
            return self._once(method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise self._unreachable(error) from error

    def _once(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        self._connection.request(method, self._prefix + path, body, headers)
        response = self._connection.getresponse()
        return response.status, response.read()

    def _unreachable(self, error: Exception) -> ServingError:
        return ServingError("The server must answer", got=f"{type(error).__name__}: {error}", where=self._url)


def _path(name: str, version: int | None) -> str:
    return f"/v1/models/{quote(name, safe='')}" + ("" if version is None else f"/versions/{version}")
