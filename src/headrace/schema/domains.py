"""What a schema says of values beyond their type, of rows together, and of whole data sets."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from headrace.errors import SchemaError

__all__ = [
    "Annotation",
    "BoolDomain",
    "Comparator",
    "DatasetConstraints",
    "ImageDomain",
    "LifecycleStage",
    "NaturalLanguageDomain",
    "NumExamplesComparator",
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
SemanticDomain: TypeAlias = Literal["url", "mid", "email", "time_of_day"]


class Comparator(msgspec.Struct, frozen=True, omit_defaults=True):
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


class ValueCountRange(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many values a row that has the feature may have; no bound where None."""

    min: int | None = None
    max: int | None = None


class UniqueConstraints(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many distinct values the feature may have; no bound where None."""

    min: int | None = None
    max: int | None = None


class BoolDomain(msgspec.Struct, frozen=True, omit_defaults=True):
    """The texts, or the numbers as texts, that stand for true and false in a STRING, INT or FLOAT feature."""

    true_value: str | None = None
    false_value: str | None = None


class TimeDomain(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a moment is written: as text in a format of ``strptime``, or as a whole number of a unit since 1970."""

    string_format: str | None = None
    integer_format: (
        Literal["unix_days", "unix_seconds", "unix_milliseconds", "unix_microseconds", "unix_nanoseconds"] | None
    ) = None


class ImageDomain(msgspec.Struct, frozen=True, omit_defaults=True):
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


class TokenConstraint(msgspec.Struct, frozen=True, omit_defaults=True):
    """How often a token may occur: in a row, and in which share of the rows."""

    token: str
    min_per_row: int | None = None
    max_per_row: int | None = None
    min_fraction: float | None = None
    max_fraction: float | None = None


class NaturalLanguageDomain(msgspec.Struct, frozen=True, omit_defaults=True):
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


class Annotation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What people write beside a feature or a schema: tags, and comments that a review leaves."""

    tags: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()


class SparseFeature(msgspec.Struct, frozen=True, omit_defaults=True):
    """A sparse tensor made of list features: in each row as many values as indices of each dimension."""

    name: str
    value_feature: str
    index_features: tuple[str, ...]
    is_sorted: bool = False
    dense_shape: tuple[int, ...] | None = None
    lifecycle_stage: LifecycleStage | None = None


class WeightedFeature(msgspec.Struct, frozen=True, omit_defaults=True):
    """A feature whose values have weights in another feature: in each row as many values as weights."""

    name: str
    feature: str
    weight_feature: str
    lifecycle_stage: LifecycleStage | None = None


class NumExamplesComparator(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many rows there may be, as a share of the rows of the data set that is compared with."""

    min_fraction_threshold: float | None = None
    max_fraction_threshold: float | None = None


class DatasetConstraints(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many rows a data set has: absolutely, against the previous span, and against the previous version."""

    min_examples_count: int | None = None
    max_examples_count: int | None = None
    num_examples_drift: NumExamplesComparator | None = None
    num_examples_version: NumExamplesComparator | None = None


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
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
