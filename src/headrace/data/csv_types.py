"""Texts to values, and which type a column of texts has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.data.cleaning import Cleaning, clean_array

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["ARROW_TYPES", "NUMERIC_SHARE", "ColumnTypes", "convert", "is_value", "kind_of"]

ARROW_TYPES = {
    "int64": pa.int64(),
    "float64": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us"),
    "date32": pa.date32(),
}
# A column is numeric when at least this share of its non-missing values are numbers.
NUMERIC_SHARE = 0.95
_INTEGER = r"^[+-]?[0-9]+$"
_NUMBER = r"^[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:nan|inf|infinity))$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
_BOOL = r"^(?:[Tt]rue|TRUE|[Ff]alse|FALSE)$"
_BOOL_OR_DIGIT = r"^(?:[Tt]rue|TRUE|[Ff]alse|FALSE|0|1)$"
_INT64 = (-(2**63), 2**63 - 1)
# So many texts are tried before all are.
_FEW = 64
_NOT_NUMBER, _NOT_BOOL, _NOT_DATE = np.uint8(1), np.uint8(2), np.uint8(4)
_BY_FIRST_BYTE = np.full(256, _NOT_NUMBER | _NOT_BOOL | _NOT_DATE, np.uint8)
for _characters, _possible in (
    (b"+-.0123456789iInN", _NOT_NUMBER),
    (b"tTfF", _NOT_BOOL),
    (b"0123456789", _NOT_DATE),
):
    _BY_FIRST_BYTE[list(_characters)] &= ~_possible


def kind_of(arrow_type: pa.DataType) -> str:
    """Return the name of a snapshot type."""
    return next(kind for kind, known in ARROW_TYPES.items() if known == arrow_type)


def is_value(arrow_type: pa.DataType) -> bool:
    """Tell whether a column of this type holds values, not texts that are still to be read."""
    return not (pa.types.is_string(arrow_type) or pa.types.is_dictionary(arrow_type))


def convert(texts: pa.StringArray, kind: str) -> tuple[pa.Array, pa.BooleanArray | None]:
    """Turn texts into values of a type.

    Parameters
    ----------
    texts
        A string array, cleaned; missing is null. A dictionary of texts where they stay texts.
    kind
        A key of ``ARROW_TYPES``.

    Returns
    -------
    values
        Of the wanted type; null where the text is missing or cannot be read as that type.
    bad
        True where a text is there and cannot be read; None where all can.
    """
    target = ARROW_TYPES[kind]
    if kind == "string":
        return texts, None
    try:
        # Arrow reads 0x1F as a number and 1 as a truth: both are the slow path's to decide.
        if kind not in {"int64", "bool"} or (kind == "int64" and not _has(texts, b"xX")):
            return texts.cast(target), None
    except pa.ArrowInvalid:
        zoned = _zoned(texts) if kind == "timestamp" else None
        if zoned is not None:
            return zoned, None
    encoded = texts.dictionary_encode()
    words = encoded.dictionary
    values = _convert_words(words, kind)
    taken = values.take(encoded.indices)
    bad = pc.and_(pc.is_valid(texts), pc.is_null(taken))
    return taken, bad if bad.true_count else None


def _zoned(texts: pa.StringArray) -> pa.Array | None:
    """Return timestamps in UTC, or None unless every text has a zone."""
    try:
        return texts.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None


def _has(texts: pa.StringArray, characters: bytes) -> bool:
    data = texts.buffers()[2]
    if data is None:
        return False
    raw = data.to_pybytes()
    return any(character in raw for character in characters)


def _convert_words(words: pa.StringArray, kind: str) -> pa.Array:
    target = ARROW_TYPES[kind]
    nothing = pa.scalar(None, words.type)
    if kind in {"int64", "float64"}:
        pattern = _INTEGER if kind == "int64" else _NUMBER
        words = pc.if_else(pc.match_substring_regex(words, pattern), words, nothing)
        words = pc.utf8_ltrim(words, characters="+")
    else:
        pattern = _BOOL_OR_DIGIT if kind == "bool" else _DATE
        words = pc.if_else(pc.match_substring_regex(words, pattern), words, nothing)
    try:
        return words.cast(target)
    except pa.ArrowInvalid:
        return pa.array([_convert_word(word, kind) for word in words.to_pylist()], target)


def _convert_word(word: str | None, kind: str) -> Any:
    if word is None:
        return None
    if kind == "int64":
        # Python refuses to read more than 4,300 digits; int64 has 19.
        digits = word.lstrip("+-").lstrip("0") or "0"
        number = int(digits) if len(digits) < 20 else _INT64[1] + 2
        number = -number if word.startswith("-") else number
        return number if _INT64[0] <= number <= _INT64[1] else None
    text = pa.array([word])
    zoned = _zoned(text) if kind == "timestamp" else None
    if zoned is not None:
        return zoned[0].as_py()
    try:
        return text.cast(ARROW_TYPES[kind])[0].as_py()
    except pa.ArrowInvalid:
        return None


@dataclass
class _Tally:
    present: int = 0
    numbers: int = 0
    integers: int = 0
    bools: bool = True
    dates: bool = True
    timestamps: bool = True

    def merge(self, other: _Tally) -> None:
        self.present += other.present
        self.numbers += other.numbers
        self.integers += other.integers
        self.bools &= other.bools
        self.dates &= other.dates
        self.timestamps &= other.timestamps

    def update(self, texts: pa.StringArray) -> None:
        present = len(texts) - texts.null_count
        self.present += present
        if not present:
            return
        if convert_exactly(texts, "int64"):
            self.numbers += present
            self.integers += present
            self.bools = self.dates = self.timestamps = False
            return
        if convert_exactly(texts, "float64"):
            self.numbers += present
            if self.integers == self.numbers - present:
                # Only whether all numbers are whole ones is asked for in the end, and most often the first few tell.
                few = texts.slice(0, _FEW)
                whole = self._weight(few, "int64")
                self.integers += self._weight(texts, "int64") if whole == len(few) - few.null_count else whole
            self.bools = self.dates = self.timestamps = False
            return
        starts = _starts(texts)
        self._update_starts(starts)
        if not (self.bools or self.timestamps):
            # What cannot be a number need not be looked at.
            texts = texts.filter(pa.array((starts & _NOT_NUMBER) == 0))
        encoded = texts.dictionary_encode()
        self._update_words(encoded.dictionary, _counts(encoded))

    def update_encoded(self, texts: pa.DictionaryArray) -> None:
        """Take in texts that are encoded already."""
        present = len(texts) - texts.null_count
        self.present += present
        if not present:
            return
        words = texts.dictionary
        starts = _starts(words)
        self._update_starts(starts)
        if self.bools or self.timestamps or np.any((starts & _NOT_NUMBER) == 0):
            self._update_words(words, _counts(texts))

    def update_values(self, kind: str, present: int) -> None:
        """Take in values that were read as a type at once.

        Parameters
        ----------
        kind
            As which all could be read. It is float64 or timestamp only for a column in which something was found that
            is no integer or no date.
        present
            How many there are.
        """
        if not present:
            return
        self.present += present
        if kind in {"int64", "float64"}:
            self.numbers += present
            self.integers += present if kind == "int64" else 0
        self.bools = self.bools and kind == "bool"
        self.dates = self.dates and kind == "date32"
        self.timestamps = self.timestamps and kind in {"date32", "timestamp"}

    def _update_starts(self, starts: npt.NDArray[np.uint8]) -> None:
        self.bools = self.bools and not np.any(starts & _NOT_BOOL)
        self.timestamps = self.timestamps and not np.any(starts & _NOT_DATE)
        self.dates = self.dates and self.timestamps

    def _update_words(self, words: pa.StringArray, counts: npt.NDArray[Any]) -> None:
        def weigh(kind: str) -> int:
            return int(counts[_convert_words(words, kind).is_valid().to_numpy(zero_copy_only=False)].sum())

        self.numbers += weigh("float64")
        self.integers += weigh("int64")
        self.bools = self.bools and pc.all(pc.match_substring_regex(words, _BOOL)).as_py()
        self.timestamps = (
            self.timestamps
            and pc.all(pc.match_substring_regex(words, _DATE)).as_py()
            and convert(words, "timestamp")[1] is None
        )
        # A date is a timestamp too.
        self.dates = self.dates and self.timestamps and convert_exactly(words, "date32")

    @staticmethod
    def _weight(texts: pa.StringArray, kind: str) -> int:
        bad = convert(texts, kind)[1]
        return int(len(texts) - texts.null_count - (0 if bad is None else bad.true_count))

    def kind(self) -> str:
        if not self.present:
            return "string"
        if self.numbers >= NUMERIC_SHARE * self.present:
            return "int64" if self.integers == self.numbers else "float64"
        if self.bools:
            return "bool"
        if self.dates:
            return "date32"
        return "timestamp" if self.timestamps else "string"


def convert_exactly(texts: pa.StringArray, kind: str) -> bool:
    """Tell whether all texts can be read as the type, by the quick road only."""
    try:
        # A cast that fails is slow, since it makes an error of each text: most often the first few tell.
        texts.slice(0, _FEW).cast(ARROW_TYPES[kind])
        if kind == "int64" and _has(texts, b"xX"):
            return False
        texts.cast(ARROW_TYPES[kind])
    except pa.ArrowInvalid:
        return False
    return True


def _counts(texts: pa.DictionaryArray) -> npt.NDArray[np.int64]:
    """Return how often each word occurs."""
    return np.bincount(texts.indices.drop_null().to_numpy(), minlength=len(texts.dictionary))


def _starts(texts: pa.StringArray) -> npt.NDArray[np.uint8]:
    """Return what each text cannot be, by its first byte; nothing is told of an empty text or a null."""
    _, offsets, data = texts.buffers()
    edges = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    told = np.zeros(len(texts), np.uint8)
    if data is not None and data.size:
        lengths = np.diff(edges)
        filled = lengths > 0
        first = np.frombuffer(data, np.uint8)[edges[:-1][filled]]
        cannot = _BY_FIRST_BYTE[first]
        # A number that begins with a letter is nan, inf or infinity.
        lettered = np.flatnonzero(((cannot & _NOT_NUMBER) == 0) & (first > ord("9")))
        if len(lettered):
            width = lengths[filled][lettered]
            cannot[lettered[(width != 3) & (width != 8)]] |= _NOT_NUMBER
        told[filled] = cannot
    if texts.null_count:
        told[texts.is_null().to_numpy(zero_copy_only=False)] = 0
    return told


class ColumnTypes:
    """Finds the types of columns of texts: an accumulator, so any order and any cutting gives the same.

    Parameters
    ----------
    given
        Types that are known already; None is to be found out.
    cleaning
        Applied to the texts first. Around a number whitespace never counts.
    """

    def __init__(self, given: dict[str, str | None], cleaning: Cleaning) -> None:
        self._given = given
        self._cleaning = cleaning
        self._tallies = {name: _Tally() for name, kind in given.items() if kind is None}
        self._bad: set[str] = set()
        self.rows = 0

    def update(self, table: pa.Table) -> None:
        """Take in columns of texts, of dictionaries of texts, or of values that were read as the expected type."""
        self.rows += table.num_rows
        loose = Cleaning(strip=True, null_values=self._cleaning.null_values)
        for name, kind in self._given.items():
            if kind == "string":
                continue
            column = as_array(table.column(name))
            if is_value(column.type):
                if kind is None:
                    self._tallies[name].update_values(kind_of(column.type), len(column) - column.null_count)
                continue
            texts = clean_array(column, loose)
            if kind is None and pa.types.is_dictionary(texts.type):
                self._tallies[name].update_encoded(texts)
            elif kind is None:
                self._tallies[name].update(texts)
            elif name not in self._bad and convert(texts, kind)[1] is not None:
                self._bad.add(name)

    def merge(self, other: ColumnTypes) -> None:
        """Take in what another has seen."""
        self.rows += other.rows
        self._bad |= other._bad
        for name, tally in other._tallies.items():
            self._tallies[name].merge(tally)

    def result(self) -> dict[str, str]:
        """Return the type of each column."""
        return {name: kind or self._tallies[name].kind() for name, kind in self._given.items()}

    def unclean(self) -> tuple[str, ...]:
        """Return the columns in which some value cannot be read as the column's type."""
        dirty = []
        for name, kind in self.result().items():
            tally = self._tallies.get(name)
            if name in self._bad or (
                tally is not None and kind in {"int64", "float64"} and tally.numbers < tally.present
            ):
                dirty.append(name)
        return tuple(dirty)


def as_array(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array."""
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.combine_chunks() if column.num_chunks else pa.array([], column.type)


def loosened(cleaning: Cleaning, kind: str) -> Cleaning:
    """Return the cleaning for a type: whitespace around anything but a text never counts."""
    return cleaning if kind == "string" else Cleaning(strip=True, null_values=cleaning.null_values)
