"""Which type a column of JSON values has."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headrace.data.csv_types import ARROW_TYPES, convert, convert_exactly
from headrace.errors import DataError

__all__ = ["MAX_DEPTH", "Kind", "Shape", "Tally", "fits"]

# A column is of a type when at least this share of its values that are not null are.
SHARE = 0.95
# Values that are nested deeper are set aside.
MAX_DEPTH = 64
MAX_NAMES = 10_000
_INT64 = range(-(2**63), 2**63)
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
# The kinds of values, what is inside lists, and what is inside objects.
Shape = tuple[frozenset[str], "Shape | None", tuple[tuple[str, "Shape"], ...]]


@dataclass(frozen=True)
class Kind:
    """The type of a column, or of what is inside.

    Parameters
    ----------
    name
        A key of ``ARROW_TYPES``, ``"list"`` or ``"struct"``. A string takes any value, others as their JSON.
    item
        What a list holds.
    fields
        What a struct has.
    given
        The user has said so: then texts are read as the type too.
    """

    name: str
    item: Kind | None = None
    fields: tuple[tuple[str, Kind], ...] = ()
    given: bool = False

    def arrow(self) -> pa.DataType:
        """Return the Arrow type."""
        if self.item is not None:
            return pa.list_(self.item.arrow())
        if self.name == "struct":
            return pa.struct([(name, kind.arrow()) for name, kind in self.fields])
        return ARROW_TYPES[self.name]

    def parsed(self) -> pa.DataType:
        """Return the type that Arrow's parser is asked for; times are read from texts."""
        return pa.string() if self.name in {"timestamp", "date32"} else self.arrow()


_STRING = Kind("string")


@dataclass
class Tally:
    """Counts the values of a column by kind: any order and any cutting gives the same."""

    counts: dict[str, int] = field(default_factory=dict)
    item: Tally | None = None
    fields: dict[str, Tally] = field(default_factory=dict)
    dates: bool = True
    timestamps: bool = True

    def of_item(self) -> Tally:
        """Return the tally of what is inside lists."""
        self.item = self.item or Tally()
        return self.item

    def of_field(self, name: str) -> Tally:
        """Return the tally of what an object has under a name."""
        found = self.fields.get(name)
        if found is None:
            if len(self.fields) >= MAX_NAMES:
                raise DataError(
                    "Objects of a file have at most 10,000 different names",
                    got=f"more, among them {name!r}",
                    fix="Where the names are data, say types={'column': 'string'}, or name the columns with columns=",
                )
            found = self.fields[name] = Tally()
        return found

    def _count(self, kind: str, values: int = 1) -> None:
        if values:
            self.counts[kind] = self.counts.get(kind, 0) + values

    def add_array(self, array: pa.Array) -> None:
        """Take in what Arrow's parser has made of values."""
        kind, present = array.type, len(array) - array.null_count
        if pa.types.is_struct(kind):
            self._count("struct", present)
            for child, values in zip(kind, array.flatten(), strict=True):
                self.of_field(child.name).add_array(values)
        elif pa.types.is_list(kind):
            self._count("list", present)
            self.of_item().add_array(array.flatten())
        elif pa.types.is_string(kind):
            self._count("string", present)
        elif not pa.types.is_null(kind):
            names = {pa.int64(): "int", pa.float64(): "float", pa.bool_(): "bool"}
            self._count(names[kind], present)

    def add_value(self, value: Any) -> None:
        """Take in one value."""
        kind = type(value)
        if kind is dict:
            self._count("struct")
            for name, one in value.items():
                self.of_field(name).add_value(one)
        elif kind is list:
            self._count("list")
            inside = self.of_item()
            for one in value:
                inside.add_value(one)
        elif kind is str:
            self._count("string")
        elif kind is bool:
            self._count("bool")
        elif kind is int:
            self._count("int" if value in _INT64 else "float")
        elif kind is float:
            self._count("float")

    def look_for_dates(self, texts: pa.Array) -> None:
        """Note whether all texts of a column are dates or times."""
        texts = texts.drop_null()
        if not self.timestamps or not len(texts):
            return
        self.timestamps = re.match(_DATE, texts[0].as_py()) is not None
        if self.timestamps:
            words = texts.dictionary_encode().dictionary
            self.timestamps = bool(
                pc.all(pc.match_substring_regex(words, _DATE)).as_py() and convert(words, "timestamp")[1] is None
            )
            self.dates = self.dates and self.timestamps and convert_exactly(words, "date32")
        self.dates = self.dates and self.timestamps

    def merge(self, other: Tally) -> None:
        """Take in what another has seen."""
        for kind, count in other.counts.items():
            self._count(kind, count)
        if other.item is not None:
            self.of_item().merge(other.item)
        for name, tally in other.fields.items():
            self.of_field(name).merge(tally)
        self.dates &= other.dates
        self.timestamps &= other.timestamps

    def shape(self) -> Shape:
        """Return which kinds of values there are, without their numbers."""
        inside = None if self.item is None else self.item.shape()
        return frozenset(self.counts), inside, tuple((name, one.shape()) for name, one in self.fields.items())

    def kind(self, *, top: bool = False) -> Kind:
        """Return the type; dates and times are looked for in columns, not inside of lists and objects."""
        count = self.counts.get
        most = SHARE * sum(self.counts.values())
        if not self.counts:
            return _STRING
        if count("int", 0) + count("float", 0) >= most:
            return Kind("float64" if count("float") else "int64")
        if count("bool", 0) >= most:
            return Kind("bool")
        if count("list", 0) >= most:
            return Kind("list", self.of_item().kind())
        if count("struct", 0) >= most and self.fields:
            return Kind("struct", fields=tuple((name, one.kind()) for name, one in self.fields.items()))
        if top and self.timestamps and set(self.counts) == {"string"}:
            return Kind("date32" if self.dates else "timestamp")
        return _STRING


_TAKES = {
    "int64": frozenset({"int"}),
    "float64": frozenset({"int", "float"}),
    "bool": frozenset({"bool"}),
    "list": frozenset({"list"}),
    "struct": frozenset({"struct"}),
}
_TEXT = frozenset({"string"})


def fits(kind: Kind, shape: Shape) -> bool:
    """Tell whether Arrow's parser reads values of this shape as the type, every one."""
    values, inside, fields = shape
    if not values <= _TAKES.get(kind.name, _TEXT):
        return False
    if kind.item is not None:
        return inside is None or fits(kind.item, inside)
    wanted = dict(kind.fields)
    return kind.name != "struct" or all(fits(wanted[name], one) for name, one in fields)
