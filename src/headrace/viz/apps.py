"""Whole pages that draw themselves from data they carry."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from headrace.viz.html import Markup, join, tag
from headrace.viz.pages import theme_switch
from headrace.viz.theme import script, style

__all__ = ["app"]

# What is only for where no script runs can be hidden before it is laid out; a script that fails brings it back.
_EARLY = (
    '(root => { root.classList.add("hr-drawn"); '
    'addEventListener("error", () => root.classList.remove("hr-drawn")); })(document.documentElement);'
)


def app(
    title: str,
    *content: Any,
    data: str,
    styles: str = "",
    scripts: str = "",
    subtitle: Any = "",
    brand: str = "headrace",
) -> str:
    """Return a page that stands alone and whose script draws what the data say.

    Its security policy names the hashes of its own style and script: nothing else in it can run, whatever the data
    hold, and nothing is loaded from any host. So the content has no ``style`` attributes.

    Parameters
    ----------
    title
        The page's name.
    content
        Markup that is there without a script; the script may replace it. Where scripts run the root has the class
        ``hr-drawn``, so that rules can hide it.
    data
        JSON, which the script finds as the text of the element ``data``.
    styles
        Rules after the common ones.
    scripts
        Runs after the common script.
    subtitle
        A line beneath the title.
    brand
        The small word at the top.
    """
    sheet, code = style() + styles, script() + scripts
    allowed = f"'{_digest(_EARLY)}' '{_digest(code)}'"
    policy = f"default-src 'none'; style-src '{_digest(sheet)}'; script-src {allowed}; img-src data:"
    head = join(
        [
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=policy),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("title", title),
            tag("style", Markup(sheet)),
            tag("script", Markup(_EARLY)),
        ]
    )
    body = tag(
        "div",
        tag("a", "Skip to the content", href="#content", class_="hr-skip"),
        tag("div", tag("span", brand, class_="hr-brand"), theme_switch(), class_="hr-bar hr-top"),
        tag(
            "main",
            tag("header", tag("h1", title), tag("p", subtitle, class_="hr-sub") if subtitle else None),
            *content,
            id="content",
            class_="hr-main",
        ),
        class_="hr hr-page hr-app",
    )
    # No text of the data may end the element that holds it.
    inert = data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    carried = tag("script", Markup(inert), type="application/json", id="data")
    document = tag("html", tag("head", head), tag("body", body, carried, tag("script", Markup(code))), lang="en")
    return f"<!doctype html>\n{document}\n"


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
