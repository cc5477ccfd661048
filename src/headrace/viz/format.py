"""Numbers, shares, times and sizes as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

__all__ = ["ABSENT", "bytes_", "duration", "moment", "number", "percent"]

ABSENT = "\u2013"


def _special(value: Any) -> str | None:
    if value is None:
        return ABSENT
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "\u2212∞"
    return None


def _signed(text: str) -> str:
    return text.replace("-", "\u2212", 1) if text.startswith("-") else text


def number(value: float | None, digits: int = 4) -> str:
    """Return a number with thousands separators; fractions to ``digits`` significant digits.

    >>> number(32561), number(0.902134), number(189778.366), number(0.0000123), number(float("nan"))
    ('32,561', '0.9021', '189,778', '1.23e-05', 'NaN')
    """
    special = _special(value)
    if special is not None or value is None:
        return special or ABSENT
    if isinstance(value, int):
        return _signed(f"{value:,}") if abs(value) < 10**15 else _signed(_scientific(value, digits))
    value = float(value)
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e15 or size < 1e-4:
        return _signed(_scientific(value, digits))
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{value:,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return _signed(text)


def _scientific(value: float, digits: int) -> str:
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{exponent}"


def percent(share: float | None, decimals: int = 1) -> str:
    """Return a share of one as a percentage; a little is told apart from nothing, and almost from all.

    >>> percent(0.0566), percent(1), percent(0.00001), percent(0.99999), percent(0.0)
    ('5.7%', '100%', '<0.1%', '>99.9%', '0%')
    """
    special = _special(share)
    if special is not None or share is None:
        return special or ABSENT
    step = 10.0**-decimals
    value = float(share) * 100
    if value in {0.0, 100.0}:
        return f"{value:.0f}%"
    if 0 < value < step:
        return f"<{step:.{decimals}f}%"
    if 100 - step < value < 100:
        return f">{100 - step:.{decimals}f}%"
    return _signed(f"{value:,.{decimals}f}%")


def duration(seconds: float | None) -> str:
    """Return a length of time in the unit that suits it.

    >>> duration(0.0000012), duration(0.0523), duration(4.21), duration(83), duration(7512), duration(200000)
    ('1.2 µs', '52 ms', '4.2 s', '1 min 23 s', '2 h 5 min', '2 d 7 h')
    """
    special = _special(seconds)
    if special is not None or seconds is None:
        return special or ABSENT
    size = abs(float(seconds))
    sign = "\u2212" if seconds < 0 else ""
    if size == 0:
        return "0 s"
    for unit, scale in (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3)):
        if size < scale * 999.5:
            return f"{sign}{size / scale:.{1 if size < scale * 9.95 else 0}f} {unit}"
    if size < 59.95:
        return f"{sign}{size:.{1 if size < 9.95 else 0}f} s"
    whole = round(size)
    if whole < 3600:
        return f"{sign}{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{sign}{whole // 3600} h {whole % 3600 // 60} min"
    return f"{sign}{whole // 86400} d {whole % 86400 // 3600} h"


def bytes_(size: float | None) -> str:
    """Return a size in bytes with a binary unit.

    >>> bytes_(512), bytes_(1536), bytes_(3_974_305)
    ('512 B', '1.5 KiB', '3.8 MiB')
    """
    special = _special(size)
    if special is not None or size is None:
        return special or ABSENT
    value = float(size)
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    step = 0
    while abs(value) >= 1023.95 and step < len(units) - 1:
        value /= 1024
        step += 1
    return _signed(f"{value:.{0 if step == 0 else 1}f} {units[step]}")


def moment(seconds: float | None) -> str:
    """Return a time, given in seconds since 1970, as date and time in UTC.

    >>> moment(1795201302.4)
    '2026-11-20 19:01:42 UTC'
    """
    special = _special(seconds)
    if special is not None or seconds is None:
        return special or ABSENT
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return number(seconds)
