from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - components' annotations are resolved

from headrace.pipeline import Artifact, Component, component, current_step, pipeline


class Text(Artifact):
    pass


@component
def make(word: str = "a", after: Artifact | Sequence[Artifact] | None = None) -> Text:
    """Make a text."""
    text = Text.create()
    (text.path / "text").write_text(word)
    return text


def test_outside_a_pipeline_it_simply_runs() -> None:
    text = make("word")
    assert isinstance(text, Text)
    assert (text.path / "text").read_text() == "word"
    assert text.digest == make("word").digest != make("other").digest
    assert make("x", after=text).path != text.path
    assert current_step() is None
    assert make.with_after(text).with_name("n")("x").path.is_dir()


def test_after_is_accepted_where_the_function_knows_nothing_of_it() -> None:
    @component
    def plain(x: int) -> None:
        assert x == 1

    plain(1, after=make(), step_name="one")  # type: ignore[call-arg]


def test_it_keeps_name_and_documentation() -> None:
    assert make.__doc__ == "Make a text."
    assert make.name == "make"
    assert repr(make) == "<component make>"


def test_types_are_the_functions_own() -> None:
    kept: Component[[], Text] = component(name="other", version="2", cache=False)(_plain)
    assert (kept.name, kept.version, kept.cache) == ("other", "2", False)
    assert (kept.with_options(cache=True).cache, kept.with_options(name="x").explicit_name) == (True, "x")


def _plain() -> Text:
    return Text.create()


def test_declared_after_orders() -> None:
    @pipeline
    def demo() -> None:
        make("b", after=[make("a"), make("c")])

    assert demo.compile().steps["make_3"].after == ("make", "make_2")
