"""What a schema says of values beyond their type, of rows together, and of whole data sets."""

from __future__ import annotations

import math
import re
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from headrace.errors import SchemaError, did_you_mean

__all__ = [
    "Annotation",
    "BoolDomain",
    "Comparator",
    "DatasetConstraints",
    "ImageDomain",
    "LifecycleStage",
    "NaturalLanguageDomain",
    "NumExamplesComparator",
    "Range",
    "Rule",
    "SemanticDomain",
    "SparseFeature",
    "TimeDomain",
    "TokenConstraint",
    "UniqueConstraints",
    "ValueCountRange",
    "WeightedFeature",
]

LifecycleStage: TypeAlias = Literal[
    "PLANNED", "ALPHA", "BETA", "PRODUCTION", "DEPRECATED", "DEBUG_ONLY", "DISABLED", "VALIDATION_DERIVED"
]
_UNVALIDATED = ("PLANNED", "ALPHA", "DEPRECATED", "DEBUG_ONLY", "DISABLED")
SemanticDomain: TypeAlias = Literal["url", "mid", "email", "time_of_day"]
IntegerFormat: TypeAlias = Literal[
    "unix_days", "unix_seconds", "unix_milliseconds", "unix_microseconds", "unix_nanoseconds"
]


def check_word(name: str, word: Any, known: Any) -> None:
    """Raise SchemaError unless ``word`` is None or one of a Literal's words."""
    words = get_args(known)
    if word is not None and word not in words:
        raise SchemaError(f"{name} is one of {', '.join(words)}", got=word, fix=did_you_mean(str(word), words))


def is_validated(stage: LifecycleStage | None) -> bool:
    """Return whether data is checked against what is at a stage of its life."""
    return stage not in _UNVALIDATED


def check_bounds(what: str, low: float | None, high: float | None, *, least: float | None = 0) -> None:
    """Raise SchemaError unless ``least <= low <= high``, as far as they are given."""
    for key, bound in (("min", low), ("max", high)):
        if bound is not None and math.isnan(bound):
            raise SchemaError(f"{key} of {what} is a number", got="NaN", fix=f"Take {key} out where there is no bound")
        if least is not None and bound is not None and bound < least:
            raise SchemaError(f"{key} of {what} is {least} or more", got=bound)
    if low is not None and high is not None and low > high:
        raise SchemaError(f"min of {what} is not above max", got=f"min {low!r}, max {high!r}")


def check_share(name: str, share: float | None) -> None:
    """Raise SchemaError unless ``share`` is None or lies between 0 and 1."""
    if share is not None and not 0.0 <= share <= 1.0:
        raise SchemaError(f"{name} is a share between 0 and 1", got=share)


class Comparator(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """How far a feature's distribution may be from another data set's; the distances are those of ``validation``.

    Parameters
    ----------
    linf
        L-infinity distance, the largest difference of any value's share, in [0, 1]; for strings and truth values.
    jensen_shannon
        Jensen-Shannon divergence in bits, in [0, 1].
    normalized_abs_difference
        Sum of the absolute differences of the counts over the sum of the counts, in [0, 1].
    psi
        Population stability index, from 0; 0.1 is a small change and 0.25 a large one by convention.
    kolmogorov_smirnov
        Largest difference of the distribution functions, in [0, 1]; for numbers.
    wasserstein
        Earth mover's distance in the feature's units; for numbers.
    hellinger
        Hellinger distance, in [0, 1].
    chi_squared
        Least p-value of the chi-squared test of homogeneity that is still fine, in [0, 1].
    """

    linf: float | None = None
    jensen_shannon: float | None = None
    normalized_abs_difference: float | None = None
    psi: float | None = None
    kolmogorov_smirnov: float | None = None
    wasserstein: float | None = None
    hellinger: float | None = None
    chi_squared: float | None = None

    def __post_init__(self) -> None:
        given = {key: getattr(self, key) for key in self.__struct_fields__ if getattr(self, key) is not None}
        if not given:
            raise SchemaError("A comparator has a threshold", got="none", fix="Give linf, jensen_shannon, or another")
        for key, threshold in given.items():
            if key in ("psi", "wasserstein"):
                if not threshold >= 0.0:
                    raise SchemaError(f"The threshold {key} is 0 or more", got=threshold)
            elif not 0.0 <= threshold <= 1.0:
                raise SchemaError(f"The threshold {key} lies between 0 and 1", got=threshold)


class Range(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """The range of an INT or FLOAT feature, both ends included; no bound where None."""

    min: int | float | None = None
    max: int | float | None = None

    def __post_init__(self) -> None:
        check_bounds("a range", self.min, self.max, least=None)


class ValueCountRange(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """How many values a row that has the feature may have; no bound where None."""

    min: int | None = None
    max: int | None = None

    def __post_init__(self) -> None:
        check_bounds("value_counts", self.min, self.max)


class UniqueConstraints(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """How many distinct values the feature may have; no bound where None."""

    min: int | None = None
    max: int | None = None

    def __post_init__(self) -> None:
        check_bounds("unique_constraints", self.min, self.max)


class BoolDomain(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """The texts, or the numbers as texts, that stand for true and false in a STRING, INT or FLOAT feature."""

    true_value: str | None = None
    false_value: str | None = None

    def __post_init__(self) -> None:
        if self.true_value is not None and self.true_value == self.false_value:
            raise SchemaError("True and false are written differently", got=f"{self.true_value!r} for both")


class TimeDomain(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """How a moment is written: as text in a format of ``strptime``, or as a whole number of a unit since 1970."""

    string_format: str | None = None
    integer_format: IntegerFormat | None = None

    def __post_init__(self) -> None:
        check_word("integer_format", self.integer_format, IntegerFormat)
        if self.string_format is not None and self.integer_format is not None:
            raise SchemaError(
                "A moment is written as text or as a number",
                got="string_format and integer_format",
                fix="Give one of the two",
            )


class ImageDomain(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """Encoded images in a BYTES feature.

    Parameters
    ----------
    minimum_supported_image_fraction
        The least share of values that are JPEG, PNG, GIF, BMP, WebP or TIFF.
    max_image_byte_size
        The most bytes of a value.
    """

    minimum_supported_image_fraction: float | None = None
    max_image_byte_size: int | None = None

    def __post_init__(self) -> None:
        check_share("minimum_supported_image_fraction", self.minimum_supported_image_fraction)
        check_bounds("max_image_byte_size", None, self.max_image_byte_size)


class TokenConstraint(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """How often a token may occur: in a row, and in which share of the rows."""

    token: str
    min_per_row: int | None = None
    max_per_row: int | None = None
    min_fraction: float | None = None
    max_fraction: float | None = None

    def __post_init__(self) -> None:
        what = f"token {self.token!r}"
        check_bounds(f"{what} in a row", self.min_per_row, self.max_per_row)
        check_share(f"min_fraction of {what}", self.min_fraction)
        check_share(f"max_fraction of {what}", self.max_fraction)
        check_bounds(f"the fraction of {what}", self.min_fraction, self.max_fraction)


class NaturalLanguageDomain(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """Text in words.

    Parameters
    ----------
    vocabulary
        Name of a string domain of the schema that lists the words; None where any word is fine.
    min_coverage
        The least share of tokens that the vocabulary has.
    min_avg_token_length
        The least mean length of the covered tokens, in characters.
    location_regex
        What the whole value must match.
    tokens
        Constraints on single tokens.
    """

    vocabulary: str | None = None
    min_coverage: float | None = None
    min_avg_token_length: float | None = None
    location_regex: str | None = None
    tokens: tuple[TokenConstraint, ...] = ()

    def __post_init__(self) -> None:
        check_share("min_coverage", self.min_coverage)
        check_bounds("min_avg_token_length", self.min_avg_token_length, None)
        for key in ("min_coverage", "min_avg_token_length"):
            if getattr(self, key) is not None and self.vocabulary is None:
                raise SchemaError(
                    f"{key} needs a vocabulary", got="none", fix="Name one of the schema's string_domains in vocabulary"
                )
        if self.location_regex is not None:
            try:
                re.compile(self.location_regex)
            except (re.error, OverflowError, RecursionError) as error:
                raise SchemaError("location_regex is a regular expression", got=f"{error}") from error
        tokens = [constraint.token for constraint in self.tokens]
        twice = next((token for token in tokens if tokens.count(token) > 1), None)
        if twice is not None:
            raise SchemaError("A token has one constraint", got=f"{twice!r} twice")


class Annotation(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """What people write beside a feature or a schema: tags, and comments that a review leaves."""

    tags: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()


class SparseFeature(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """A sparse tensor made of list features: in each row as many values as indices of each dimension."""

    name: str
    value_feature: str
    index_features: tuple[str, ...]
    is_sorted: bool = False
    dense_shape: tuple[int, ...] | None = None
    lifecycle_stage: LifecycleStage | None = None

    def __post_init__(self) -> None:
        where = f"sparse feature {self.name!r}"
        check_word("lifecycle_stage", self.lifecycle_stage, LifecycleStage)
        if not self.name:
            raise SchemaError("A sparse feature has a name", got=self.name)
        if not self.index_features:
            raise SchemaError("A sparse feature has an index", got="none", where=where, fix="Name index_features")
        parts = (self.value_feature, *self.index_features)
        twice = next((part for part in parts if parts.count(part) > 1), None)
        if twice is not None:
            raise SchemaError("Values and indices are different features", got=f"{twice!r} twice", where=where)
        if self.dense_shape is not None:
            if len(self.dense_shape) != len(self.index_features):
                raise SchemaError(
                    "dense_shape has one size an index",
                    got=f"{len(self.dense_shape)} sizes and {len(self.index_features)} indices",
                    where=where,
                )
            if any(size < 0 for size in self.dense_shape):
                raise SchemaError("Sizes of dense_shape are 0 or more", got=min(self.dense_shape), where=where)

    @property
    def is_validated(self) -> bool:
        """Whether data is checked against the feature in its stage of life."""
        return is_validated(self.lifecycle_stage)


class WeightedFeature(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """A feature whose values have weights in another feature: in each row as many values as weights."""

    name: str
    feature: str
    weight_feature: str
    lifecycle_stage: LifecycleStage | None = None

    def __post_init__(self) -> None:
        check_word("lifecycle_stage", self.lifecycle_stage, LifecycleStage)
        if not self.name:
            raise SchemaError("A weighted feature has a name", got=self.name)
        if self.feature == self.weight_feature:
            raise SchemaError(
                "Weights are another feature than the values",
                got=f"{self.feature!r} for both",
                where=f"weighted feature {self.name!r}",
            )

    @property
    def is_validated(self) -> bool:
        """Whether data is checked against the feature in its stage of life."""
        return is_validated(self.lifecycle_stage)


class NumExamplesComparator(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """How many rows there may be, as a share of the rows of the data set that is compared with."""

    min_fraction_threshold: float | None = None
    max_fraction_threshold: float | None = None

    def __post_init__(self) -> None:
        check_bounds("the threshold of the number of rows", self.min_fraction_threshold, self.max_fraction_threshold)


class DatasetConstraints(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """How many rows a data set has: absolutely, against the previous span, and against the previous version."""

    min_examples_count: int | None = None
    max_examples_count: int | None = None
    num_examples_drift: NumExamplesComparator | None = None
    num_examples_version: NumExamplesComparator | None = None

    def __post_init__(self) -> None:
        check_bounds("the number of rows", self.min_examples_count, self.max_examples_count)


class Rule(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """A check in SQL that the user wrote.

    Parameters
    ----------
    name
        Its name in anomalies.
    sql
        A predicate that holds. Over ``rows`` its columns are those of the data, and it holds for every row, as
        ``capital_loss = 0 OR capital_gain = 0``. Over ``statistics`` its columns are those of one row a feature
        (``feature, type, num_non_missing, num_missing, mean, std_dev, min, median, max, num_zeros, unique, …``),
        and it holds for each feature that ``features`` names.
    over
        Rows or statistics.
    features
        The features that it is about; for ``statistics``, all when empty.
    severity
        An error stops what comes after; a warning does not.
    description
        What it means, for people.
    max_fraction
        The largest share of rows that may break it.
    environments
        Where it holds; everywhere when empty.
    """

    name: str
    sql: str
    over: Literal["rows", "statistics"] = "rows"
    features: tuple[str, ...] = ()
    severity: Literal["error", "warning"] = "error"
    description: str = ""
    max_fraction: float = 0.0
    environments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise SchemaError("A rule has a name", got=self.name)
        where = f"rule {self.name!r}"
        if not self.sql.strip():
            raise SchemaError("A rule has a predicate in SQL", got="none", where=where, fix="Write it in sql")
        try:
            check_word("over", self.over, Literal["rows", "statistics"])
            check_word("severity", self.severity, Literal["error", "warning"])
            check_share("max_fraction", self.max_fraction)
        except SchemaError as error:
            raise SchemaError(error.rule, got=error.got, where=where, fix=error.fix) from error
        if self.over == "statistics" and self.max_fraction:
            raise SchemaError(
                "max_fraction is for rules over rows", got="over statistics", where=where, fix="Take max_fraction out"
            )
