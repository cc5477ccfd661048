"""What rows of the same key in two data sets differ in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from headrace.errors import UsageError, did_you_mean
from headrace.storage import from_json, read_json, to_json, to_plain, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Confusion", "FeatureSkew", "KeyCounts", "SkewPair", "SkewResult"]

_RULE = "The result of a comparison by key is a JSON file that headrace wrote"


class SkewPair(msgspec.Struct, frozen=True):
    """A key, and the values of its two rows; None is missing."""

    key: tuple[str, ...]
    base: str | None
    test: str | None


class Confusion(msgspec.Struct, frozen=True):
    """How often a value of the baseline stands beside a value of the test data; None is missing."""

    base: str | None
    test: str | None
    count: int


class FeatureSkew(msgspec.Struct, frozen=True, omit_defaults=True):
    """One feature of all pairs of rows of the same key.

    Parameters
    ----------
    base_count, test_count
        Pairs whose row in the baseline, in the test data, has the feature.
    match_count
        Pairs in which both have it and agree.
    mismatch_count
        Pairs in which both have it and do not agree.
    base_only_count, test_only_count
        Pairs in which one has it alone.
    examples
        Some pairs that differ.
    confusion
        For strings, the pairs of values, the most frequent first.
    confusion_complete
        Whether ``confusion`` has all of them.
    """

    feature: str
    base_count: int
    test_count: int
    match_count: int
    mismatch_count: int
    base_only_count: int
    test_only_count: int
    examples: tuple[SkewPair, ...] = ()
    confusion: tuple[Confusion, ...] = ()
    confusion_complete: bool = True

    @property
    def diff_count(self) -> int:
        """Pairs that differ, one way or another."""
        return self.mismatch_count + self.base_only_count + self.test_only_count


class KeyCounts(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rows of one side by their keys.

    Parameters
    ----------
    rows
        All rows.
    missing
        Rows without a whole key, which are not compared.
    duplicates
        Rows whose key occurs more than once on this side, which are not compared.
    duplicate_keys
        Some of those keys.
    alone
        Rows whose key the other side does not have.
    skipped
        Rows that are not compared since the other side has their key more than once.
    """

    rows: int
    missing: int = 0
    duplicates: int = 0
    duplicate_keys: tuple[tuple[str, ...], ...] = ()
    alone: int = 0
    skipped: int = 0


class SkewResult(msgspec.Struct, frozen=True):
    """Two data sets compared row by row.

    Each side's rows are those of ``pairs``, and those ``alone``, ``missing``, ``duplicates`` and ``skipped``.

    Parameters
    ----------
    keys
        The columns that tell rows apart.
    pairs
        Keys that both sides have once.
    base, test
        Rows of the two sides.
    features
        The features, those with most differences first.
    """

    keys: tuple[str, ...]
    pairs: int
    base: KeyCounts
    test: KeyCounts
    features: tuple[FeatureSkew, ...]

    def __iter__(self) -> Iterator[FeatureSkew]:
        return iter(self.features)

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, feature: str) -> FeatureSkew:
        for one in self.features:
            if one.feature == feature:
                return one
        raise UsageError(
            "A feature that was compared is wanted",
            got=feature,
            fix=did_you_mean(feature, [one.feature for one in self.features]),
        )

    @property
    def skewed(self) -> tuple[str, ...]:
        """Names of the features that differ in some pair, those with most differences first."""
        return tuple(one.feature for one in self.features if one.diff_count)

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts and lists; ``pandas.DataFrame(result.to_dict()["features"])`` is a table of counts."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    def to_json(self) -> str:
        """Return the JSON form, indented."""
        return to_json(self)

    @classmethod
    def from_json(cls, text: str | bytes, *, file: str | None = None) -> SkewResult:
        """Read the JSON form.

        Raises
        ------
        DataError
            If it is not the JSON of such a result.
        """
        return from_json(cls, text, rule=_RULE, where=file)

    def save(self, path: str | Path) -> None:
        """Write the JSON form; the file is there whole or not at all (StorageError)."""
        write_json(path, self)

    @classmethod
    def load(cls, path: str | Path) -> SkewResult:
        """Read a JSON file.

        Raises
        ------
        DataError
            If there is no such file, or it is not the JSON of such a result.
        """
        return read_json(cls, path, rule=_RULE)

    def _repr_html_(self) -> str:
        from headrace.validation.skew_view import skew_view
        from headrace.viz import embed

        return embed(skew_view(self))
