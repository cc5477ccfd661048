"""The states of accumulators as bytes that later versions can read."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from headrace.errors import DataError
from headrace.statistics.binary import BinaryAccumulator
from headrace.statistics.bools import BoolAccumulator
from headrace.statistics.column_settings import ColumnSettings
from headrace.statistics.numeric import NumericAccumulator
from headrace.statistics.packing import pack, unpack
from headrace.statistics.strings import StringAccumulator
from headrace.statistics.times import TimestampAccumulator

if TYPE_CHECKING:
    from headrace.statistics.columns import ColumnAccumulator

__all__ = ["STATE_VERSION", "dump_column", "load_column"]

# To be raised by whoever changes what is written, who then keeps reading what was written before.
STATE_VERSION = 1

_KINDS: dict[str, Any] = {
    "binary": BinaryAccumulator,
    "bool": BoolAccumulator,
    "numeric": NumericAccumulator,
    "string": StringAccumulator,
    "timestamp": TimestampAccumulator,
}


def dump_column(accumulator: ColumnAccumulator) -> bytes:
    """Return the state of a built-in accumulator of a column.

    It is ``{"version", "kind", "settings", "state"}``, as `packing` writes plain values and arrays. `load_column` of
    this version or a later one gives an accumulator that can be merged with those of that version.

    Raises
    ------
    DataError
        If it is not a built-in accumulator.
    """
    kind = next((name for name, known in _KINDS.items() if type(accumulator) is known), None)
    if kind is None:
        raise DataError("States are kept of the accumulators of headrace", got=type(accumulator).__name__)
    known: Any = accumulator
    plain = {
        "version": STATE_VERSION,
        "kind": kind,
        "settings": asdict(known._settings),  # noqa: SLF001 - of its own folder
        "state": known.to_state(),
    }
    return pack(plain)


def load_column(data: bytes) -> ColumnAccumulator:
    """Return the accumulator whose state `dump_column` has returned.

    Raises
    ------
    DataError
        If the bytes are not such a state, or one of a later version.
    """
    rule = "The state of a column is bytes that headrace wrote"
    plain = unpack(data)
    try:
        version, kind = plain["version"], plain["kind"]
    except (KeyError, TypeError) as error:
        raise DataError(rule, got="other plain values") from error
    if version != STATE_VERSION or kind not in _KINDS:
        raise DataError(
            rule,
            got=f"version {version}, a {kind} column",
            fix=f"This headrace reads version {STATE_VERSION}; a later one may have written it",
        )
    loaded: ColumnAccumulator = _KINDS[kind].from_state(plain["state"], ColumnSettings(**plain["settings"]))
    return loaded
