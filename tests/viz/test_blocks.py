from __future__ import annotations

import math

from headrace.viz import Markup, badge, code, details, key_values, meter, note


def test_a_badge_reads_without_colour() -> None:
    signs = {kind: badge("x", kind) for kind in ("good", "bad", "warn", "info", "muted")}
    assert len(set(signs.values())) == 5
    assert "✓" in signs["good"]
    assert "✕" in signs["bad"]


def test_facts_are_formatted_and_escaped() -> None:
    markup = key_values({"rows": 32561, "on": True, "none": None, "<k>": "<v>", "m": Markup("<b>x</b>")})
    for part in ("32,561", "yes", "\u2013", "&lt;k&gt;", "&lt;v&gt;", "<b>x</b>"):
        assert part in markup


def test_meters_stay_within_their_cell() -> None:
    assert "width:100.0%" in meter(7, "lots")
    assert "width:0.0%" in meter(math.nan, "NaN")
    assert "width:0.0%" in meter(None, "none")
    assert "width:25.0%" in meter(0.25, "a quarter")


def test_text_is_text() -> None:
    assert "<b>" not in code("<b>", block=True)
    assert "<b>" not in note("<b>", "warn")
    assert details("<b>", "x", open=True).count("&lt;b&gt;") == 1
