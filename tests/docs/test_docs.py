"""The documentation is complete, its links lead somewhere, and its code does what it says."""

from __future__ import annotations

import contextlib
import importlib.resources
import io
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
import yaml

import headrace
from headrace import components, errors, estimators, metrics, transform
from headrace.cli.main import root
from headrace.config import setting_docs
from headrace.errors import HeadraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(
    r"(?:^<!-- (?P<mark>run|prints|raises|file: \S+) -->\n)?"
    r"^```(?P<language>[a-z]*)[^\n]*\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\((?P<target>[^)\s]+)\)|!\[[^\]]*\]\((?P<image>[^)\s]+)\)")
_SOURCE = re.compile(r'(?:src|srcset)="(?P<target>[^"]+)"')


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Parameters
    ----------
    line
        Where its fence stands, counted from 1.
    language
        What stands behind the fence.
    mark
        ``run``, ``prints`` (the next block has what it prints), ``raises`` (the next block has the error's message),
        or ``file: NAME``.
    """

    page: Path
    line: int
    language: str
    mark: str | None
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Page:
    """A page in Markdown."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def blocks(self) -> list[Block]:
        found = []
        for match in _FENCE.finditer(self.text):
            fence = match.start("text")
            line = self.text.count("\n", 0, fence)
            found.append(Block(self.path, line, match["language"], match["mark"], match["text"]))
        return found

    @cached_property
    def prose(self) -> str:
        return _FENCE.sub("", self.text)

    @cached_property
    def links(self) -> list[str]:
        found = [match["target"] or match["image"] for match in _LINK.finditer(self.prose)]
        return found + [match["target"] for match in _SOURCE.finditer(self.prose)]

    @cached_property
    def anchors(self) -> set[str]:
        """Ids of the headings, as Python-Markdown and GitHub make them."""
        found = set()
        for heading in re.findall(r"^#{1,6} (.+)$", self.prose, re.MULTILINE):
            plain = re.sub(r"[`*]", "", heading).strip().lower()
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", plain)
            found.add(re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain)))
        return found


def pages() -> list[Page]:
    """Return every page, the most prominent first."""
    top = [Page(ROOT / name) for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return top + [Page(path) for path in sorted((ROOT / "docs").rglob("*.md"))]


def documented() -> str:
    """Return the text of all pages of the documentation."""
    return "\n".join(page.text for page in pages() if page.path.is_relative_to(ROOT / "docs"))


PAGES = pages()
BLOCKS = [block for page in PAGES for block in page.blocks]


def _commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _commands(found, (*path, name))


COMMANDS = dict(_commands(root))


def _section(text: str, heading: str) -> str:
    """Return what stands under a heading, up to the next one of its level."""
    level = heading.partition(" ")[0]
    match = re.search(rf"^{re.escape(heading)}$\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    return match[1] if match else ""


# ---- completeness


@pytest.mark.parametrize("name", [name for name in headrace.__all__ if not name.startswith("__")])
def test_public_names_are_documented(name: str) -> None:
    assert re.search(rf"hr\.{name}\b", documented()), f"no page says hr.{name}"
    assert re.search(rf"^::: headrace\.(\w+\.)*{name}$", documented(), re.MULTILINE), f"the API page lacks {name}"


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_commands_and_options_are_documented(path: tuple[str, ...]) -> None:
    text = (ROOT / "docs/reference/cli.md").read_text("utf-8")
    section = _section(text, f"## headrace {' '.join(path)}")
    assert section, f"the CLI page has no heading for headrace {' '.join(path)}"
    for parameter in COMMANDS[path].params:
        if isinstance(parameter, click.Option):
            shown = [f"`{option}" in section for option in parameter.opts]
            assert all(shown), f"headrace {' '.join(path)} {parameter.opts}"


def test_no_command_is_documented_that_does_not_exist() -> None:
    text = (ROOT / "docs/reference/cli.md").read_text("utf-8")
    named = {tuple(heading.split()) for heading in re.findall(r"^## headrace (.+)$", text, re.MULTILINE)}
    assert named == set(COMMANDS)
    for path, command in COMMANDS.items():
        known = {option for parameter in command.params for option in parameter.opts}
        for option in re.findall(r"^\| `(--[\w-]+)", _section(text, f"## headrace {' '.join(path)}"), re.MULTILINE):
            assert option in known, f"headrace {' '.join(path)} {option}"


@pytest.mark.parametrize("name", setting_docs())
def test_settings_are_documented(name: str) -> None:
    text = (ROOT / "docs/reference/settings.md").read_text("utf-8")
    assert f"| `{name}` | `HEADRACE_{name.upper()}` |" in text
    assert setting_docs()[name] in text, f"the settings page says something else of {name}"


@pytest.mark.parametrize("name", components.__all__)
def test_components_and_artifacts_are_documented(name: str) -> None:
    text = (ROOT / "docs/reference/components.md").read_text("utf-8")
    if name[0].islower():
        assert f"::: headrace.components.{name}\n" in text + "\n"
        assert f"`{name}`" in (ROOT / "README.md").read_text("utf-8")
    else:
        assert f"`{name}`" in text


@pytest.mark.parametrize("name", transform.__all__)
def test_transform_functions_are_documented(name: str) -> None:
    assert f"tft.{name}" in (ROOT / "docs/guides/transform.md").read_text("utf-8")


@pytest.mark.parametrize("name", metrics.metric_names())
def test_metrics_are_documented(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs/guides/evaluation.md").read_text("utf-8")


@pytest.mark.parametrize("name", estimators.KINDS)
def test_estimators_are_documented(name: str) -> None:
    assert name in (ROOT / "docs/guides/training.md").read_text("utf-8")


@pytest.mark.parametrize(
    "kind", [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, HeadraceError)]
)
def test_errors_are_documented_with_their_exit_codes(kind: type[HeadraceError]) -> None:
    text = (ROOT / "docs/reference/errors.md").read_text("utf-8")
    assert re.search(rf"^\| `{kind.__name__}` \| {kind.exit_code} \|", text, re.MULTILINE), kind.__name__


def test_every_folder_stands_in_the_architecture() -> None:
    text = (ROOT / "docs/architecture.md").read_text("utf-8")
    for folder in (ROOT / "src/headrace").iterdir():
        if folder.is_dir() and not folder.name.startswith("_"):
            assert f"`{folder.name}/`" in text, folder.name


def test_every_extra_is_documented() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    readme = (ROOT / "README.md").read_text("utf-8")
    for extra in project["optional-dependencies"]:
        assert f"| `{extra}` |" in readme, extra


# ---- links


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Page) -> None:
    known = {one.path: one for one in PAGES}
    for link in page.links:
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = (page.path.parent / target).resolve() if target else page.path
        assert path.exists(), f"{page.name}: {link}"
        if anchor and path in known and not anchor.startswith("only-"):
            assert anchor in known[path].anchors, f"{page.name}: {link}"


def test_every_page_is_in_the_navigation() -> None:
    def leaves(node: Any) -> Iterator[str]:
        if isinstance(node, str):
            yield node
        else:
            for child in node.values() if isinstance(node, dict) else node:
                yield from leaves(child)

    navigation = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"]
    docs = ROOT / "docs"
    assert sorted(leaves(navigation)) == sorted(str(path.relative_to(docs)) for path in docs.rglob("*.md"))


# ---- code


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_compiles(page: Page) -> None:
    for block in page.blocks:
        if block.language == "python":
            compile(block.text, block.place, "exec")
        elif block.language in ("yaml", "toml", "json"):
            _parse(block)


def _parse(block: Block) -> None:
    import json
    import tomllib

    load: Any = {"yaml": yaml.safe_load, "toml": tomllib.loads, "json": json.loads}[block.language]
    assert load(block.text) is not None, block.place


def test_marks_are_understood() -> None:
    marks = sum(len(re.findall(r"^<!-- (?!-)", page.text, re.MULTILINE)) for page in PAGES)
    assert marks == sum(block.mark is not None for block in BLOCKS)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, census_dir: Path) -> Path:
    """Return a folder with the census data and a model, which the README's pipeline has made."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "data").mkdir()
    for name in ("adult.data", "adult.test"):
        shutil.copy(census_dir / name, folder / "data" / name)

    people = importlib.resources.files("headrace.examples") / "census" / "people.json"
    (folder / "people.json").write_bytes(people.read_bytes())
    for block in BLOCKS:
        if block.page.name == "README.md" and block.mark is not None and block.mark.startswith("file: "):
            (folder / block.mark.removeprefix("file: ")).write_text(block.text, "utf-8")
    command = [sys.executable, "-m", "headrace.cli", "run", "pipeline.py"]
    done = subprocess.run(
        [*command, "--set", "epochs=1"], cwd=folder, capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pushed models/census/1" in done.stdout
    return folder


def test_readme_has_a_pipeline_of_a_screenful() -> None:
    (block,) = [block for block in BLOCKS if block.mark == "file: pipeline.py"]
    assert 40 <= block.text.count("\n") <= 60


def _run(block: Block, names: dict[str, Any], folder: Path) -> str:
    """Return what a block prints, or the message of the error that it raises, free of the places of this test."""
    said = io.StringIO()
    # Pipelines and components look at their source, so it must lie in a file.
    script = folder / f"{block.page.stem}_{block.line}.py"
    script.write_text(block.text, "utf-8")
    code = compile(block.text, str(script), "exec")
    with contextlib.redirect_stdout(said):
        if block.mark == "raises":
            with pytest.raises(HeadraceError) as caught:
                exec(code, names)
            said.write(f"{type(caught.value).__name__}: {caught.value}")
        else:
            exec(code, names)
    text = said.getvalue().replace(f"{folder}/{script.name}", "example.py").replace(script.name, "example.py")
    return text.replace(str(folder), "/home/ada/project").rstrip()


# One test, since the project behind it takes a while to make.
@pytest.mark.timeout(600)
def test_marked_code_runs_and_says_what_the_pages_say(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    wrong = []
    for page in PAGES:
        names: dict[str, Any] = {"__name__": "__main__"}
        for number, block in enumerate(page.blocks):
            if block.mark in ("run", "prints", "raises"):
                found = _run(block, names, project)
                if block.mark != "run" and found != page.blocks[number + 1].text.rstrip():
                    wrong.append(f"{block.place} says:\n{found}")
    assert not wrong, "\n\n".join(wrong)
