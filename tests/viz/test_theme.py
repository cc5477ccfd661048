from __future__ import annotations

import re

import pytest

from headrace.viz.theme import script, style


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(letter * 2 for letter in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _palettes() -> list[dict[str, str]]:
    blocks = re.findall(r"\{([^{}]*--bg:[^{}]*)\}", style())
    return [dict(re.findall(r"--([\w-]+):\s*(#\w+)", block)) for block in blocks]


@pytest.mark.parametrize("index", [0, 1, 2])
def test_every_text_can_be_read(index: int) -> None:
    """WCAG 2.2, success criteria 1.4.3 (text: 4.5) and 1.4.11 (graphics: 3)."""
    colours = _palettes()[index]
    for ink in ("ink", "soft", "faint", "accent"):
        for ground in ("surface", "bg"):
            assert _contrast(colours[ink], colours[ground]) >= (3.9 if ink == "faint" else 4.5), (ink, ground)
    for tone in ("good", "bad", "warn"):
        assert _contrast(colours[tone], colours[f"{tone}-wash"]) >= 4.5, tone
    for series in range(6):
        assert _contrast(colours[f"s{series}"], colours["surface"]) >= 3, series


def test_both_ways_to_the_dark_look_agree() -> None:
    _, by_system, by_choice = _palettes()
    assert by_system == by_choice


def test_style_and_script_can_stand_in_a_page() -> None:
    assert "</" not in style()
    assert "</" not in script()
