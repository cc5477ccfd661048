from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from headrace._version import __version__
from headrace.cli.main import COMMANDS, root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.conftest import Said

    Call = Callable[..., Said]

HEAVY = ("numpy", "pyarrow", "sqlalchemy", "onnx", "onnxruntime", "keras", "jax", "lightgbm", "sklearn", "fsspec")


def every_command() -> Iterator[list[str]]:
    context = click.Context(root)
    for name in COMMANDS:
        command = root.get_command(context, name)
        yield [name]
        if isinstance(command, click.Group):
            yield from ([name, inner] for inner in command.list_commands(context))


@pytest.mark.parametrize("path", list(every_command()), ids=" ".join)
def test_help_has_an_example_as_it_is_typed(headrace: Call, path: list[str]) -> None:
    said = headrace(*path, "--help")
    assert said.code == 0
    assert said.out.startswith(f"Usage: headrace {' '.join(path)} ")
    lines = said.out.splitlines()
    begin = lines.index("  Example:")
    assert lines[begin + 1].startswith("    ")
    assert f"headrace {path[0]}" in lines[begin + 1]
    assert "\b" not in said.out
    assert "\\b" not in said.out


@pytest.mark.parametrize("path", list(every_command()), ids=" ".join)
def test_every_command_speaks_json(path: list[str]) -> None:
    command: click.Command | None = root
    for name in path:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), name)
    assert command is not None
    if not isinstance(command, click.Group):
        assert "--json" in {option for parameter in command.params for option in parameter.opts}
        assert all(parameter.help for parameter in command.params if isinstance(parameter, click.Option))


def test_the_table_of_commands_says_what_they_say_themselves(headrace: Call) -> None:
    said = headrace("--help")
    assert said.code == 0
    for name, (_, text) in COMMANDS.items():
        assert f"  {name.ljust(8)}  {text}" in said.out
    assert headrace().out == said.out
    assert headrace().code == 0
    assert headrace("-h").out == said.out


def test_the_version(headrace: Call) -> None:
    assert headrace("--version").out == f"headrace, version {__version__}\n"


@pytest.mark.parametrize(
    ("args", "advice"),
    [
        (["modles"], "Did you mean 'models'?"),
        (["models", "lst"], "Did you mean 'list'?"),
        (["x"], "Known names: doctor"),
    ],
)
def test_an_unknown_command_gets_the_near_one(headrace: Call, args: list[str], advice: str) -> None:
    said = headrace(*args)
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith(f"error: A command that exists is wanted; got {args[-1]}.")
    assert advice in said.err


@pytest.mark.parametrize("args", [["models", "list", "--foo"], ["--foo"], ["report", "a", "b"], ["predict"]])
def test_what_click_refuses_is_told_like_any_error(headrace: Call, args: list[str]) -> None:
    said = headrace(*args)
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert said.err.rstrip().endswith("--help.")
    as_json = headrace(*args, "--json")
    assert as_json.code == 2
    assert as_json.err == ""
    assert set(as_json.json["error"]) == {"kind", "rule", "got", "where", "fix", "message"}
    assert as_json.json["error"]["kind"] == "UsageError"


def test_an_error_of_the_system_is_one_line(headrace: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "/data/x")

    monkeypatch.setattr("headrace.registry.Registry.names", full)
    said = headrace("models", "list")
    assert (said.code, said.err) == (1, "error: No space left on device: /data/x\n")
    assert headrace("models", "list", "--json").json["error"]["where"] == "/data/x"


def test_an_interruption_is_quiet(headrace: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("headrace.registry.Registry.names", interrupted)
    said = headrace("models", "list")
    assert (said.code, said.out, said.err) == (130, "", "\ninterrupted\n")


@pytest.mark.parametrize(
    "program",
    [
        "import headrace",
        "import sys; sys.argv = ['headrace', '--help']; from headrace.cli.main import main; main()",
        "from headrace.cli.main import COMMANDS\nfor module, _ in COMMANDS.values(): __import__(module)",
    ],
    ids=["import", "help", "every command"],
)
def test_nothing_heavy_is_imported_before_it_is_needed(program: str) -> None:
    watched = f"""
import atexit, sys
atexit.register(lambda: sys.stderr.write(",".join(sorted(set(sys.modules) & set({HEAVY!r})))))
{program}
"""
    done = subprocess.run([sys.executable, "-c", watched], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_a_reader_that_goes_away_leaves_no_traceback() -> None:
    program = "import sys; from headrace.cli.main import main; sys.stdin.read(); main(['--help'])"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert error == b""
