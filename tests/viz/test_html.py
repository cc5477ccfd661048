from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.viz import Markup, escape, join, tag


def test_plain_text_is_escaped_everywhere() -> None:
    nasty = "<script>\"'&"
    assert "<script>" not in tag("p", nasty, title=nasty)
    assert tag("p", nasty) == "<p>&lt;script&gt;&quot;&#x27;&amp;</p>"
    assert join([nasty, Markup("<br>")]) == "&lt;script&gt;&quot;&#x27;&amp;<br>"
    assert Markup("<b>") + "<i>" == "<b>&lt;i&gt;"
    assert "<i>" + Markup("<b>") == "&lt;i&gt;<b>"


def test_markup_passes_once() -> None:
    once = escape("a & b")
    assert escape(once) == once == "a &amp; b"
    assert isinstance(once, Markup)


def test_attributes() -> None:
    assert tag("td", "x", class_="a", aria_label="b", colspan=2) == '<td class="a" aria-label="b" colspan="2">x</td>'
    assert tag("button", hidden=True, title=None, disabled=False) == '<button hidden=""></button>'
    assert tag("rect", x=1.23456, y=float("nan"), z=-0.001) == '<rect x="1.23" y="0" z="0"></rect>'
    assert tag("img", alt="") == '<img alt="">'


def test_children_may_be_nested_and_absent() -> None:
    assert tag("ul", [tag("li", 1), None, [tag("li", "2")]]) == "<ul><li>1</li><li>2</li></ul>"


@given(st.text())
@settings(deadline=None)
def test_any_text_survives_as_text(text: str) -> None:
    markup = tag("p", text, title=text)
    markup.encode()
    read = ET.fromstring(str(markup))
    assert "<" not in escape(text)
    shown = read.text or ""
    assert len(shown.replace("\n", "")) == len(text.replace("\r", "").replace("\n", ""))


@pytest.mark.parametrize("text", ["\x00", "\x1f", "\ud800", "\uffff"])
def test_characters_that_no_page_can_hold_are_replaced(text: str) -> None:
    assert escape(f"a{text}b") == "a\ufffdb"


def test_a_fragment_shows_itself_in_a_notebook() -> None:
    shown = tag("p", "hello")._repr_html_()
    assert "<p>hello</p>" in shown
    assert "<style>" in shown
