"""Comments of a YAML file, which its readers throw away, and what they are about."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from headrace.schema.yaml_form import HEADER

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Span", "comments_of"]

_BREAKS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_HASH = re.compile("(?:^|(?<=[ \t\n\r\x85\u2028\u2029\ufeff]))#")


class Span(NamedTuple):
    """Where the key of a feature stands: line and column from 0, and the steps of the feature's path."""

    line: int
    column: int
    steps: tuple[str, ...]


def comments_of(
    text: str, spans: Sequence[Span], sections: Sequence[int]
) -> tuple[dict[tuple[str, ...], tuple[str, ...]], tuple[str, ...]]:
    """Return the comments of each feature, and the rest, which are about the whole schema.

    A comment is about the feature whose key follows it, or in whose body it stands.

    Parameters
    ----------
    text
        The file, which is valid YAML.
    spans
        All features.
    sections
        The lines of the keys of the schema.
    """
    spans = sorted(spans)
    lines = _BREAKS.split(text)
    found = _comments(text)
    whole = {line for line, column, _ in found if not lines[line][:column].strip(" \t\ufeff")}
    # The first line behind the comments and blanks that follow each.
    after: dict[int, int] = {}
    for line in sorted(whole, reverse=True):
        place = line + 1
        while place < len(lines) and not lines[place].strip():
            place += 1
        after[line] = after.get(place, place)
    keys: dict[int, list[Span]] = {}
    for span in spans:
        keys.setdefault(span.line, []).append(span)
    owned: dict[tuple[str, ...], list[str]] = {}
    rest = []
    usual = {line.removeprefix("# ") for line in HEADER.splitlines()}
    for line, column, comment in found:
        if comment in usual:
            continue
        owner = None
        if line in whole:
            owner = next((span for span in keys.get(after[line], ()) if column <= span.column), None)
        owner = owner or _around(line, column if line in whole else None, spans, sections)
        if owner is None:
            rest.append(comment)
        else:
            owned.setdefault(owner.steps, []).append(comment)
    trimmed = {steps: _trimmed(comments) for steps, comments in owned.items()}
    return {steps: comments for steps, comments in trimmed.items() if comments}, _trimmed(rest)


def _trimmed(comments: list[str]) -> tuple[str, ...]:
    """Return comments without the empty ones at either end."""
    told = [place for place, comment in enumerate(comments) if comment]
    return tuple(comments[told[0] : told[-1] + 1]) if told else ()


def _around(line: int, column: int | None, spans: Sequence[Span], sections: Sequence[int]) -> Span | None:
    """Return the feature in whose body a line stands; a whole line of comment from a column, if one is given."""
    section = max((start for start in sections if start <= line), default=-1)
    for span in reversed(spans[: bisect_right(spans, line, key=lambda span: span.line)]):
        if span.line < section:
            return None
        if column is None or span.column < column:
            return span
    return None


def _comments(text: str) -> list[tuple[int, int, str]]:
    """Return line, column and text of the comments."""
    import yaml

    if "#" not in text.removeprefix(HEADER):
        return []
    starts = [0, *(match.end() for match in _BREAKS.finditer(text))]
    quoted = [
        (token.start_mark.index, token.end_mark.index)
        for token in yaml.scan(text, Loader=yaml.SafeLoader)
        if isinstance(token, yaml.ScalarToken)
    ]
    begins = [begin for begin, _ in quoted]
    found = []
    end = 0
    for match in _HASH.finditer(text):
        place = match.start()
        nearest = bisect_right(begins, place) - 1
        if place < end or (nearest >= 0 and place < quoted[nearest][1]):
            continue
        stop = _BREAKS.search(text, place)
        end = len(text) if stop is None else stop.start()
        line = bisect_right(starts, place) - 1
        found.append((line, place - starts[line], text[place + 1 : end].strip()))
    return found
