from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Said

    Call = Callable[..., Said]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop(here: Path, headrace: Call, end: signal.Signals) -> None:
    command = [sys.executable, "-m", "headrace.cli", "serve", "--port", "0"]
    as_json = ["--json"] if end == signal.SIGTERM else []
    server = subprocess.Popen([*command, *as_json], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        first = server.stdout.readline()
        if as_json:
            url, models = json.loads(first)["url"], json.loads(first)["models"]
            assert models == ["census"]
        else:
            assert first.startswith("serving census at http://127.0.0.1:")
            assert first.endswith(" (Ctrl-C stops)\n")
            url = first.split()[3]
        body = json.dumps({"instances": json.loads((here / "people.json").read_text("utf-8"))}).encode()
        with urllib.request.urlopen(f"{url}/v1/models/census:predict", body, timeout=30) as answer:
            served = json.load(answer)["predictions"]
        predicted = headrace("predict", "census", "people.json", "--json").json["predictions"]
        assert [one["classes"] for one in served] == [one["classes"] for one in predicted]
        server.send_signal(end)
        _, errors = server.communicate(timeout=30)
    finally:
        server.kill()
        server.wait()
    assert server.returncode == 0
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--home", "absent"], 2, "Publish one with headrace run"),
        (["--model", "census"], 2, "--model takes NAME=PATH; got census"),
        (["--model", "census=absent"], 1, "The folder of model 'census' must exist"),
        (["--port", "70000"], 2, "'--port'"),
    ],
)
def test_what_cannot_be_served(here: Path, headrace: Call, args: list[str], code: int, message: str) -> None:
    said = headrace("serve", *args)
    assert said.code == code
    assert message in said.err
    assert len(said.err.splitlines()) == 1
