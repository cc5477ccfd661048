from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from headrace.errors import WiringError
from headrace.pipeline import Artifact, Output, component, pipeline

if TYPE_CHECKING:
    from collections.abc import Callable


class Text(Artifact):
    pass


@component
def make(word: str = "a") -> Text:
    return Text.create()


def wire(body: Callable[[], Any]) -> Any:
    return pipeline(body).compile()


@pytest.mark.parametrize(
    "misuse",
    [
        bool, str, len, iter, int, float, "{}".format,
        lambda o: o + 1, lambda o: 1 + o, lambda o: o == 1, lambda o: o < 1, lambda o: o[0], lambda o: o.path,
        lambda o: -o, lambda o: o(1), lambda o: 1 in o, lambda o: f"{o}", os.fspath, list,
    ],
)  # fmt: skip
def test_an_output_is_no_value(misuse: Callable[[Any], Any]) -> None:
    with pytest.raises(WiringError, match="not a value while the pipeline is being wired") as caught:
        wire(lambda: misuse(make()))
    assert f"{__file__}, line" in str(caught.value)


def test_an_output_can_be_shown_and_kept() -> None:
    seen: list[str] = []

    def body() -> None:
        output: Any = make()
        assert isinstance(output, Output)
        seen.append(repr(output))
        assert {output: 1}[output] == 1

    wire(body)
    assert seen == ["<output Text of step 'make'>"]
