"""Requests that cannot be answered, and servers that cannot start."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from headrace.serving import BackgroundServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.conftest import Project

PERSON: dict[str, Any] = {
    "age": 25, "workclass": "Private", "education": "11th", "marital_status": "Never-married",
    "occupation": "Machine-op-inspct", "relationship": "Own-child", "race": "Black", "sex": "Male",
    "capital_gain": 0, "capital_loss": 0, "hours_per_week": 40, "native_country": "United-States",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(trees_run: Project) -> Iterator[BackgroundServer]:
    with BackgroundServer(trees_run.home / "models") as running:
        yield running


def post(server: BackgroundServer, body: bytes) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request("POST", "/v1/models/census:predict", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def refusal(server: BackgroundServer, body: bytes) -> str:
    status, answer = post(server, body)
    assert status == 400
    assert list(answer) == ["error"]
    # It answers the next one.
    assert post(server, rows(PERSON))[0] == 200
    return str(answer["error"])


def rows(*people: dict[str, Any]) -> bytes:
    return json.dumps({"instances": people}).encode()


def test_a_good_request(server: BackgroundServer) -> None:
    status, answer = post(server, rows(PERSON, PERSON))
    assert status == 200
    assert [set(one) for one in answer["predictions"]] == [{"probabilities", "logits", "classes", "logistic"}] * 2


BAD_ROWS = {
    "missing": ({k: v for k, v in PERSON.items() if k != "age"}, ["row 1", "field 'age' is missing"]),
    "null": (PERSON | {"age": None}, ["row 1", "field 'age' may not be null", "never was missing in training"]),
    "extra": (PERSON | {"ocupation": "Sales"}, ["row 1", "field 'ocupation' is unknown", "Did you mean 'occupation'?"]),
    "text for a number": (PERSON | {"age": "25"}, ["row 1", "field 'age'", '"25" (string)', "int64 (a whole number)"]),
    "number for a text": (PERSON | {"sex": 1}, ["row 1", "field 'sex'", "1 (number)", "string"]),
    "fraction": (PERSON | {"age": 25.5}, ["row 1", "field 'age'", "25.5", "whole number"]),
    "boolean": (PERSON | {"age": True}, ["row 1", "field 'age'", "true (boolean)"]),
    "list": (PERSON | {"age": [25]}, ["row 1", "field 'age'", "array"]),
    "NaN": (PERSON | {"age": float("nan")}, ["row 1", "field 'age'", "NaN"]),
    "infinity": (PERSON | {"age": float("inf")}, ["row 1", "field 'age'", "Infinity"]),
    "too large": (PERSON | {"age": 2**70}, ["row 1", "field 'age'", "64-bit range"]),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_fields(server: BackgroundServer, trees_run: Project, name: str) -> None:
    row, pieces = BAD_ROWS[name]
    message = refusal(server, rows(PERSON, row))
    for piece in pieces:
        assert piece in message
    # The command line says the same.
    done = trees_run.cli("predict", "census", "-", text=json.dumps([PERSON, row]), code=1)
    for piece in pieces:
        assert piece in done.stderr


@pytest.mark.parametrize(
    ("body", "pieces"),
    [
        (b"", ["JSON", "empty"]),
        (b"age=25&sex=Male", ["JSON"]),
        (b'{"instances": [', ["JSON"]),
        (b"\xff\xfe\x00", ["JSON"]),
        (b"[1, 2]", ["JSON", "object"]),
        (b"{}", ["instances", "inputs"]),
        (b'{"rows": []}', ["instances", "'rows'"]),
        (b'{"instances": []}', ["at least one row"]),
        (b'{"instances": {}}', ["must be a list"]),
        (b'{"instances": [5]}', ["row 0", "not an object"]),
        (b'{"inputs": {"age": [1, 2], "sex": ["Male"]}}', ["one length", "'age'", "'sex'"]),
        (b"[" * 100_000 + b"]" * 100_000, ["JSON", "nested too deeply"]),
        (b'{"instances": ' + b"[" * 50_000 + b"NaN" + b"]" * 50_000 + b"}", ["JSON", "nested too deeply"]),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, ["JSON", "nested too deeply"]),
    ],
    ids=lambda value: None if isinstance(value, list) else repr(value[:24]),
)
def test_bodies(server: BackgroundServer, body: bytes, pieces: list[str]) -> None:
    message = refusal(server, body)
    for piece in pieces:
        assert piece in message
    assert len(message) < 500


def test_deep_nesting_inside_a_row(server: BackgroundServer) -> None:
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    assert "field 'age'" in refusal(server, rows(PERSON | {"age": deep}))


def test_a_body_of_100_megabytes(server: BackgroundServer) -> None:
    size = 100 << 20
    memory = resident(server.pid)
    # Announced: refused before any of it is read.
    with socket.create_connection(("127.0.0.1", server.port), 60) as raw:
        raw.sendall(b"POST /v1/models/census:predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
        answer = raw.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"67108864 bytes at most" in answer
    # Sent all the same, in pieces of unannounced length: refused once it is too much.
    with socket.create_connection(("127.0.0.1", server.port), 60) as raw:
        raw.sendall(b"POST /v1/models/census:predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
        try:
            for _ in range(100):
                raw.sendall(piece)
        except ConnectionError:
            pass
        answer = raw.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert post(server, rows(PERSON))[0] == 200
    assert resident(server.pid) - memory < 200 << 20


def resident(pid: int) -> int:
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(shown.stdout) * 1024


def test_a_model_that_is_not_there(server: BackgroundServer, trees_run: Project) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", "/v1/models/censsus:predict", rows(PERSON))
    answer = connection.getresponse()
    assert answer.status == 404
    assert "censsus" in json.loads(answer.read())["error"]
    connection.close()
    message = trees_run.cli("predict", "censsus", "-", text=json.dumps(PERSON), code=1).stderr
    assert "Did you mean 'census'?" in message


def test_a_port_in_use(server: BackgroundServer, trees_run: Project) -> None:
    done = trees_run.cli("serve", "--port", str(server.port), code=1)
    assert f"listen on 127.0.0.1:{server.port}" in done.stderr
    assert "already in use" in done.stderr
    assert "--port 0" in done.stderr


def test_the_serve_command_answers_and_stops(trees_run: Project) -> None:
    process = trees_run.start("serve", "--port", "0", "--json")
    try:
        assert process.stdout is not None
        started = json.loads(process.stdout.readline())
        assert started["models"] == ["census"]
        host, _, port = started["url"].removeprefix("http://").partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        connection.request("POST", "/v1/models/census:predict", rows(PERSON))
        assert connection.getresponse().status == 200
        connection.close()
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()


def test_nothing_to_serve(trees_run: Project) -> None:
    done = trees_run.cli("serve", "--home", str(trees_run.folder / "nowhere"), code=2)
    assert f"got none in {trees_run.folder}/nowhere/models" in done.stderr
    assert "Publish one with headrace run" in done.stderr
