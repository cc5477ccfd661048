"""Mappers of dates and times.

Days are counted in the proleptic Gregorian calendar, times in UTC. The arithmetic of the calendar is that of years
which begin in March, in eras of 400 years (Fliegel and Van Flandern 1968).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, get_args

import ndonnx as ndx
import numpy as np
import spox.opset.ai.onnx.v17 as op17
import spox.opset.ai.onnx.v21 as op

from headrace.errors import TransformError, did_you_mean
from headrace.transform.checks import column, data_and_mask, with_mask
from headrace.transform.lineage import infos
from headrace.transform.operators import concat_strings, const, equals, full_match, literal, matches
from headrace.transform.trace import Domain, current_trace

if TYPE_CHECKING:
    from spox import Var

__all__ = ["Part", "date_part", "parse_date"]

Part = Literal[
    "year", "quarter", "month", "week", "day", "day_of_year", "weekday", "is_weekend", "hour", "minute", "second"
]

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
# Exclusive bounds of the parts that have any; a year has none.
_BOUNDS = {
    "quarter": 5,
    "month": 13,
    "week": 54,
    "day": 32,
    "day_of_year": 367,
    "weekday": 7,
    "is_weekend": 2,
    "hour": 24,
    "minute": 60,
    "second": 60,
}


def _over(x: ndx.Array, by: int) -> ndx.Array:
    """Divide integers and round down."""
    return ndx.asarray(op17.div((x - _rest(x, by)).unwrap_spox(), const(np.int64(by))))


def _rest(x: ndx.Array, by: int) -> ndx.Array:
    """Return what the division leaves, from 0 on."""
    return ndx.asarray(op17.mod(x.unwrap_spox(), const(np.int64(by))))


def _civil(days: ndx.Array) -> tuple[ndx.Array, ndx.Array, ndx.Array]:
    """Return year, month and day of days since 1970-01-01."""
    since = days + 719_468
    era, in_era = _over(since, 146_097), _rest(since, 146_097)
    year = _over(in_era - _over(in_era, 1460) + _over(in_era, 36_524) - _over(in_era, 146_096), 365)
    in_year = in_era - (365 * year + _over(year, 4) - _over(year, 100))
    from_march = _over(5 * in_year + 2, 153)
    day = in_year - _over(153 * from_march + 2, 5) + 1
    month = ndx.where(from_march < 10, from_march + 3, from_march - 9)
    return year + era * 400 + (month <= 2).astype(ndx.int64), month, day


def _days(year: ndx.Array, month: ndx.Array, day: ndx.Array) -> ndx.Array:
    """Return days since 1970-01-01."""
    year = year - (month <= 2).astype(ndx.int64)
    era, in_era = _over(year, 400), _rest(year, 400)
    in_year = _over(153 * _rest(month + 9, 12) + 2, 5) + day - 1
    return era * 146_097 + in_era * 365 + _over(in_era, 4) - _over(in_era, 100) + in_year - 719_468


def _is_raw(x: ndx.Array) -> bool:
    """Whether times come from a column that is never missing, unchanged."""
    (info,) = infos(x)
    while info._op.op_type.identifier == "Identity":  # noqa: SLF001 - spox's node of a value
        (info,) = info._op.dependencies  # noqa: SLF001
    return info._op.op_type.identifier == "Argument"  # noqa: SLF001


def date_part(x: ndx.Array, part: Part) -> ndx.Array:
    """Return a part of each date or time.

    Parameters
    ----------
    x
        Times ``[N]``: a column of dates or timestamps (in UTC), or what ``tft.parse_date`` returned.
    part
        ``year``; ``quarter`` 1 … 4; ``month`` 1 … 12; ``week`` 1 … 53, of ISO 8601; ``day`` 1 … 31; ``day_of_year``
        1 … 366; ``weekday`` 0 (Monday) … 6; ``is_weekend`` 0 or 1; ``hour`` 0 … 23; ``minute`` and ``second`` 0 … 59.

    Returns
    -------
    ndonnx.Array
        int64 ``[N]``, an id of known range but for years; missing where the time is.

    Raises
    ------
    TransformError
        If there is no such part, or the column has no times.

    Examples
    --------
    >>> import datetime
    >>> from headrace import transform as tft
    >>> data = {"t": [datetime.datetime(2024, 2, 29, 13, 30), datetime.datetime(1969, 12, 31)]}
    >>> def preprocessing_fn(inputs):
    ...     return {part: tft.date_part(inputs["t"], part) for part in ("year", "day_of_year", "weekday", "hour")}
    >>> tft.analyze(data, preprocessing_fn).transform(data).to_table().to_pydict()
    {'year': [2024, 1969], 'day_of_year': [60, 365], 'weekday': [3, 2], 'hour': [13, 0]}
    """
    x = column(x, "date_part")
    if not isinstance(x.dtype, ndx.DateTime64DType):
        raise TransformError(
            "tft.date_part takes times",
            got=f"a column of {x.dtype}",
            fix="Texts become times with tft.parse_date; seconds since 1970 with x.astype(ndonnx.DateTime64DType('s'))",
        )
    if part not in get_args(Part):
        raise TransformError("tft.date_part has no such part", got=repr(part), fix=did_you_mean(part, get_args(Part)))
    missing = None if _is_raw(x) else ndx.isnan(x)
    micro = x.astype(ndx.DateTime64DType("us")).astype(ndx.int64)
    if missing is not None:
        micro = ndx.where(missing, literal(0), micro)
    found = with_mask(_part(micro, part), missing)
    if part not in _BOUNDS:
        return found
    return current_trace("date_part").set_domain(found, Domain(_BOUNDS[part]))


def _part(micro: ndx.Array, part: Part) -> ndx.Array:
    days = _over(micro, _DAY)
    if part in ("hour", "minute", "second"):
        seconds = _over(_rest(micro, _DAY), _SECOND)
        return {"hour": _over(seconds, 3600), "minute": _rest(_over(seconds, 60), 60), "second": _rest(seconds, 60)}[
            part
        ]
    weekday = _rest(days + 3, 7)
    if part in ("weekday", "is_weekend"):
        return weekday if part == "weekday" else (weekday >= 5).astype(ndx.int64)
    if part == "week":
        # A week belongs to the year of its Thursday.
        thursday = days - weekday + 3
        return _over(_in_year(thursday), 7) + 1
    if part == "day_of_year":
        return _in_year(days) + 1
    year, month, day = _civil(days)
    return {"year": year, "quarter": _over(month + 2, 3), "month": month, "day": day}[part]


def _in_year(days: ndx.Array) -> ndx.Array:
    year, _, _ = _civil(days)
    one = ndx.ones_like(year)
    return days - _days(year, one, one)


_ISO = (
    r"\d{4}-\d{2}-\d{2}"
    r"(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?)?"
)
_DIRECTIVES = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}


def parse_date(x: ndx.Array, format: str | None = None) -> ndx.Array:  # noqa: A002 - the name that pandas has
    """Read dates and times from texts.

    Parameters
    ----------
    x
        Texts ``[N]``, without white space at their ends (``tft.strip``).
    format
        The directives ``%Y`` (four digits), ``%m``, ``%d``, ``%H``, ``%M`` and ``%S`` (one or two digits; two where
        nothing stands between directives), with other characters between them. ISO 8601 when None:
        ``2024-02-29``, with ``T13:30``, ``:15`` and ``.123456`` behind it or not, and ``Z`` or ``+01:00`` for the time
        zone; UTC without one. A time is cut to microseconds.

    Returns
    -------
    ndonnx.Array
        Times (microseconds) ``[N]`` for ``tft.date_part`` and differences; missing where the text is, or is not such a
        date: 2023-02-29 is none.

    Raises
    ------
    TransformError
        If the format has another directive, or digits, or no year.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"t": ["2024-02-29", "2024-02-29T23:30:00-01:00", "soon"]}
    >>> def preprocessing_fn(inputs):
    ...     return {"day": tft.fill_missing(tft.date_part(tft.parse_date(inputs["t"]), "day"), 0)}
    >>> tft.analyze(data, preprocessing_fn).transform(data).to_table()["day"].to_pylist()
    [29, 1, 0]
    """
    x = column(x, "parse_date", "text")
    if x.ndim != 1:
        raise TransformError("tft.parse_date takes one text a row", got=f"{x.ndim} dimensions")
    data, mask = data_and_mask(x)
    fields, pattern = (None, _ISO) if format is None else _fields(format)
    valid = ndx.asarray(full_match(data.unwrap_spox(), pattern))
    if mask is not None:
        valid = valid & ~mask
    found = _iso_parts(data, valid) if fields is None else _parts(data, valid, fields)
    year, month, day = found["Y"], found["m"], found["d"]
    days = _days(year, month, day)
    # A day that the month lacks is another day when it is read back.
    _, same_month, same_day = _civil(days)
    valid = valid & (year > 0) & (month >= 1) & (month <= 12) & (same_month == month) & (same_day == day)
    valid = valid & (found["H"] < 24) & (found["M"] < 60) & (found["S"] < 60)
    seconds = found["H"] * 3600 + found["M"] * 60 + found["S"] - found.get("zone", literal(0))
    micro = days * _DAY + seconds * _SECOND + found.get("fraction", literal(0))
    times = ndx.where(valid, micro, literal(0)).astype(ndx.DateTime64DType("us"))
    return ndx.where(valid, times, ndx.asarray(np.datetime64("NaT", "us")))


def _fields(format_: str) -> tuple[list[str], str]:
    """Return the directives that stand side by side, such as ``Ym``, in their order; and the pattern of all."""
    runs = re.findall(r"(?:%[A-Za-z%])+|[^%]+|%", format_)
    fields: list[str] = []
    pattern = ""
    for run in runs:
        if not run.startswith("%"):
            pattern += re.escape(run)
            wrong = re.search(r"\d", run)
        else:
            names = run.replace("%", "")
            wrong = re.search(r"[^YmdHMS]|^$", names)
            fields.append(names)
            pattern += "".join(
                rf"\d{{{_DIRECTIVES.get(each)}}}" if len(names) > 1 or each == "Y" else r"\d{1,2}" for each in names
            )
        if wrong:
            raise TransformError(
                "A format of tft.parse_date has the directives %Y %m %d %H %M %S and other characters, but no digits",
                got=format_,
            )
    together = "".join(fields)
    if "Y" not in together or len(set(together)) != len(together):
        raise TransformError("A format of tft.parse_date has %Y, and each directive once", got=format_)
    return fields, pattern


def _digits(texts: Var, number: int) -> list[ndx.Array]:
    """Return the first runs of digits in each text as integers, 0 where there are fewer."""
    found = matches(texts, r"\d+")
    rows = op17.slice(op.shape(found), const(np.array([0])), const(np.array([1])))
    behind = op17.expand(const(np.array([[""]])), op17.concat([rows, const(np.array([number]))], axis=0))
    wide = op17.concat([found, behind], axis=1)
    numbers = op.cast(op17.where(equals(wide, ""), const(np.array("0")), wide), to=np.int64)
    return [ndx.asarray(op17.gather(numbers, const(np.int64(place)), axis=1)) for place in range(number)]


def _parts(data: ndx.Array, valid: ndx.Array, fields: list[str]) -> dict[str, Any]:
    texts = ndx.where(valid, data, literal("0")).unwrap_spox()
    found: dict[str, Any] = {name: literal(1 if name in "md" else 0) for name in "mdHMS"}
    for names, number in zip(fields, _digits(texts, len(fields)), strict=True):
        rest = number
        for name in reversed(names):
            size = 10 ** _DIRECTIVES[name]
            found[name], rest = (_rest(rest, size), _over(rest, size)) if len(names) > 1 else (rest, rest)
    return found


def _iso_parts(data: ndx.Array, valid: ndx.Array) -> dict[str, Any]:
    texts = ndx.where(valid, data, literal("1970-01-01")).unwrap_spox()

    def first(text: Var, pattern: str) -> Var:
        return op17.gather(matches(text, pattern), const(np.int64(0)), axis=1)

    year, month, day = _digits(first(texts, r"\d{4}-\d{2}-\d{2}"), 3)
    # Only a time has a colon behind its first two digits and a space or a letter before them; only a zone has a sign.
    time = first(texts, r"[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?")
    hour, minute, second = _digits(time, 3)
    fraction = _fraction(first(time, r"[.,]\d+"))
    zone = first(texts, r"[+-]\d{2}:\d{2}")
    ahead_hours, ahead_minutes = _digits(zone, 2)
    behind = ndx.asarray(full_match(zone, r"-.*"))
    ahead = ahead_hours * 3600 + ahead_minutes * 60
    return {
        "Y": year,
        "m": month,
        "d": day,
        "H": hour,
        "M": minute,
        "S": second,
        "fraction": fraction,
        "zone": ndx.where(behind, -ahead, ahead),
    }


def _fraction(texts: Var) -> ndx.Array:
    """Return microseconds of ``.123`` or nothing, cut behind six digits."""
    filled = concat_strings(texts, "", op17.expand(const(np.array(["000000"])), op.shape(texts)))
    (found,) = _digits(op17.gather(matches(filled, r"\d{6}"), const(np.int64(0)), axis=1), 1)
    return found
