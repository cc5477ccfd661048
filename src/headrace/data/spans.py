"""Portions of data that arrive one after the other: spans and versions in the names of files.

Everything here is a function of names alone, so that it serves any place that can list its files.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from headrace.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Rolling",
    "SpanFile",
    "SpanSelection",
    "glob_of",
    "has_spans",
    "resolve_spans",
    "rolling",
    "spans_option",
]

_PLACE = re.compile(r"\{(SPAN|VERSION|YYYY|MM|DD)(?::([0-9]+))?\}")
_DATE = ("YYYY", "MM", "DD")
_EPOCH = dt.date(1970, 1, 1)


class SpanFile(NamedTuple):
    """A file of a span.

    Parameters
    ----------
    span
        The number; for dates the days since 1970-01-01.
    version
        The number; None where the pattern has none.
    name
        The file's name.
    """

    span: int
    version: int | None
    name: str


@dataclass(frozen=True)
class Rolling:
    """The newest spans; made by `rolling`."""

    count: int
    skip: int = 0
    start: int | None = None


SpanSelection = tuple[int, int] | Rolling | None


def rolling(count: int, *, skip: int = 0, start: int | dt.date | None = None) -> Rolling:
    """Choose the newest spans that are there, a window that moves on with the data.

    While there are fewer spans than ``count``, the window has those.

    Parameters
    ----------
    count
        How many spans.
    skip
        How many of the newest ones to leave out before.
    start
        The first span, or date, that may be chosen.

    Examples
    --------
    >>> rolling(7, skip=1)
    Rolling(count=7, skip=1, start=None)
    """
    if count < 1:
        raise UsageError("A rolling window has at least one span", got=count)
    if skip < 0:
        raise UsageError("skip is a number of spans", got=skip)
    return Rolling(int(count), int(skip), None if start is None else _number(start))


def spans_option(spans: tuple[int | dt.date, int | dt.date] | Rolling | None) -> SpanSelection:
    """Return the selection with dates as numbers.

    Raises
    ------
    UsageError
        If it is neither (first, last) nor a rolling window.
    """
    if spans is None or isinstance(spans, Rolling):
        return spans
    if not isinstance(spans, (tuple, list)) or len(spans) != 2:
        raise UsageError("spans are (first, last), both included, or hr.rolling(count)", got=spans)
    first, last = _number(spans[0]), _number(spans[1])
    if first > last:
        raise UsageError("spans are (first, last), both included", got=(spans[0], spans[1]))
    return first, last


def _number(span: int | dt.date) -> int:
    if isinstance(span, dt.date):
        return (dt.date(span.year, span.month, span.day) - _EPOCH).days
    return int(span)


def has_spans(pattern: str) -> bool:
    """Tell whether a pattern has a place for a span or a version."""
    return _PLACE.search(pattern) is not None


def glob_of(pattern: str) -> str:
    """Return a glob that matches all files of a pattern, and maybe others.

    >>> glob_of("data/{YYYY}-{MM}-{DD}/v{VERSION}/*.csv")
    'data/*-*-*/v*/*.csv'
    """
    _check(pattern)
    return _PLACE.sub("*", pattern)


def resolve_spans(pattern: str, names: Iterable[str], spans: SpanSelection = None) -> list[SpanFile]:
    """Return the files of the chosen spans, of each span those of its newest version.

    Parameters
    ----------
    pattern
        A path or glob with ``{SPAN}``, or with all of ``{YYYY}``, ``{MM}`` and ``{DD}``, and maybe ``{VERSION}``. Each
        stands for digits: four, two and two of a date, as many as there are of the others, or a given number of them
        as in ``{SPAN:4}``. A place that is there twice has the same digits twice.
    names
        Files; those that do not match are passed over.
    spans
        First and last span, both included, or a rolling window; the newest span when None.

    Returns
    -------
    list of SpanFile
        In the order of spans and then of names.

    Raises
    ------
    UsageError
        If the pattern has no span.
    DataError
        If no file matches, or none is of a chosen span.

    Examples
    --------
    >>> resolve_spans("day-{SPAN}/v{VERSION}.csv", ["day-1/v1.csv", "day-1/v2.csv", "day-2/v1.csv"], (1, 1))
    [SpanFile(span=1, version=2, name='day-1/v2.csv')]
    """
    _check(pattern)
    expression = _expression(pattern)
    matches = [found for name in names if (match := expression.match(name)) and (found := _found(match, name))]
    if not matches:
        raise DataError(
            "The pattern matches no file",
            got=pattern,
            fix="{SPAN} and {VERSION} stand for digits, {YYYY}, {MM} and {DD} for a date",
        )
    newest: dict[int, int] = {}
    for span, version, _ in matches:
        newest[span] = max(newest.get(span, 0), version or 0)
    chosen = _chosen(pattern, sorted(newest), spans)
    return sorted(file for file in matches if file.span in chosen and (file.version or 0) == newest[file.span])


def _chosen(pattern: str, there: list[int], spans: SpanSelection) -> set[int]:
    if spans is None:
        return {there[-1]}
    have = f"Spans that are there: {there[0]} to {there[-1]}"
    if isinstance(spans, Rolling):
        later = [span for span in there if spans.start is None or span >= spans.start]
        window = later[: len(later) - spans.skip][-spans.count :] if len(later) > spans.skip else []
        if not window:
            raise DataError(
                "The rolling window holds no span",
                got=f"{len(later)} spans, {spans.skip} skipped",
                where=pattern,
                fix=have,
            )
        return set(window)
    first, last = spans
    within = {span for span in there if first <= span <= last}
    if not within:
        raise DataError(f"There is no span from {first} to {last}", where=pattern, fix=have)
    return within


def _check(pattern: str) -> None:
    places = {match[1] for match in _PLACE.finditer(pattern)}
    dates = places & set(_DATE)
    if dates and (dates != set(_DATE) or "SPAN" in places):
        raise UsageError(
            "A pattern has {SPAN}, or all of {YYYY}, {MM} and {DD}",
            got=pattern,
            fix="Write {SPAN}, or {YYYY}, {MM} and {DD}",
        )
    if not dates and "SPAN" not in places:
        raise UsageError("A pattern with {VERSION} has spans too", got=pattern, fix="Add {SPAN}, or {YYYY}, {MM}, {DD}")


def _expression(pattern: str) -> re.Pattern[str]:
    parts, last = [], 0
    there: set[str] = set()
    for match in _PLACE.finditer(pattern):
        parts.append(_glob_expression(pattern[last : match.start()]))
        last = match.end()
        place, width = match[1], match[2]
        if place in there:
            parts.append(f"(?P={place})")
            continue
        there.add(place)
        digits = {"YYYY": "{4}", "MM": "{2}", "DD": "{2}"}.get(place, f"{{{width}}}" if width else "+")
        parts.append(f"(?P<{place}>[0-9]{digits})")
    return re.compile("".join([*parts, _glob_expression(pattern[last:])]) + r"\Z")


def _glob_expression(part: str) -> str:
    pieces = re.split(r"(\*\*/|\*|\?|\[[^\]]+\])", part)
    return "".join(_glob_piece(piece) if index % 2 else re.escape(piece) for index, piece in enumerate(pieces))


def _glob_piece(piece: str) -> str:
    known = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    if piece in known:
        return known[piece]
    inner = piece[1:-1].replace("\\", r"\\").replace("^", r"\^").replace("[", r"\[")
    return f"[^{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"


def _found(match: re.Match[str], name: str) -> SpanFile | None:
    groups = match.groupdict()
    version = int(groups["VERSION"]) if "VERSION" in groups else None
    if "SPAN" in groups:
        return SpanFile(int(groups["SPAN"]), version, name)
    try:
        date = dt.date(int(groups["YYYY"]), int(groups["MM"]), int(groups["DD"]))
    except ValueError:
        return None
    return SpanFile(_number(date), version, name)
