"""A headless Chromium, spoken to over pipes in the DevTools protocol."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.statistics import Statistics


class Everything(Protocol):
    """Makes data sets that show all there is to see."""

    def __call__(self, *names: str) -> Statistics: ...


class Browser:
    """One tab; what the page logs, throws and asks the network for is kept."""

    def __init__(self, program: str, profile: Path) -> None:
        read_commands, self._write = os.pipe()
        self._read, write_answers = os.pipe()
        # Chromium reads commands from descriptor 3 and answers on 4; 10 and 11 keep the way there free of clashes.
        script = f'exec 10<&{read_commands} 11>&{write_answers}; exec 3<&10 4>&11; exec "$0" "$@"'
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--hide-scrollbars"]
        flags += ["--disable-background-networking", "--disable-component-update", f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(
            ["bash", "-c", script, program, *flags, "--remote-debugging-pipe", "about:blank"],
            pass_fds=(read_commands, write_answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_commands)
        os.close(write_answers)
        self._count, self._rest, self._session = 0, b"", ""
        self.events: list[dict[str, Any]] = []
        pages = self.send("Target.getTargets")["targetInfos"]
        target = next(page["targetId"] for page in pages if page["type"] == "page")
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and return its result."""
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                found: dict[str, Any] = answer["result"]
                return found
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._read, 1 << 20)
            assert part, "the browser has gone"
            self._rest += part
        one, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(one)
        return found

    def open(
        self,
        path: Path,
        *,
        fragment: str = "",
        width: int = 1280,
        height: int = 900,
        scheme: str = "light",
        run: bool = True,
    ) -> None:
        """Open a file and wait until it is loaded; with ``run`` False its scripts do not run."""
        self.send("Emulation.setScriptExecutionDisabled", value=not run)
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.look(scheme=scheme)
        for url in ("about:blank", path.as_uri() + fragment):
            self.events.clear()
            self.send("Page.navigate", url=url)
            while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
                self.events.append(self._next())
        if run:
            self.settle()

    def look(self, *, scheme: str = "light", media: str = "") -> None:
        """Choose light or dark, and the screen or print."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", media=media, features=features)

    def settle(self) -> None:
        """Wait for two frames."""
        wait = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))"
        self.send("Runtime.evaluate", expression=wait, awaitPromise=True)

    def run(self, expression: str) -> Any:
        """Return the value of an expression in the page, after what it has caused is drawn."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        self.settle()
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key; a letter types itself."""
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        code = {"Enter": 13, "Tab": 9, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "End": 35, "Home": 36}.get(key, 0)
        for kind in ("keyDown", "keyUp"):
            more = text if kind == "keyDown" else {}
            self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **more)
        self.settle()

    def screenshot(self, path: Path) -> None:
        """Save what is in sight as PNG."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def complaints(self) -> list[str]:
        """Return what was logged, thrown, or asked of another host since the page was opened."""
        found = []
        for event in self.events:
            method, given = event.get("method"), event.get("params", {})
            if method in {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}:
                found.append(json.dumps(given))
            if method == "Network.requestWillBeSent" and not given["request"]["url"].startswith(("file:", "about:")):
                found.append(given["request"]["url"])
        return found

    def close(self) -> None:
        """End the browser."""
        self._process.terminate()
        self._process.wait(10)
        os.close(self._write)
        os.close(self._read)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a browser; skip where there is none, fail in CI."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("no browser to open the page in")
        pytest.skip("no browser to open the page in")
    tab = Browser(program, tmp_path_factory.mktemp("profile"))
    yield tab
    tab.close()


@pytest.fixture(scope="session")
def made_by_hand() -> Any:
    """Return the module that makes statistics by hand."""
    file = Path(__file__).with_name("everything.py")
    spec = importlib.util.spec_from_file_location("headrace_test_everything", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def everything(made_by_hand: Any) -> Everything:
    """Return what makes data sets that drift apart, the last of which lacks a feature."""
    make: Everything = made_by_hand.everything
    return make
