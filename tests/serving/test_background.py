"""The server as a process: starting, stopping, being killed, swapping versions under load."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from headrace.errors import ServingError
from headrace.model import bits_equal, load_model
from headrace.serving import BackgroundServer, ModelClient
from headrace.serving.answers import arrays_from_columns, arrays_from_rows

if TYPE_CHECKING:
    from pathlib import Path


def test_answers_are_those_of_this_process_bit_for_bit(model: Path, graphs: Any) -> None:
    rows = graphs.rows(300)
    loaded = load_model(model)
    with BackgroundServer(models={"census": model}) as server, ModelClient(server.url) as client:
        assert client.ready()
        for part in (rows[:1], rows[1:2], rows[:64], rows):
            expected = loaded.predict(part)
            by_row = arrays_from_rows(client.predict("census", part), loaded.signature)
            columns = {name: [row[name] for row in part] for name in part[0]}
            by_column = arrays_from_columns(client.predict("census", columns), loaded.signature)
            for name, array in expected.items():
                assert bits_equal(array, by_row[name])
                assert bits_equal(array, by_column[name])
        assert client.status("census")[0]["state"] == "AVAILABLE"
        definition = client.metadata("census")["metadata"]["signature_def"]["signature_def"]["serving_default"]
        assert definition["inputs"]["job"]["dtype"] == "DT_STRING"
        with pytest.raises(ServingError, match=r"Latest\(half\)"):
            client.predict("half", rows[:1])


def test_versions_published_under_load_fail_no_request(make_model: Any, graphs: Any, tmp_path: Path) -> None:
    home = tmp_path / "models"
    staged = [make_model(tmp_path / f"staged{i}", seed=i) for i in range(6)]
    (home / "census").mkdir(parents=True)
    shutil.copytree(staged[0], home / "census" / "1")
    row = graphs.rows(1)
    expected = {load_model(folder).predict(row)["logits"].item() for folder in staged}
    seen: set[float] = set()
    failures: list[Exception] = []
    stop = threading.Event()

    def ask(url: str) -> None:
        with ModelClient(url) as client:
            while not stop.is_set():
                try:
                    seen.add(client.predict("census", row)[0]["logits"][0])
                except ServingError as error:
                    failures.append(error)

    with BackgroundServer(home, poll_seconds=0.05) as server:
        threads = [threading.Thread(target=ask, args=(server.url,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        with ModelClient(server.url) as client:
            for version, folder in enumerate(staged[1:], start=2):
                os.rename(folder, home / "census" / str(version))  # noqa: PTH104 - the publishing under test
                _until(lambda v=version: client.status("census")[0] == _available(v))
                time.sleep(0.05)
            assert [item["version"] for item in client.status("census")] == ["6", "5"]
            shutil.rmtree(home / "census" / "6")
            _until(lambda: client.status("census")[0] == _available(5))
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
    assert seen <= expected
    assert len(seen) == 6


def test_a_broken_version_is_reported_and_the_old_one_keeps_answering(
    make_model: Any, graphs: Any, tmp_path: Path
) -> None:
    good = make_model(tmp_path / "models" / "census" / "1")
    with BackgroundServer(tmp_path / "models", poll_seconds=0.05) as server, ModelClient(server.url) as client:
        bad = tmp_path / "bad"
        shutil.copytree(good, bad)
        (bad / "model.onnx").write_bytes((good / "model.onnx").read_bytes()[:200])
        bad.rename(tmp_path / "models" / "census" / "2")
        _until(lambda: client.status("census")[0]["version"] == "2" and client.status("census")[0]["state"] == "END")
        assert "ONNX Runtime can load" in client.status("census")[0]["status"]["error_message"]
        assert client.predict("census", graphs.rows(1))
        assert client.ready()


def test_killed_and_started_again(model: Path, graphs: Any) -> None:
    with BackgroundServer(models={"census": model}) as server:
        port = server.port
        with ModelClient(server.url) as client:
            before = client.predict("census", graphs.rows(3))
            os.kill(server.pid, signal.SIGKILL)
            assert server.wait(10) == -signal.SIGKILL
            with pytest.raises(ServingError, match="must answer"):
                client.predict("census", graphs.rows(3))
    with BackgroundServer(models={"census": model}, port=port) as server, ModelClient(server.url) as client:
        assert client.predict("census", graphs.rows(3)) == before


def test_a_taken_port_is_named(model: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServingError, match=rf"port {port}.*--port 0"):
            BackgroundServer(models={"census": model}, port=port).start()


def test_a_missing_model_folder_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match="must exist"):
        BackgroundServer(models={"census": tmp_path / "nope"}).start()


def test_term_lets_a_request_finish(model: Path) -> None:
    with BackgroundServer(models={"census": model}) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        body = json.dumps({"inputs": {"age": [30] * 200_000}}).encode()
        connection.request("POST", "/v1/models/census:predict", body)
        time.sleep(0.05)
        os.kill(server.pid, signal.SIGTERM)
        response = connection.getresponse()
        assert response.status == 200
        assert len(json.loads(response.read())["outputs"]["classes"]) == 200_000
        connection.close()
        assert server.wait(10) == 0


def test_an_address_of_ipv6_stands_in_brackets(model: Path) -> None:
    assert BackgroundServer(models={"m": model}, host="::1", port=8501).url == "http://[::1]:8501"


def test_a_second_signal_waits_for_no_request(model: Path) -> None:
    with BackgroundServer(models={"census": model}) as server, socket.socket() as half:
        half.connect(("127.0.0.1", server.port))
        half.sendall(b"POST /v1/models/census:predict HTTP/1.1\r\nContent-Length: 1000\r\n\r\n{")
        with ModelClient(server.url) as client:
            assert client.ready()
        os.kill(server.pid, signal.SIGINT)
        assert server.wait(0.5) is None
        os.kill(server.pid, signal.SIGINT)
        assert server.wait(10) == 0


def test_the_server_ends_with_the_process_that_started_it(model: Path) -> None:
    code = (
        "import os, sys\nfrom headrace.serving import BackgroundServer\n"
        f"s = BackgroundServer(models={{'m': {str(model)!r}}}).start()\nprint(s.pid, flush=True)\nos._exit(1)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    pid = int(done.stdout)

    def gone() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # Nobody may be there to collect it; then it stays as a zombie.
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - the file may vanish
            return stat.read().split()[2] == "Z"

    _until(gone)


def _available(version: int) -> dict[str, Any]:
    return {
        "version": str(version),
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }


def _until(condition: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
