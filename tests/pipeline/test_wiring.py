from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from headrace.errors import WiringError
from headrace.pipeline import Artifact, FilePath, component, pipeline
from headrace.pipeline.wiring import Interface

if TYPE_CHECKING:
    from collections.abc import Callable


class Text(Artifact):
    pass


class Number(Artifact):
    pass


@component
def make(word: str = "a") -> Text:
    return Text.create()


def wire(body: Callable[[], Any]) -> Any:
    return pipeline(body).compile()


def test_a_component_must_say_what_it_returns() -> None:
    @component
    def silent(x: int):  # type: ignore[no-untyped-def] # noqa: ANN202
        return x

    @component
    def wrong(x: int) -> int:
        return x

    @component
    def many(*x: int) -> None:
        pass

    for call in (lambda: silent(1), lambda: wrong(1)):
        with pytest.raises(WiringError, match="must say what it returns"):
            wire(call)
    with pytest.raises(WiringError, match="names each of its parameters"):
        wire(lambda: many(1))


def test_annotations_for_type_checking_only_say_so() -> None:
    def hidden(x: Hidden) -> None:  # type: ignore[name-defined] # noqa: F821
        pass

    with pytest.raises(WiringError, match="outside of 'if TYPE_CHECKING'"):
        wire(lambda: component(hidden)(make()))


def test_ports_say_what_they_take() -> None:
    def function(
        one: Text,
        maybe: Text | None,
        several: list[Text],
        either: Text | Number,
        size: int,
        path: FilePath | None = None,
        after: Any = None,
    ) -> tuple[Text, Number, Text]:
        raise AssertionError

    interface = Interface(function)
    ports = interface.ports
    assert [(p.kind, p.artifacts, p.optional) for p in ports.values()][:5] == [
        ("input", (Text,), False),
        ("input", (Text,), True),
        ("inputs", (Text,), False),
        ("input", (Text, Number), False),
        ("value", (), False),
    ]
    assert ports["after"].kind == "order"
    assert [name for name, port in ports.items() if port.by_file_content] == ["path"]
    assert interface.outputs == (("Text_1", Text), ("Number", Number), ("Text_3", Text))
