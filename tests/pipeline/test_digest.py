from __future__ import annotations

import collections
import enum
import functools
import math
import operator
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors import WiringError
from headrace.pipeline import value_digest
from headrace.pipeline.digest import describe

if TYPE_CHECKING:
    from collections.abc import Callable


class Color(enum.Enum):
    RED = 1
    BLUE = 2


@dataclass(frozen=True)
class Point:
    x: Any
    y: Any = field(default=0)


class Record(msgspec.Struct):
    x: Any


class Estimator:
    def __init__(self, size: Any) -> None:
        self.size = size
        self.cache = object()

    def get_params(self, *, deep: bool = True) -> dict[str, Any]:
        return {"size": self.size}


class Source:
    def __init__(self, path: Path) -> None:
        self.path = path

    def fingerprint(self, digest_file: Callable[[Path], str]) -> str:
        return digest_file(self.path)


DIFFERENT: list[Any] = [
    None, True, False, 0, 1, -1, 1.0, 0.5, -0.0, 0.0, math.nan, math.inf, "", "1", "a", b"a", b"", (), [], {}, set(),
    (1,), [1], {1}, {1: 1}, {"1": 1}, [[1], 2], [1, [2]], ["ab", "c"], ["a", "bc"], Path("a"), Color.RED, Color.BLUE,
    Point(1), Point(2), Point(1, 1), Record(1), Record(2), Estimator(1), Estimator(2), len, math.sqrt, math.exp, Point,
    Record, functools.partial(max, 1), functools.partial(min, 1), functools.partial(max, default=1), range(3), range(4),
    np.array([1, 2]), np.array([1.0, 2.0]), np.array([[1, 2]]), np.float32(1), np.float64(1), operator.itemgetter(1),
    operator.itemgetter(2), collections.OrderedDict(a=1), collections.Counter(a=1), "a".upper, "b".upper,
    lambda x: x + 1, lambda x: x + 2, float, int, object(),
]  # fmt: skip


def test_different_values_have_different_digests() -> None:
    seen: dict[str, Any] = {}
    for value in DIFFERENT[:-1]:
        digest = value_digest(value)
        assert digest not in seen, (value, seen[digest])
        seen[digest] = value


def test_equal_contents_have_equal_digests() -> None:
    assert value_digest({"b": 1, "a": {3, 2, 1}}) == value_digest({"b": 1, "a": {1, 3, 2}})
    assert value_digest(Estimator(1)) == value_digest(Estimator(1))
    assert value_digest(np.arange(3)) == value_digest(np.arange(3))
    assert value_digest(Path("a") / "b") == value_digest(Path("a/b"))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=10,
)


@given(values, values)
@settings(deadline=None)
def test_digests_agree_with_content(a: Any, b: Any) -> None:
    assert value_digest([a, b]) == value_digest([a, b])
    assert (value_digest(a) == value_digest(b)) == (repr(a) == repr(b))


def test_digests_are_the_same_in_every_process() -> None:
    script = (
        "from headrace.pipeline import value_digest\n"
        "print(value_digest([{'b', 'a', 'c'}, {'x': (1, 2.5)}, frozenset([('a', 1), ('b', 2)]), len, int]))"
    )
    outs = {
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outs) == 1


def test_values_without_content_are_refused() -> None:
    for value in (object(), Path(__file__).open(encoding="utf-8"), (x for x in [1])):  # noqa: SIM115
        with pytest.raises(WiringError, match="content can be compared"):
            value_digest([value])
        close = getattr(value, "close", None)
        if close:
            close()


def test_cycles_end() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    assert value_digest(loop)


def test_sources_count_by_their_content(tmp_path: Path) -> None:
    for name, text in (("a", "one"), ("b", "one"), ("c", "two")):
        (tmp_path / name).write_text(text)
    a, b, c = (value_digest(Source(tmp_path / name)) for name in "abc")
    assert a == b != c


def test_describe_is_json() -> None:
    described = describe(
        {"a": (1, Path("x")), "b": {2, 1}, "c": Color.RED, "d": Point(1), "e": Estimator(3), "f": math.nan, 1: len}
    )
    assert described == {
        "a": [1, "x"],
        "b": [1, 2],
        "c": "RED",
        "d": {"type": "Point", "x": 1, "y": 0},
        "e": {"type": "Estimator", "size": 3},
        "f": "nan",
        "1": "builtins.len",
    }
    assert "0x" not in describe(object())
