from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.errors import DataError, StorageError, UsageError
from headrace.metadata import MetadataReader

if TYPE_CHECKING:
    from tests.pipeline.conftest import Project


@pytest.mark.parametrize(
    ("statement", "error", "message"),
    [
        ("sys.exit(0)", "SystemExit", "sys.exit(0)"),
        ("os._exit(0)", "Exited", "exit code 0"),
        ("os._exit(7)", "Exited", "exit code 7"),
        ("os.kill(os.getpid(), 9)", "Killed", "SIGKILL"),
        ("return 5", "StepError", "got 5"),
        ("return Text(Path('elsewhere'))", "StepError", "made itself"),
        ("input()", "EOFError", ""),
    ],
)
def test_steps_that_end_badly(project: Project, statement: str, error: str, message: str) -> None:
    project.write(
        f"""
        @component
        def bad() -> Text:
            {statement}

        @pipeline
        def demo():
            bad()
        """
    )
    result = project.run()
    failure = result.steps[0].failure
    assert failure is not None
    assert (result.exit_code, failure.error) == (1, error)
    assert message in failure.message
    assert not list((project.home / "artifacts").glob("*/*"))


def test_our_own_errors_are_kept(project: Project) -> None:
    project.write(
        """
        @component
        def bad() -> Text:
            raise UsageError("A rule", got="that", fix="Do this")

        @component
        def data() -> Text:
            raise DataError("Rows must fit", where="row 7")

        @pipeline
        def demo():
            bad()
            data()
        """
    )
    result = project.run()
    assert result.exit_code == 2
    with pytest.raises(UsageError, match=r"A rule; got that .*Do this"):
        result.raise_for_state()
    assert isinstance(result.step("data").error, DataError)
    assert str(result.step("data").error).startswith("Rows must fit (row 7)")


def test_a_full_disk_says_so(project: Project) -> None:
    project.write(
        """
        import errno

        @component
        def full() -> Text:
            raise OSError(errno.ENOSPC, "No space left on device", "/some/file")

        @pipeline
        def demo():
            full()
        """
    )
    error = project.run().steps[0].error
    assert isinstance(error, StorageError)
    assert "free space" in str(error)
    assert "/some/file" in str(error)


def test_output_shapes(project: Project) -> None:
    project.write(
        """
        class Pair(NamedTuple):
            left: Text
            right: Other

        @component
        def two() -> tuple[Text, Text]:
            return write("1"), write("2")

        @component
        def named() -> Pair:
            return Pair(write("l"), Other.create())

        @component
        def use(a: Text, b: Text | None, c: Other, d: Text | None = None) -> Text:
            return write(f"{a.read()}{b.read() if b else None}{d}")

        @pipeline
        def demo():
            one, two_ = two()
            pair = named()
            use(two_, pair.left, pair.right)
            use(one, None, c=pair.right)
        """
    )
    result = project.run()
    assert result.state == "done", [s.failure for s in result.steps]
    assert set(result.step("two").outputs) == {"Text_1", "Text_2"}
    assert set(result.step("named").outputs) == {"left", "right"}
    assert (result.step("use").paths["Text"] / "text").read_text() == "2lNone"
    assert (result.step("use_2").paths["Text"] / "text").read_text() == "1NoneNone"


def test_data_that_changes_under_a_step_fails_it(project: Project) -> None:
    project.write(
        """
        @component
        def read(path: FilePath) -> Text:
            Path(path).write_text("changed")
            return write("x")

        @pipeline
        def demo():
            read("data.txt")
        """
    )
    (project.folder / "data.txt").write_text("one")
    failure = project.run().steps[0].failure
    assert failure is not None
    assert "While it ran" in failure.message


def test_code_that_changes_under_a_run_fails_it(project: Project) -> None:
    project.write(
        """
        @component
        def edit() -> Text:
            path = Path("pipeline.py")
            path.write_text(path.read_text().replace("* 2", "* 3"))
            return write("x")

        @pipeline
        def demo():
            twice(edit())
        """
    )
    result = project.run()
    failure = result.step("twice").failure
    assert failure is not None
    assert "Before it began" in failure.message
    assert project.run().state == "done"


def test_what_a_step_prints_goes_to_its_log(project: Project) -> None:
    project.write(
        """
        @component
        def talk() -> None:
            print("out")
            print("err", file=sys.stderr)
            os.system("echo child")

        @pipeline
        def demo():
            talk()
        """
    )
    log = project.run().steps[0].log
    assert log is not None
    assert sorted(log.read_text().split()) == ["child", "err", "out"]


def test_memory_and_times_are_recorded(project: Project) -> None:
    project.write(
        """
        @component
        def hungry() -> None:
            block = bytearray(80_000_000)
            time.sleep(0.2)

        @pipeline
        def demo():
            hungry()
            make()
        """
    )
    result = project.run()
    assert 80e6 < result.step("hungry").peak_memory < 200e6
    assert result.step("make").peak_memory < 60e6
    assert result.step("hungry").seconds >= 0.2
    with MetadataReader(project.home) as reader:
        steps = reader.steps(result.run_id)
    assert [step.state for step in steps] == ["done", "done"]
    assert all(step.execution_id and step.finished and step.started for step in steps)


def test_inputs_have_the_type_that_was_made(project: Project) -> None:
    project.write(
        """
        class Special(Text):
            pass

        @component
        def special() -> Special:
            made = Special.create()
            made.properties["rows"] = 3
            return made

        @component
        def look(one: Text, two: Text | Other) -> Text:
            return write(f"{type(one).__name__} {type(two).__name__} {one.properties} {one.id is not None}")

        @pipeline
        def demo():
            look(special(), other())
        """
    )
    result = project.run()
    assert (result.step("look").paths["Text"] / "text").read_text() == "Special Other {'rows': 3} True"
