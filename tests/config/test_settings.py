from __future__ import annotations

from pathlib import Path

import pytest

from headrace.config import Settings, find_settings_file, load_settings, resolve_home, setting_docs
from headrace.errors import ConfigError


def test_defaults_are_documented() -> None:
    settings = load_settings(start=Path("/"), environ={})
    assert (settings.home, settings.jobs, settings.cache, settings.port) == (Path(".headrace"), None, True, 8501)
    assert all(setting_docs().values())
    assert settings == Settings()


def test_the_order_of_places(tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text('home = "store"\njobs = 2\nport = 1\ncache = false\n')
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_settings_file(deep) == tmp_path / "headrace.toml"
    settings = load_settings(
        start=deep,
        environ={"HEADRACE_JOBS": "3", "HEADRACE_PORT": "5", "OTHER": "x"},
        overrides={"jobs": 4, "port": None},
    )
    assert (settings.home, settings.jobs, settings.port, settings.cache) == (tmp_path / "store", 4, 5, False)
    assert settings.sources["port"] == "environment variable HEADRACE_PORT"


def test_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEADRACE_HOME", raising=False)
    assert resolve_home() == tmp_path / ".headrace"
    assert resolve_home("x") == tmp_path / "x"
    monkeypatch.setenv("HEADRACE_HOME", "y")
    assert resolve_home() == tmp_path / "y"


@pytest.mark.parametrize(
    ("toml", "environ", "message"),
    [
        ("hom = 1", {}, "Did you mean 'home'"),
        ("jobs = 'x'", {}, "jobs is a number"),
        ("jobs = 0", {}, "jobs is a positive number"),
        ("port = 70000", {}, "port is a number from 0"),
        ("cache = 'perhaps'", {}, "true or false"),
        ("x = ", {}, "TOML"),
        ("", {"HEADRACE_JBOS": "1"}, "Did you mean 'jobs'"),
        ("", {"HEADRACE_CACHE": "si"}, "environment variable HEADRACE_CACHE"),
    ],
)
def test_mistakes(tmp_path: Path, toml: str, environ: dict[str, str], message: str) -> None:
    (tmp_path / "headrace.toml").write_text(toml)
    with pytest.raises(ConfigError, match=message) as caught:
        load_settings(start=tmp_path, environ=environ)
    assert str(tmp_path) in str(caught.value) or "environment" in str(caught.value)


def test_an_unknown_setting_lists_all_places(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(start=tmp_path, environ={"HEADRACE_X": "1"})
    for place in ("HEADRACE_X", "command line", str(tmp_path), "headrace.toml"):
        assert place in str(caught.value)
