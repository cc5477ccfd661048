from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from headrace import transform as tft
from headrace.errors import TransformError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., dict[str, list[Any]]]


def test_strip(run: Run) -> None:
    found = run(
        lambda inputs: {
            "x": tft.strip(inputs["x"]) == "a b",
            "n": tft.fill_missing(tft.strip(inputs["n"]), "gone") == "gone",
        },
        x=[" a b\t", "a  b", "\r\na b", "\N{NO-BREAK SPACE}a b"],
        n=["a", None, " gone ", ""],
    )
    assert found == {"x": [1, 0, 1, 0], "n": [0, 1, 1, 0]}


def test_strip_takes_texts() -> None:
    with pytest.raises(TransformError, match=r"tft\.strip takes texts; got a column of int64"):
        tft.analyze({"x": [1]}, lambda inputs: {"y": tft.strip(inputs["x"])})
