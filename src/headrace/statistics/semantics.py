"""What values look like beyond their type, guessed from a sample of rows and from the statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.statistics.nested import is_list, leaf_values
from headrace.statistics.values import (
    BytesStatistics,
    FeatureStatistics,
    NumericStatistics,
    SemanticGuess,
    StringStatistics,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["guesses"]

# A few values look like anything.
_FEWEST = 10
_SURE = 0.95
_DUPLICATE = 0.99
_CATEGORIES = 20
_PROSE = 0.7
# Values that are looked at first, and the share of them that must look like something for all to be looked at.
_GLANCE = 64
_HOPE = 0.75

_INTEGER = r"^[+-]?[0-9]{1,18}$"
_NUMBER = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_ZIP = r"^[0-9]{3,10}(-[0-9]{3,4})?$"
_URL = r"^(?i:https?|ftp|s3|gs)://[^\s/?#]+(\.[^\s/?#]+|:[0-9]+|/)[^\s]*$"
_EMAIL = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
# Letters: RE2 takes milliseconds to prepare its own class of them.
_WORD = r"""[^\s!-@\[-\x60{-~]+(['-][^\s!-@\[-\x60{-~]+)*[.,;:!?)"']*(\s|$)"""
_ZONE = r"(Z|[+-][0-9]{2}:?[0-9]{2})?"
_CLOCK = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
_DAY, _MONTH, _YEAR = r"(0?[1-9]|[12][0-9]|3[01])", r"(0?[1-9]|1[0-2])", r"(1[5-9]|2[0-2])[0-9]{2}"
_NAME = r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_LONG = r"(?i:january|february|march|april|may|june|july|august|september|october|november|december)"

# What a date looks like, and the format for those who read it.
_DATES = (
    (rf"^{_YEAR}-{_MONTH}-{_DAY}$", "%Y-%m-%d"),
    (rf"^{_YEAR}-{_MONTH}-{_DAY}T{_CLOCK}{_ZONE}$", "%Y-%m-%dT%H:%M:%S"),
    (rf"^{_YEAR}-{_MONTH}-{_DAY} {_CLOCK}{_ZONE}$", "%Y-%m-%d %H:%M:%S"),
    (rf"^{_YEAR}/{_MONTH}/{_DAY}$", "%Y/%m/%d"),
    (rf"^{_YEAR}/{_MONTH}/{_DAY} {_CLOCK}$", "%Y/%m/%d %H:%M:%S"),
    (rf"^{_MONTH}/{_DAY}/{_YEAR}$", "%m/%d/%Y"),
    (rf"^{_DAY}/{_MONTH}/{_YEAR}$", "%d/%m/%Y"),
    (rf"^{_MONTH}/{_DAY}/{_YEAR} {_CLOCK}$", "%m/%d/%Y %H:%M:%S"),
    (rf"^{_DAY}/{_MONTH}/{_YEAR} {_CLOCK}$", "%d/%m/%Y %H:%M:%S"),
    (rf"^{_DAY}\.{_MONTH}\.{_YEAR}$", "%d.%m.%Y"),
    (rf"^{_DAY}\.{_MONTH}\.{_YEAR} {_CLOCK}$", "%d.%m.%Y %H:%M:%S"),
    (rf"^{_DAY}-{_MONTH}-{_YEAR}$", "%d-%m-%Y"),
    (rf"^{_DAY}[ -]{_NAME}[ -]{_YEAR}$", "%d-%b-%Y"),
    (rf"^{_NAME} {_DAY},? {_YEAR}$", "%b %d, %Y"),
    (rf"^{_DAY} {_LONG} {_YEAR}$", "%d %B %Y"),
    (rf"^{_LONG} {_DAY},? {_YEAR}$", "%B %d, %Y"),
    (r"^(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])$", "%Y%m%d"),
)

_MAGIC = (
    ("JPEG", 0, b"\xff\xd8\xff"),
    ("PNG", 0, b"\x89PNG\r\n\x1a\n"),
    ("GIF", 0, b"GIF87a"),
    ("GIF", 0, b"GIF89a"),
    ("WebP", 8, b"WEBP"),
    ("TIFF", 0, b"II*\x00"),
    ("TIFF", 0, b"MM\x00*"),
    ("BMP", 0, b"BM"),
)


class _Looked:
    """Values of the sample that are not missing, in an order that chance has made."""

    def __init__(self, values: pa.Array) -> None:
        self.values = values
        self.few = values.slice(0, _GLANCE)

    def share(self, pattern: str) -> float:
        """Return which share of the values matches; of the first few alone, where these say that it is small."""
        share = float(pc.mean(pc.match_substring_regex(self.few, pattern)).as_py())
        if share < _HOPE or len(self.values) == len(self.few):
            return share
        return float(pc.mean(pc.match_substring_regex(self.values, pattern)).as_py())


def guesses(features: tuple[FeatureStatistics, ...], sample: pa.Table | None) -> tuple[FeatureStatistics, ...]:
    """Return the features with what their values look like, the surest guess first.

    Parameters
    ----------
    features
        Statistics of all rows.
    sample
        Some of the rows; None where there are none.
    """
    if sample is None:
        return features
    copies = _duplicates(features, sample)
    found = []
    for feature in features:
        every = [*_of_statistics(feature), *_of_values(feature, sample), *copies.get(feature.name, ())]
        if every:
            ranked = sorted(every, key=lambda guess: -guess.fraction)
            feature = msgspec.structs.replace(feature, semantics=tuple(ranked))  # noqa: PLW2901 - one more part
        found.append(feature)
    return tuple(found)


def _of_statistics(feature: FeatureStatistics) -> Iterator[SemanticGuess]:
    stats = feature.string_stats or feature.num_stats or feature.bytes_stats
    common = feature.common_stats
    count = common.num_values
    if feature.bool_stats is not None:
        ends = (feature.bool_stats.num_true, feature.bool_stats.num_false)
        if count >= _FEWEST and 0 in ends:
            yield SemanticGuess("constant", 1.0)
        return
    if stats is None or count < _FEWEST:
        return
    numbers = feature.num_stats
    if numbers is not None and (numbers.num_nan or numbers.num_infinite):
        return
    if stats.unique == 1:
        yield SemanticGuess("constant", 1.0)
        return
    if feature.type != "FLOAT":
        share = min(stats.unique / count, 1.0)
        if stats.unique == count if stats.unique_exact else _all_distinct(stats, count):
            yield SemanticGuess("identifier", share)
    if (
        numbers is not None
        and feature.type == "INT"
        and not common.levels
        and numbers.unique_exact
        and 2 <= numbers.unique <= min(_CATEGORIES, count // 20)
        and isinstance(numbers.min, int)
        and isinstance(numbers.max, int)
        # Codes follow each other; amounts that are few leave gaps.
        and numbers.max - numbers.min < 2 * numbers.unique
    ):
        yield SemanticGuess("categorical_integer", 1.0)


def _all_distinct(stats: NumericStatistics | StringStatistics | BytesStatistics, count: int) -> bool:
    """Tell from an estimate whether all values are distinct: it may be off by three of its standard errors.

    Numbers that are drawn from far more than there are rows would pass as well, so integers must also be dense.
    """
    if stats.unique < count * max(1.0 - 3.0 * stats.unique_error, 0.9):
        return False
    if isinstance(stats, NumericStatistics):
        return stats.min is not None and stats.max is not None and stats.max - stats.min < 2 * count
    return True


def _of_values(feature: FeatureStatistics, sample: pa.Table) -> Iterator[SemanticGuess]:
    if feature.type not in ("STRING", "BYTES"):
        return
    steps = feature.steps
    values = leaf_values(_column(sample, steps[0]), steps[1:])
    values = values.drop_null()
    if len(values) < _FEWEST:
        return
    if feature.type == "BYTES":
        if pa.types.is_large_binary(values.type):
            yield from _images(values)
        return
    if pa.types.is_large_string(values.type):
        yield from _texts(pc.utf8_trim_whitespace(values))


def _texts(values: pa.Array) -> Iterator[SemanticGuess]:
    looked = _Looked(values)
    date = _date(looked)
    if date is not None:
        yield date
        return
    digits = looked.share(_ZIP)
    if digits >= _SURE and _leading_zeros(values):
        yield SemanticGuess("zip_like", digits)
        return
    whole = looked.share(_INTEGER)
    if whole >= _SURE:
        yield SemanticGuess("integer_text", whole)
        return
    number = looked.share(_NUMBER)
    if number >= _SURE:
        yield SemanticGuess("number_text", number)
        return
    for kind, pattern in (("url", _URL), ("email", _EMAIL)):
        share = looked.share(pattern)
        if share >= _SURE:
            yield SemanticGuess(kind, share)
            return
    prose = _prose_share(looked.few)
    if prose >= _HOPE / 2:
        prose = _prose_share(values)
        # Sentences are seldom the same.
        if prose >= _PROSE and len(pc.unique(values)) >= 0.5 * min(len(values), 100):
            yield SemanticGuess("natural_language", prose)


def _date(looked: _Looked) -> SemanticGuess | None:
    shares = [(looked.share(pattern), form) for pattern, form in _DATES]
    best = max(share for share, _ in shares)
    if best < _SURE:
        return None
    # A date such as 03/04/2021 may be read in two ways where no day is beyond 12.
    forms = [form for share, form in shares if share == best]
    if forms[0] == "%Y%m%d" and len(pc.unique(looked.values)) < 3:
        return None
    return SemanticGuess("date_text", best, detail=" or ".join(forms))


def _leading_zeros(values: pa.Array) -> bool:
    """Tell whether digits of one length, or few, begin with zeros that a number would lose."""
    zero = pc.match_substring_regex(values, r"^0[0-9]")
    lengths = pc.unique(pc.utf8_length(values))
    return bool(pc.any(zero).as_py()) and len(lengths) <= 2 and len(pc.unique(values)) > 2


def _prose_share(values: pa.Array) -> float:
    """Return the share of values of several words, mostly letters."""
    words = pc.count_substring_regex(values, _WORD).to_numpy(zero_copy_only=False)
    pieces = pc.add(pc.count_substring_regex(values, r"\S\s+\S"), 1).to_numpy(zero_copy_only=False)
    return float(((words >= 4) & (words >= 0.6 * pieces)).mean())


def _images(values: pa.Array) -> Iterator[SemanticGuess]:
    counts: dict[str, int] = {}
    for value in values.to_pylist():
        for kind, at, magic in _MAGIC:
            if value[at : at + len(magic)] == magic and (kind != "WebP" or value[:4] == b"RIFF"):
                counts[kind] = counts.get(kind, 0) + 1
                break
    share = sum(counts.values()) / len(values)
    if share >= 0.8:
        yield SemanticGuess("image", share, detail=", ".join(sorted(counts, key=lambda kind: -counts[kind])))


def _column(sample: pa.Table, name: str) -> pa.Array:
    column = sample.column(name)
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _duplicates(features: Sequence[FeatureStatistics], sample: pa.Table) -> dict[str, tuple[SemanticGuess, ...]]:
    """Find plain columns with the same values in more than 99 % of the rows, each of the first such column."""
    if sample.num_rows < _FEWEST:
        return {}
    kinds: dict[str, list[tuple[str, NDArray[np.int64]]]] = {}
    for feature in features:
        name = feature.steps[0]
        if feature.path or is_list(sample.column(name).type) or feature.struct_stats is not None:
            continue
        coded = _coded(_column(sample, name))
        if coded is not None:
            kinds.setdefault(coded[0], []).append((feature.name, coded[1]))
    found: dict[str, tuple[SemanticGuess, ...]] = {}
    for columns in kinds.values():
        names = [name for name, _ in columns]
        codes = np.stack([code for _, code in columns])
        usual = np.array([_mode(code) for code in codes])
        for first in range(len(names) - 1):
            rest = np.array([at for at in range(first + 1, len(names)) if names[at] not in found], np.intp)
            if not rest.size or names[first] in found:
                continue
            # A glance at a few rows leaves few columns to compare.
            rest = rest[(codes[rest, :64] == codes[first, :64]).mean(axis=1) >= 0.9]
            for at in rest.tolist():
                same = codes[at] == codes[first]
                # Where both have their usual value, being the same says little.
                telling = (codes[first] != usual[first]) | (codes[at] != usual[at])
                share = float(same.mean())
                if share > _DUPLICATE and telling.sum() >= 5 and same[telling].mean() > 0.9:
                    found[names[at]] = (SemanticGuess("duplicate", share, of=names[first]),)
    return found


def _mode(codes: NDArray[np.int64]) -> int:
    values, counts = np.unique(codes, return_counts=True)
    return int(values[np.argmax(counts)])


def _coded(column: pa.Array) -> tuple[str, NDArray[np.int64]] | None:
    """Return a kind and one number a row; equal values of one kind, and nulls, have equal numbers."""
    kind = column.type
    missing = column.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        # Of a run alone, so Python's hash of texts will do; minus 2 is no hash of anything else here.
        codes = np.array([hash(value) for value in column.to_pylist()], np.int64)
        return "text", np.where(missing, -2, codes)
    if pa.types.is_boolean(kind):
        return "bool", pc.fill_null(column.cast(pa.int64()), -2).to_numpy()
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        moments = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        return "time", pc.fill_null(moments, -2).to_numpy()
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers = pc.fill_null(column.cast(pa.float64(), safe=False), np.nan).to_numpy(zero_copy_only=False) + 0.0
        return "number", np.where(missing, -2, numbers.view(np.int64))
    return None
