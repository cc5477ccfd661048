from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace import transform as tft

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., dict[str, list[Any]]]


def test_bracketed_characters_are_no_anchors(run: Run) -> None:
    found = run(lambda i: {"y": tft.regex_replace(i["x"], r"[^a]+|\$", "#") == "#a#"}, x=["x$a\n", "a"])
    assert found["y"] == [1, 0]
