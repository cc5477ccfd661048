from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from headrace.errors import WiringError
from headrace.pipeline import Artifact, component, pipeline

if TYPE_CHECKING:
    from collections.abc import Callable


class Text(Artifact):
    pass


@component
def make(word: str = "a") -> Text:
    return Text.create()


@component
def use(text: Text) -> Text:
    return Text.create()


def wire(body: Callable[[], Any]) -> Any:
    return pipeline(body).compile()


def test_pipelines_nest() -> None:
    @pipeline
    def inner(word: str) -> Text:
        return make(word)

    def body() -> None:
        use(inner("x"))
        use(inner("y"))

    assert list(wire(body).steps) == ["make", "use", "make_2", "use_2"]


def test_an_empty_pipeline() -> None:
    with pytest.raises(WiringError, match="at least one step") as caught:
        wire(lambda: None)
    assert f"{__file__}, line" in str(caught.value)
