from __future__ import annotations

import enum
from pathlib import Path
from typing import Any, Literal

import pytest

from headrace.errors import UsageError
from headrace.pipeline import FilePath, pipeline
from headrace.pipeline.parameters import convert, plain_parameters


class Color(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("3", int, 3),
        ("3", float, 3.0),
        ("1e-3", float, 0.001),
        ("true", bool, True),
        ("No", bool, False),
        ("x", str, "x"),
        ("3", str, "3"),
        ("a/b", Path, Path("a/b")),
        ("1,2", tuple[int, ...], (1, 2)),
        ("(1, 2)", tuple[int, ...], (1, 2)),
        ("[1]", list[int], [1]),
        ("", tuple[int, ...], ()),
        ("1,x", tuple[int, str], (1, "x")),
        ([1, 2], tuple[int, ...], (1, 2)),
        ("none", int | None, None),
        ("5", int | None, 5),
        ("5", int | str, 5),
        ("x", int | str, "x"),
        ("none", str | None, None),
        ("b", Literal["a", "b"], "b"),
        ("2", Literal[1, 2], 2),
        ("RED", Color, Color.RED),
        ('{"a": "1"}', dict[str, int], {"a": 1}),
        ("x", Any, "x"),
        ("data.csv", FilePath, "data.csv"),
        ("data.csv", FilePath | None, "data.csv"),
    ],
)
def test_text_becomes_the_type(text: Any, kind: Any, value: Any) -> None:
    converted = convert(text, kind, where="here")
    if kind in (FilePath, FilePath | None):
        converted = str(converted)
    assert converted == value
    assert type(converted) is type(value)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("x", int), ("1.5", int), (1.5, int), (True, int), ("maybe", bool), (5, str), ("1,x", tuple[int, ...]),
        ("1", tuple[int, int]), ("c", Literal["a", "b"]), ("BLUE", Color), ("x", int | None),
    ],
)  # fmt: skip
def test_what_does_not_fit_says_so(text: Any, kind: Any) -> None:
    with pytest.raises(UsageError, match="here"):
        convert(text, kind, where="here")


def test_missing_and_unknown_parameters() -> None:
    @pipeline
    def demo(size: int) -> None:
        pass

    with pytest.raises(UsageError, match="none for 'size'"):
        demo.compile()
    with pytest.raises(UsageError, match="Did you mean 'size'"):
        demo.compile({"sise": 1})


def test_plain_parameters() -> None:
    assert plain_parameters({"a": (1, Path("x")), "b": {"c": None}, "d": Color.RED}) == {
        "a": [1, "x"],
        "b": {"c": None},
        "d": "RED",
    }
    with pytest.raises(UsageError, match="parameter 'a'"):
        plain_parameters({"a": object()})
