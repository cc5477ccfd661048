from __future__ import annotations

from functools import partial
from typing import Any

from headrace.transform.callables import UserFunction


def make(place: int) -> UserFunction:
    return UserFunction(lambda word: word[place])


def local_class() -> Any:
    class Local:
        pass

    return Local


def test_functions_are_compared_by_what_they_do() -> None:
    assert make(0) == make(0)
    assert hash(make(0)) == hash(make(0))
    assert make(0) != make(1)
    assert make(0) != make
    assert UserFunction(str.lower) == UserFunction(str.lower)
    assert UserFunction(str.lower) != UserFunction(str.upper)
    assert UserFunction(partial(int, base=2)) == UserFunction(partial(int, base=2))
    assert UserFunction(partial(int, base=2)) != UserFunction(partial(int, base=3))
    assert UserFunction(local_class()) == UserFunction(local_class())
    assert UserFunction(int) != UserFunction(str)


def test_they_can_be_called() -> None:
    assert make(1)("ab") == "b"
