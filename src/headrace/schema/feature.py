"""A feature: what one column of the data should look like."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from headrace.errors import SchemaError, did_you_mean
from headrace.schema.domains import (
    Annotation,
    BoolDomain,
    Comparator,
    ImageDomain,
    LifecycleStage,
    NaturalLanguageDomain,
    SemanticDomain,
    TimeDomain,
    UniqueConstraints,
    ValueCountRange,
    check_word,
    is_validated,
)

__all__ = ["Feature", "FeatureType"]

FeatureType: TypeAlias = Literal["INT", "FLOAT", "STRING", "BOOL", "TIMESTAMP", "BYTES", "STRUCT"]
_TYPES: tuple[str, ...] = get_args(FeatureType)
_NUMERIC = ("INT", "FLOAT")
# What says which values are allowed or what they mean: at most one of them holds.
_DOMAINS = (
    "values",
    "domain",
    "bool_domain",
    "time_domain",
    "image_domain",
    "natural_language_domain",
    "semantic_domain",
)


class Feature(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """What one column should look like.

    Parameters
    ----------
    name
        The column.
    type
        INT, FLOAT, STRING, BOOL, TIMESTAMP, BYTES or STRUCT; integers are welcome in a FLOAT column.
    min_fraction
        The least share of rows that have a value: 1.0 for a required column, 0.0 for an optional one.
    values
        The domain of a STRING column; None where any value is fine.
    min_domain_mass
        The least share of non-missing values that lie in the domain.
    min, max
        The range of an INT or FLOAT column, both ends included.
    allow_nan, allow_infinity
        Whether a FLOAT column may hold them.
    unique
        Whether every non-missing value occurs once; for INT and STRING.
    not_in_environment
        Environments, as ``serving``, in which the column is absent.
    drift
        Thresholds against the previous span of the data.
    skew
        Thresholds of the training data against the serving data.
    strip
        Whether ASCII white space around strings is taken off before anything else.
    null_values
        Strings that mean missing.
    min_count
        The least number of rows that have a value.
    value_counts
        How many values a row has, one range a level of nesting; empty for plain columns.
    shape
        The fixed shape of a row's values, as ``(28, 28)``; None where the number of values may vary.
    group_required
        For a field of a struct: whether every struct that is there has the field.
    domain
        Name of one of the schema's ``string_domains``, in place of ``values``.
    unique_constraints
        How many distinct values there may be.
    bool_domain, time_domain, image_domain, natural_language_domain, semantic_domain
        What the values mean.
    is_categorical
        Whether the numbers of an INT column are names of categories.
    embedding_dim
        The length of the vectors of a FLOAT column of embeddings.
    in_environment
        Environments in which the column is present although it is absent in the schema's default ones; where the
        schema has no default ones, the only environments in which the column is present.
    lifecycle_stage
        Columns that are PLANNED, ALPHA, DEPRECATED, DEBUG_ONLY or DISABLED are not validated.
    annotation
        Tags and comments.
    derived_from
        The columns that this one is computed from for validation alone.
    features
        The fields of a STRUCT column.
    tfx
        What a schema of TFX says of the column that headrace has no word for, in protocol buffer text; it is kept
        and written back, and nothing else.

    Raises
    ------
    SchemaError
        If the parts contradict each other; ``where`` names the feature.
    """

    name: str
    type: FeatureType
    min_fraction: float = 0.0
    values: tuple[str, ...] | None = None
    min_domain_mass: float = 1.0
    min: int | float | None = None
    max: int | float | None = None
    allow_nan: bool = False
    allow_infinity: bool = False
    unique: bool = False
    not_in_environment: tuple[str, ...] = ()
    drift: Comparator | None = None
    skew: Comparator | None = None
    strip: bool = False
    null_values: tuple[str, ...] = ()
    min_count: int = 0
    value_counts: tuple[ValueCountRange, ...] = ()
    shape: tuple[int, ...] | None = None
    group_required: bool = False
    domain: str | None = None
    unique_constraints: UniqueConstraints | None = None
    bool_domain: BoolDomain | None = None
    time_domain: TimeDomain | None = None
    image_domain: ImageDomain | None = None
    natural_language_domain: NaturalLanguageDomain | None = None
    semantic_domain: SemanticDomain | None = None
    is_categorical: bool = False
    embedding_dim: int | None = None
    in_environment: tuple[str, ...] = ()
    lifecycle_stage: LifecycleStage | None = None
    annotation: Annotation | None = None
    derived_from: tuple[str, ...] = ()
    features: tuple[Feature, ...] = ()
    tfx: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            raise SchemaError("A feature has a name", got=self.name)
        if self.type not in _TYPES:
            raise self._error(f"The type is one of {', '.join(_TYPES)}", self.type, did_you_mean(self.type, _TYPES))
        for key in ("min_fraction", "min_domain_mass"):
            if not 0.0 <= getattr(self, key) <= 1.0:
                raise self._error(f"{key} is a share between 0 and 1", getattr(self, key))
        if self.min_count < 0:
            raise self._error("min_count is 0 or more", self.min_count)
        for key, word, known in (
            ("lifecycle_stage", self.lifecycle_stage, LifecycleStage),
            ("semantic_domain", self.semantic_domain, SemanticDomain),
        ):
            try:
                check_word(key, word, known)
            except SchemaError as error:
                raise self._error(error.rule, error.got, error.fix) from error
        self._check_kind()
        self._check_domain()
        self._check_comparators()
        self._check_lists()
        self._check_values()
        self._check_range()
        self._check_fields()

    def _check_kind(self) -> None:
        time = self.time_domain or TimeDomain()
        misplaced = [
            ("values", self.values is not None, ("STRING",)),
            ("domain", self.domain is not None, ("STRING",)),
            ("min_domain_mass", self.min_domain_mass != 1.0, ("STRING",)),
            ("min", self.min is not None, _NUMERIC),
            ("max", self.max is not None, _NUMERIC),
            ("allow_nan", self.allow_nan, ("FLOAT",)),
            ("allow_infinity", self.allow_infinity, ("FLOAT",)),
            ("unique", self.unique, ("INT", "STRING")),
            ("unique_constraints", self.unique_constraints is not None, (*_NUMERIC, "STRING", "BYTES", "TIMESTAMP")),
            ("strip", self.strip, ("STRING",)),
            ("null_values", bool(self.null_values), ("STRING",)),
            ("bool_domain", self.bool_domain is not None, (*_NUMERIC, "STRING")),
            ("time_domain", self.time_domain is not None, ("INT", "STRING")),
            ("time_domain.string_format", time.string_format is not None, ("STRING",)),
            ("time_domain.integer_format", time.integer_format is not None, ("INT",)),
            ("image_domain", self.image_domain is not None, ("BYTES",)),
            ("natural_language_domain", self.natural_language_domain is not None, ("STRING",)),
            ("semantic_domain", self.semantic_domain not in (None, "time_of_day"), ("STRING",)),
            ("semantic_domain time_of_day", self.semantic_domain == "time_of_day", ("INT", "STRING")),
            ("is_categorical", self.is_categorical, ("INT",)),
            ("embedding_dim", self.embedding_dim is not None, ("FLOAT",)),
            ("features", bool(self.features), ("STRUCT",)),
        ]
        for key, given, types in misplaced:
            if given and self.type not in types:
                listed = " and ".join([", ".join(types[:-1]), types[-1]]) if len(types) > 1 else types[0]
                raise self._error(f"{key} is for {listed} features", f"type {self.type}", f"Take {key} out")

    def _check_domain(self) -> None:
        given = [key for key in _DOMAINS if getattr(self, key) is not None]
        if len(given) > 1:
            raise self._error("A feature has one domain", " and ".join(given), f"Keep one of {', '.join(given)}")
        if self.bool_domain is not None:
            if self.min is not None or self.max is not None:
                raise self._error("Numbers that stand for true and false have no range", "bool_domain and min or max")
            if self.type == "STRING" and self.bool_domain == BoolDomain():
                raise self._error(
                    "The bool_domain of a STRING feature says which text is true or false",
                    "neither",
                    "Give true_value or false_value",
                )
        if self.min_domain_mass != 1.0 and self.values is None and self.domain is None:
            raise self._error("min_domain_mass needs a domain", "no values", "Give values, or take min_domain_mass out")
        constraints = self.unique_constraints
        if self.unique and constraints is not None and constraints.max is not None:
            raise self._error(
                "Where every value occurs once, the number of distinct values has no upper bound",
                f"unique and unique_constraints.max {constraints.max}",
                "Keep one of the two",
            )
        if self.is_categorical and self.time_domain is not None:
            raise self._error("Moments are no categories", "is_categorical and time_domain", "Keep one of the two")

    def _check_comparators(self) -> None:
        for key, comparator in (("drift", self.drift), ("skew", self.skew)):
            if comparator is None:
                continue
            if self.type in ("TIMESTAMP", "STRUCT", "BYTES"):
                raise self._error(
                    f"{key} is not measured on {self.type} features", f"type {self.type}", f"Take {key} out"
                )
            categories = self.is_categorical or self.bool_domain is not None or self.type in ("STRING", "BOOL")
            if comparator.linf is not None and not categories:
                raise self._error(
                    f"{key}.linf is for STRING and BOOL features and for categories",
                    f"type {self.type}",
                    "Use jensen_shannon",
                )
            for distance in ("kolmogorov_smirnov", "wasserstein"):
                if getattr(comparator, distance) is not None and self.type not in _NUMERIC:
                    raise self._error(
                        f"{key}.{distance} is for INT and FLOAT features", f"type {self.type}", "Use jensen_shannon"
                    )

    def _check_lists(self) -> None:
        if self.shape is not None:
            if self.value_counts:
                raise self._error(
                    "A row has a fixed shape or a range of numbers of values",
                    "shape and value_counts",
                    "Keep one of the two",
                )
            if any(size < 0 for size in self.shape):
                raise self._error("Sizes of a shape are 0 or more", min(self.shape))
        if self.embedding_dim is None:
            return
        if self.embedding_dim < 1:
            raise self._error("embedding_dim is 1 or more", self.embedding_dim)
        if self.shape and self.shape[-1] != self.embedding_dim:
            raise self._error(
                "The last size of the shape of embeddings is embedding_dim",
                f"shape {list(self.shape)}, embedding_dim {self.embedding_dim}",
            )

    def _check_values(self) -> None:
        for key in ("values", "null_values", "not_in_environment", "in_environment", "derived_from"):
            given = getattr(self, key) or ()
            if isinstance(given, str):
                raise self._error(f"{key} is several values", repr(given), f"Write {key}=({given!r},)")
            seen: set[str] = set()
            for value in given:
                if value in seen:
                    raise self._error(f"{key} lists each value once", f"{value!r} twice")
                seen.add(value)
        torn = set(self.in_environment) & set(self.not_in_environment)
        if torn:
            raise self._error(
                "A feature is in an environment or not",
                f"{min(torn)!r} in in_environment and in not_in_environment",
                "Take it out of one of the two",
            )
        if self.name in self.derived_from:
            raise self._error("A feature is not derived from itself", repr(self.name))
        both = set(self.values or ()) & set(self.null_values)
        if both:
            raise self._error("A value is in the domain or means missing, not both", repr(min(both)))
        if self.strip:
            for key in ("values", "null_values"):
                for value in getattr(self, key) or ():
                    if value != value.strip(" \t\n\v\f\r"):
                        raise self._error(
                            f"Stripped strings have no space around them, so this entry of {key} never matches",
                            repr(value),
                        )

    def _check_range(self) -> None:
        for key in ("min", "max"):
            bound = getattr(self, key)
            if isinstance(bound, float) and math.isnan(bound):
                raise self._error(f"{key} is a number", "NaN", f"Take {key} out where there is no bound")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise self._error("min is not above max", f"min {self.min!r}, max {self.max!r}")

    def _check_fields(self) -> None:
        seen: set[str] = set()
        for field in self.features:
            if field.name in seen:
                raise self._error("Each field stands once in a struct", f"{field.name!r} twice")
            seen.add(field.name)

    def _error(self, rule: str, got: Any, fix: str | None = None) -> SchemaError:
        return SchemaError(rule, got=got, where=f"feature {self.name!r}", fix=fix)

    @property
    def required(self) -> bool:
        """Whether every row has a value, or every struct that is there, for a field of one."""
        return self.min_fraction == 1.0 or self.group_required

    @property
    def is_validated(self) -> bool:
        """Whether data is checked against the feature in its stage of life."""
        return is_validated(self.lifecycle_stage)

    @property
    def list_levels(self) -> int:
        """How many lists are around a value: 0 for plain columns, also where exactly one value is asked for."""
        if self.shape is not None:
            return 0 if self.shape in ((), (1,)) else len(self.shape)
        if len(self.value_counts) == 1 and self.value_counts[0].max == 1:
            return 0
        return len(self.value_counts)

    def is_in(self, environment: str | None, default: tuple[str, ...] = ()) -> bool:
        """Return whether the column is expected in an environment.

        Parameters
        ----------
        environment
            None stands for all of them.
        default
            The schema's ``default_environments``; where there are none, a column that names no environment is in
            all of them.
        """
        if environment is None or environment in self.in_environment:
            return True
        if environment in self.not_in_environment:
            return False
        return environment in default if default else not self.in_environment
