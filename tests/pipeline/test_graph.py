from __future__ import annotations

import re
from collections.abc import Callable, Sequence  # noqa: TC003 - components' annotations are resolved
from typing import Any

import pytest

from headrace.errors import WiringError
from headrace.pipeline import Artifact, component, pipeline


class Text(Artifact):
    pass


class Special(Text):
    pass


class Number(Artifact):
    pass


@component
def make(word: str = "a") -> Text:
    return Text.create()


@component
def special() -> Special:
    return Special.create()


@component
def number() -> Number:
    return Number.create()


@component
def use(text: Text, size: int = 1, more: Sequence[Text] = (), either: Text | Number | None = None) -> Number:
    return Number.create()


@component
def two() -> tuple[Text, Number]:
    return Text.create(), Number.create()


# What a type checker would refuse is called through these.
loose_make: Any = make
loose_use: Any = use


def wire(body: Callable[[], Any]) -> Any:
    return pipeline(body).compile()


def test_edges_parameters_and_order() -> None:
    def body() -> None:
        first = make("x")
        second, third = two()
        use(first, 3, more=[second, special()], either=third, after=make("y"))  # type: ignore[call-arg]

    graph = wire(body)
    assert list(graph.steps) == ["make", "two", "special", "make_2", "use"]
    step = graph.steps["use"]
    assert step.upstream == ("make", "two", "special", "make_2")
    assert step.parameters == {"size": 3}
    assert step.after == ("make_2",)
    assert [(name, ref.step_id, ref.output) for name, ref in step.refs] == [
        ("text", "make", "Text"),
        ("more", "two", "Text"),
        ("more", "special", "Special"),
        ("either", "two", "Number"),
    ]
    assert graph.ancestors("use") == ["make", "two", "special", "make_2"]


def test_a_subtype_fits() -> None:
    assert len(wire(lambda: use(special())).steps) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: loose_use(number()), "use takes Text as 'text'; got <output Number of step 'number'>"),
        (lambda: loose_use(two()), "a, b = step"),
        (lambda: loose_use("text"), "use takes Text as 'text'; got 'text'"),
        (lambda: loose_use(size=1), "missing a required argument: 'text'"),
        (lambda: loose_use(make(), sise=3), "Did you mean 'size'"),
        (lambda: loose_use(make(), 1, [], None, 5), "too many positional"),
        (lambda: loose_use(make(), size=make()), "use takes a value as 'size', not the output"),
        (lambda: loose_use(make(), size=[make()]), "use takes a value as 'size', not the output"),
        (lambda: loose_use(make(), more=make()), "Put it in a list"),
        (lambda: loose_use(make(), more=[number()]), "takes a list of Text as 'more'"),
        (lambda: loose_use(make(), after="make"), "'after' of use takes outputs"),
        (lambda: [loose_make(step_name="x"), loose_make(step_name="x")], "A step's name is given once"),
        (lambda: loose_make(step_name="a b"), "letters, digits"),
        (lambda: [make.with_name("x/y")()], "letters, digits"),
        (lambda: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_mistakes_name_the_rule_and_the_line(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(WiringError, match=re.escape(message)) as caught:
        wire(call)
    assert f"{__file__}, line {call.__code__.co_firstlineno}" in str(caught.value)
