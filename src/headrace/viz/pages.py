"""Whole pages in one file, and fragments for notebooks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headrace.viz.html import Markup, join, tag
from headrace.viz.theme import script, style

__all__ = ["Section", "embed", "page"]


@dataclass(frozen=True)
class Section:
    """One part of a page.

    Parameters
    ----------
    id
        The anchor, unique within the page.
    title
        The heading, also in the table of contents.
    body
        Markup or text.
    note
        A short remark beside the title: a count, a time.
    """

    id: str
    title: str
    body: Any
    note: str = ""


def page(
    title: str,
    *sections: Section,
    subtitle: Any = "",
    header: Any = None,
    brand: str = "headrace",
    document_title: str | None = None,
) -> str:
    """Return a page that stands alone: styles and script within, nothing loaded from any host.

    Parameters
    ----------
    title
        The page's name.
    sections
        Its parts, in order; two or more get a table of contents.
    subtitle
        A line beneath the title.
    header
        Markup above the sections: verdicts, facts.
    brand
        The small word above the contents.
    document_title
        The name in the browser's tab; the title where it is not given.
    """
    contents = [tag("li", tag("a", section.title, href=f"#{section.id}")) for section in sections]
    body = tag(
        "div",
        tag("a", "Skip to the content", href="#content", class_="hr-skip"),
        tag(
            "nav",
            tag("div", tag("span", brand, class_="hr-brand"), theme_switch(), class_="hr-bar"),
            tag("ol", contents) if len(sections) > 1 else None,
            class_="hr-nav",
            aria_label="Contents",
        ),
        tag(
            "main",
            tag("header", tag("h1", title), tag("p", subtitle, class_="hr-sub") if subtitle else None, header),
            [
                tag(
                    "section",
                    tag("h2", section.title, tag("span", section.note, class_="hr-h-note") if section.note else None),
                    section.body,
                    id=section.id,
                    class_="hr-section",
                )
                for section in sections
            ],
            id="content",
            class_="hr-main",
        ),
        class_="hr hr-page",
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
    head = join(
        [
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=policy),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("title", document_title or title),
            tag("style", Markup(style())),
        ]
    )
    document = tag("html", tag("head", head), tag("body", body, tag("script", Markup(script()))), lang="en")
    return f"<!doctype html>\n{document}\n"


def theme_switch() -> Markup:
    """Return the button that switches between light and dark; the script shows it."""
    return tag(
        "button",
        tag("span", "◐", aria_hidden="true"),
        type="button",
        class_="hr-toggle",
        hidden=True,
        title="Light or dark",
        aria_label="Switch between light and dark",
    )


def embed(fragment: Any) -> str:
    """Return a fragment with the styles and the script that it needs, for a notebook's cell."""
    inner = tag("div", tag("style", Markup(style())), fragment, tag("script", Markup(script())), class_="hr")
    return str(inner)
