from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from headrace.errors import AnomaliesFound, StepError, UsageError, WiringError
from headrace.metadata import MetadataReader
from headrace.pipeline import RunResult, run_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pipeline.conftest import Project

CHAIN = """
@pipeline
def demo(word: str = "a"):
    first = make(word)
    second = twice(first)
    join([first, second])
"""


def test_runs_and_then_reuses_everything(project: Project, text_of: Callable[[RunResult, str], str]) -> None:
    project.write(CHAIN)
    result = project.run()
    assert (result.state, result.exit_code) == ("done", 0)
    assert [step.id for step in result.steps] == ["make", "twice", "join"]
    assert text_of(result, "join") == "a-aa"
    assert project.events[0].kind == "run started"
    assert project.events[-1].kind == "run finished"
    assert [(e.kind, e.step_id) for e in project.events if e.step_id == "make"] == [
        ("started", "make"),
        ("finished", "make"),
    ]
    again = project.run()
    assert {step.state for step in again.steps} == {"reused"}
    assert again.step("join").paths == result.step("join").paths
    assert not list((project.home / "scratch").iterdir())
    assert not list((project.home / "staging").iterdir())


def test_only_what_depends_on_a_change_runs_again(project: Project) -> None:
    project.write(CHAIN)
    project.run()
    assert project.states(params={"word": "b"}) == {"make": "done", "twice": "done", "join": "done"}
    assert project.states(params={"word": "a"}) == {"make": "reused", "twice": "reused", "join": "reused"}
    text = project.file.read_text()
    project.file.write_text(text.replace("separator.join(", "separator.upper().join("))
    assert project.states() == {"make": "reused", "twice": "reused", "join": "done"}
    # The new code gives the same text, so nothing downstream would have run again.
    project.file.write_text(text.replace("return write(text.read() * 2)", "return write(text.read() + text.read())"))
    assert project.states() == {"make": "reused", "twice": "done", "join": "reused"}


def test_no_cache_runs_everything(project: Project) -> None:
    project.write(CHAIN)
    project.run()
    assert set(project.states(use_cache=False).values()) == {"done"}


def test_a_component_without_cache_always_runs(project: Project) -> None:
    project.write(
        """
        @component(cache=False)
        def push(text: Text) -> None:
            Path("pushed").open("a").write(text.read())

        @pipeline
        def demo():
            push(make())
        """
    )
    project.run()
    assert project.states() == {"make": "reused", "push": "done"}
    assert (project.folder / "pushed").read_text() == "aa"


def test_a_lost_artifact_is_made_again(project: Project) -> None:
    project.write(CHAIN)
    result = project.run()
    path = result.step("twice").paths["Text"]
    (path / "text").unlink()
    path.rmdir()
    assert project.states() == {"make": "reused", "twice": "done", "join": "reused"}


def test_a_step_runs_again_when_what_its_artifact_stands_for_is_gone(project: Project) -> None:
    outside = project.file.parent / "outside.txt"
    project.write(f"""
class Sign(Artifact):
    def still_holds(self):
        return super().still_holds() and Path(self.properties["target"]).exists()

@component
def put() -> Sign:
    target = Path({str(outside)!r})
    target.write_text("here")
    sign = Sign.create()
    sign.properties["target"] = str(target)
    return sign

@pipeline
def demo():
    put()
""")
    assert project.states() == {"put": "done"}
    assert project.states() == {"put": "reused"}
    outside.unlink()
    assert project.states() == {"put": "done"}
    assert outside.exists()


def test_failures_keep_class_message_place_and_log(project: Project) -> None:
    project.write(
        """
        @component
        def broken(text: Text) -> Text:
            print("about to break")
            raise ValueError("no such thing")

        @pipeline
        def demo():
            twice(broken(make("x")))
            twice(make("y"))
        """
    )
    result = project.run()
    assert (result.state, result.exit_code) == ("failed", 1)
    assert {s.id: s.state for s in result.steps} == {
        "make": "done", "broken": "failed", "twice": "skipped", "make_2": "done", "twice_2": "done",
    }  # fmt: skip
    step = result.step("broken")
    assert step.failure is not None
    assert (step.failure.error, step.failure.message) == ("ValueError", "no such thing")
    assert f"line {project.line('no such thing')}" in str(step.failure.where)
    assert "about to break" in step.failure.log_tail
    assert step.log is not None
    assert "Traceback" in step.log.read_text()
    with pytest.raises(StepError, match="ValueError: no such thing"):
        result.raise_for_state()
    # Mended, it goes on from where it stood.
    project.file.write_text(project.file.read_text().replace('raise ValueError("no such thing")', "return write('z')"))
    assert project.states() == {
        "make": "reused", "broken": "done", "twice": "done", "make_2": "reused", "twice_2": "reused",
    }  # fmt: skip


def test_found_wanting_ends_with_3_and_keeps_what_was_found(project: Project) -> None:
    project.write(
        """
        @component
        def check(text: Text) -> Other:
            found = Other.create()
            (found.path / "why").write_text("bad")
            raise AnomaliesFound("The data must fit")

        @pipeline
        def demo():
            text = make()
            found = check(text)
            twice(text, after=found)
            join([text])
        """
    )
    result = project.run()
    assert (result.state, result.exit_code) == ("found wanting", 3)
    assert {s.id: s.state for s in result.steps} == {
        "make": "done", "check": "found wanting", "twice": "skipped", "join": "done",
    }  # fmt: skip
    assert (result.step("check").paths["Other"] / "why").read_text() == "bad"
    assert isinstance(result.step("check").error, AnomaliesFound)
    assert project.states()["check"] == "found wanting"
    with MetadataReader(project.home) as reader:
        assert reader.runs()[0].state == "found wanting"


def test_after_orders_steps_without_changing_their_key(project: Project) -> None:
    project.write(
        """
        @component
        def slow() -> None:
            time.sleep(0.3)
            Path("slow").touch()

        @component
        def quick() -> Text:
            assert Path("slow").exists()
            return write("quick")

        @pipeline
        def demo():
            quick(after=slow())
        """
    )
    assert project.run(jobs=2).state == "done"
    project.file.write_text(project.file.read_text().replace("after=slow()", ""))
    assert project.states() == {"quick": "reused"}


def test_steps_run_side_by_side(project: Project) -> None:
    project.write(
        """
        @component
        def meet(me: str, you: str) -> None:
            Path(me).touch()
            end = time.time() + 20
            while not Path(you).exists():
                assert time.time() < end
                time.sleep(0.01)

        @pipeline
        def demo():
            meet("x", "y")
            meet("y", "x")
        """
    )
    assert project.run(jobs=2).state == "done"


def test_files_count_by_content(project: Project) -> None:
    project.write(
        """
        @component
        def read(path: FilePath | None = None) -> Text:
            return write(Path(path).read_text() if path and Path(path).exists() else "none")

        @pipeline
        def demo():
            read("data.txt")
        """
    )
    data = project.folder / "data.txt"
    assert project.states() == {"read": "done"}
    data.write_text("one")
    assert project.states() == {"read": "done"}
    data.write_text("one")
    assert project.states() == {"read": "reused"}
    data.write_text("two")
    result = project.run()
    assert result.step("read").state == "done"
    with MetadataReader(project.home) as reader:
        graph = reader.lineage(result.step("read").paths["Text"])
    assert [x.path for x in graph.data] == [str(data)]
    assert graph.data[0].parameter == "path"


def test_nothing_runs_when_the_wiring_is_wrong(project: Project) -> None:
    project.write(
        """
        @pipeline
        def demo():
            make()
            twice(other())
        """
    )
    with pytest.raises(WiringError, match="twice takes Text as 'text'") as caught:
        project.run()
    assert f"{project.file}, line {project.line('twice(other())')}" in str(caught.value)
    assert not project.home.exists()


def test_parameters_from_text(project: Project) -> None:
    project.write(
        """
        @pipeline
        def demo(words: tuple[str, ...] = ("a",), separator: str = "+"):
            join([make(word) for word in words], separator=separator)
        """
    )
    result = project.run(params={"words": "x,y"})
    assert (result.step("join").paths["Text"] / "text").read_text() == "x+y"
    assert set(project.states(params={"words": ("x", "y")}).values()) == {"reused"}
    with pytest.raises(UsageError, match="Did you mean 'words'"):
        project.run(params={"word": "x"})


def test_a_pipeline_function_as_target(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(CHAIN + "\nif __name__ == '__main__':\n    from headrace.pipeline import run_pipeline\n"
                  "    print(run_pipeline(demo, home='home').state)\n")  # fmt: skip
    done = subprocess.run([sys.executable, "pipeline.py"], capture_output=True, text=True, check=False)
    assert done.stdout == "done\n", done.stderr
    assert set(project.states().values()) == {"reused"}
    with pytest.raises(UsageError, match="with @pipeline"):
        run_pipeline(print)  # type: ignore[arg-type]


def test_a_cached_run_imports_nothing_heavy(project: Project) -> None:
    project.write(CHAIN)
    project.run()
    script = (
        "import sys; from headrace.pipeline import run_pipeline\n"
        "result = run_pipeline('pipeline.py', home='home')\n"
        "assert {s.state for s in result.steps} == {'reused'}\n"
        "heavy = {'numpy', 'pyarrow', 'onnx', 'pandas', 'fsspec'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_same_component_with_other_names(project: Project) -> None:
    project.write(
        """
        @pipeline
        def demo():
            make.with_name("first")("x")
            make("y", step_name="second")
            make("z")
            make("w")
        """
    )
    assert list(project.states()) == ["first", "second", "make", "make_2"]


def test_fault_in_an_event_listener_stops_the_workers(project: Project) -> None:
    project.write(CHAIN)

    def fail(event: object) -> None:
        if getattr(event, "kind", "") == "started":
            raise RuntimeError("listener")

    with pytest.raises(RuntimeError, match="listener"):
        run_pipeline(project.file, home=project.home, on_event=fail)
    with MetadataReader(project.home) as reader:
        assert reader.runs()[0].state == "failed"
    assert project.run().state == "done"
