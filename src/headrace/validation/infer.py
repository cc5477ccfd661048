"""A first schema, read off the statistics, to be reviewed and curated by people."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from headrace.errors import UsageError
from headrace.schema import (
    Feature,
    FeatureType,
    ImageDomain,
    NaturalLanguageDomain,
    Schema,
    TimeDomain,
    ValueCountRange,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from headrace.statistics import FeatureStatistics, Statistics, ValencyStatistics

__all__ = ["Node", "Options", "feature_of", "infer_schema", "nodes_of", "share_down"]

_WHITESPACE = " \t\n\v\f\r"
# Guesses of a sample: what a schema demands must hold for all of it, what a schema only notes for most of it.
_MOST = 0.9


@dataclass(frozen=True)
class Options:
    """How much a schema says; see :func:`infer_schema`."""

    max_string_domain: int = 100
    ranges: bool = False
    infer_feature_shape: bool = True
    presence: Literal["required", "observed"] = "required"
    categorical_integers: bool = False


@dataclass
class Node:
    """Statistics of one feature in all data sets, and of the fields below it."""

    name: str
    where: str
    # How many data sets there are; a feature that some lack is not whole.
    sets: int
    columns: list[FeatureStatistics] = field(default_factory=list)
    fields: dict[str, Node] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """The least share of rows with a value; of the structs that are there, for a field of one."""
        if len(self.columns) < self.sets:
            return 0.0
        common = [column.common_stats for column in self.columns]
        seen = [part for part in common if part.num_non_missing + part.num_missing]
        shares = [part.num_non_missing / (part.num_non_missing + part.num_missing) for part in seen]
        return min(shares, default=0.0)

    @property
    def telling(self) -> list[FeatureStatistics]:
        """The statistics that say something: those with values, if there are some."""
        return [column for column in self.columns if column.common_stats.num_non_missing] or self.columns


def infer_schema(
    statistics: Statistics,
    *,
    max_string_domain: int = 100,
    ranges: bool = False,
    infer_feature_shape: bool = True,
    presence: Literal["required", "observed"] = "required",
    categorical_integers: bool = False,
    schema_transformations: Iterable[Callable[[Schema, Statistics], Schema]] = (),
) -> Schema:
    """Infer a schema that the data satisfies.

    It is conservative: a column is required only where no value was ever missing, and optional otherwise; strings
    get a domain only where there are few values, all of them known; lists get a shape only where they all have the
    same length; NaN and infinities are allowed only where they were seen; dates, URLs, e-mail addresses, texts and
    images are noted where the statistics say so; uniqueness is left to people (see :func:`suggest_schema`). How the
    source cleaned strings goes into the schema too. Slices beside whole data sets are passed over.

    Parameters
    ----------
    statistics
        Of one data set, or several whose union the schema describes.
    max_string_domain
        The most distinct strings that make a domain; 0 for no domains.
    ranges
        Whether numbers get the range that was seen, which is narrower than what may come.
    infer_feature_shape
        Whether lists of one length get a shape; otherwise they may have any length.
    presence
        ``"observed"`` gives optional columns the share of rows that was seen, rounded down to whole percents.
    categorical_integers
        Whether integers that look like names of categories are said to be.
    schema_transformations
        Functions that change the schema in turn; each gets the schema and the statistics.

    Raises
    ------
    UsageError
        If a column is a string in one data set and a number in another.
    """
    options = Options(max_string_domain, ranges, infer_feature_shape, presence, categorical_integers)
    schema = Schema(tuple(feature_of(node, options) for node in nodes_of(statistics)))
    for transform in schema_transformations:
        schema = transform(schema, statistics)
    return schema


def nodes_of(statistics: Statistics) -> list[Node]:
    """Return the columns with the fields below them, in the order in which they first come.

    Slices count where there is nothing else.
    """
    whole = statistics.whole() or statistics
    roots: dict[str, Node] = {}
    for dataset in whole:
        for column in dataset.features:
            level, names = roots, []
            for step in column.steps:
                names.append(step)
                node = level.setdefault(step, Node(step, ".".join(names), len(whole)))
                level = node.fields
            node.columns.append(column)
    return list(roots.values())


def feature_of(node: Node, options: Options, *, nested: bool = False) -> Feature:
    """Return the feature that the statistics satisfy."""
    if not node.columns:
        # Only fields of it have statistics.
        fields = tuple(feature_of(below, options, nested=True) for below in node.fields.values())
        return Feature(node.name, "STRUCT", features=fields)
    kind = type_of(node)
    extra: dict[str, Any] = _lengths(node, options)
    if kind == "STRING":
        extra |= _texts(node, options)
    elif kind == "BYTES":
        share, _ = _guessed(node, "image")
        if share >= _MOST:
            extra["image_domain"] = ImageDomain(minimum_supported_image_fraction=share_down(share))
    elif kind == "STRUCT":
        extra["features"] = tuple(feature_of(below, options, nested=True) for below in node.fields.values())
    elif kind in ("INT", "FLOAT"):
        extra |= _numbers(node, kind, options)
    if nested:
        # A field is missing where its struct is: what is demanded of it is said of the structs that are there.
        extra["group_required"] = node.share == 1.0
        return Feature(node.name, kind, **extra)
    share = node.share
    if share < 1.0:
        share = share_down(share) if options.presence == "observed" else 0.0
    return Feature(node.name, kind, share, **extra)


def share_down(share: float) -> float:
    """Return a share rounded down to whole percents."""
    # 0.29 * 100 is a little less than 29.
    return math.floor(share * 100 + 1e-9) / 100


def type_of(node: Node) -> FeatureType:
    """Return the type that holds the values of all data sets.

    Raises
    ------
    UsageError
        If there is none.
    """
    # A column without a single value says nothing of its type where another data set knows better.
    kinds = {column.type for column in node.telling}
    if kinds == {"INT", "FLOAT"}:
        return "FLOAT"
    if len(kinds) > 1:
        raise UsageError(
            "A column has one type in all data sets that a schema is inferred from",
            got=" and ".join(sorted(kinds)),
            where=f"column {node.where!r}",
            fix="Give the source the column's type with types=",
        )
    return node.telling[0].type


def _lengths(node: Node, options: Options) -> dict[str, Any]:
    """Return the shape or the numbers of values of lists; nothing for plain columns."""
    levels = lengths_of(node)
    if not levels:
        return {}
    sizes = tuple(high for _, high, _ in levels)
    fixed = all(low == high > 0 and not gaps for low, high, gaps in levels)
    # A shape of one value would be that of a plain column.
    if options.infer_feature_shape and fixed and node.share == 1.0 and sizes != (1,):
        return {"shape": sizes}
    return {"value_counts": tuple(ValueCountRange(min=1 if low > 0 else None) for low, _, _ in levels)}


def lengths_of(node: Node) -> list[tuple[int, int, bool]]:
    """Return the least and the greatest length of lists by level of nesting, and whether inner lists are missing."""
    depths: list[list[ValencyStatistics]] = []
    for column in node.telling:
        for depth, level in enumerate(column.common_stats.levels):
            if depth == len(depths):
                depths.append([])
            depths[depth].append(level)
    if depths:
        found = []
        for depth, levels in enumerate(depths):
            there = [level for level in levels if level.num_non_missing] or levels
            gaps = depth > 0 and any(level.num_missing for level in levels)
            low, high = min(level.min_num_values for level in there), max(level.max_num_values for level in there)
            found.append((low, high, gaps))
        return found
    # Statistics of others say how many values there are, and not on which levels.
    common = [column.common_stats for column in node.telling if column.common_stats.num_non_missing]
    low = min((part.min_num_values for part in common), default=1)
    high = max((part.max_num_values for part in common), default=1)
    return [] if low == high == 1 else [(low, high, False)]


def _texts(node: Node, options: Options) -> dict[str, Any]:
    strip = any(column.strip for column in node.columns)
    nulls = tuple(dict.fromkeys(value for column in node.columns for value in column.null_values))
    extra: dict[str, Any] = {"strip": strip, "null_values": nulls}
    share, form = _guessed(node, "date_text")
    if share == 1.0 and form is not None and "%" in form:
        return extra | {"time_domain": TimeDomain(string_format=form)}
    for kind in ("url", "email"):
        if _guessed(node, kind)[0] == 1.0:
            return extra | {"semantic_domain": kind}
    values = _domain(node.columns, options.max_string_domain, strip, nulls)
    if values is None and _guessed(node, "natural_language")[0] >= _MOST:
        return extra | {"natural_language_domain": NaturalLanguageDomain()}
    return extra | {"values": values}


def _numbers(node: Node, kind: str, options: Options) -> dict[str, Any]:
    numbers = [column.num_stats for column in node.columns if column.num_stats is not None]
    extra: dict[str, Any] = {}
    if kind == "FLOAT":
        extra["allow_nan"] = any(stats.num_nan for stats in numbers)
        extra["allow_infinity"] = any(stats.num_infinite for stats in numbers)
    elif options.categorical_integers:
        extra["is_categorical"] = _guessed(node, "categorical_integer")[0] > 0.0
    if options.ranges:
        extra["min"] = min((stats.min for stats in numbers if stats.min is not None), default=None)
        extra["max"] = max((stats.max for stats in numbers if stats.max is not None), default=None)
        if extra.get("allow_infinity"):
            # The extremes are of the finite values.
            extra |= {"min": None, "max": None}
    return extra


def _guessed(node: Node, kind: str) -> tuple[float, str | None]:
    """Return the least share of values that look so in all data sets, and the detail that they agree on."""
    shares, details = [], set()
    for column in node.telling:
        guess = next((guess for guess in column.semantics if guess.kind == kind), None)
        if guess is None:
            return 0.0, None
        shares.append(guess.fraction)
        details.add(guess.detail)
    return (min(shares), details.pop()) if len(details) == 1 else (0.0, None)


def _domain(
    columns: Sequence[FeatureStatistics], most: int, strip: bool, nulls: Sequence[str]
) -> tuple[str, ...] | None:
    values: set[str] = set()
    for column in columns:
        if column.string_stats is None:
            continue
        if not column.string_stats.complete or column.string_stats.invalid_utf8_count:
            return None
        for entry in column.string_stats.top_values:
            values.add(entry.value.strip(_WHITESPACE) if strip else entry.value)
    values.difference_update(nulls)
    return tuple(sorted(values)) if 0 < len(values) <= most else None
