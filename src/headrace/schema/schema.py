"""Features and the schema that holds them: what each column of the data should look like."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import msgspec

from headrace.errors import SchemaError, did_you_mean
from headrace.schema.domains import (
    Annotation,
    BoolDomain,
    Comparator,
    DatasetConstraints,
    ImageDomain,
    LifecycleStage,
    NaturalLanguageDomain,
    Rule,
    SemanticDomain,
    SparseFeature,
    TimeDomain,
    UniqueConstraints,
    ValueCountRange,
    WeightedFeature,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

__all__ = ["Feature", "FeatureType", "Schema"]

FeatureType: TypeAlias = Literal["INT", "FLOAT", "STRING", "BOOL", "TIMESTAMP", "BYTES", "STRUCT"]
_TYPES: tuple[str, ...] = get_args(FeatureType)
_NUMERIC = ("INT", "FLOAT")


class Feature(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one column should look like.

    Parameters
    ----------
    name
        The column.
    type
        INT, FLOAT, STRING, BOOL or TIMESTAMP; integers are welcome in a FLOAT column.
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
        Environments in which the column is present although it is absent in the schema's default ones.
    lifecycle_stage
        Columns that are PLANNED, ALPHA, DEPRECATED, DEBUG_ONLY or DISABLED are not validated.
    annotation
        Tags and comments.
    derived_from
        The columns that this one is computed from for validation alone.
    features
        The fields of a STRUCT column.

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

    def __post_init__(self) -> None:
        if not self.name:
            raise SchemaError("A feature has a name", got=self.name)
        if self.type not in _TYPES:
            raise self._error(f"The type is one of {', '.join(_TYPES)}", self.type, did_you_mean(self.type, _TYPES))
        for key in ("min_fraction", "min_domain_mass"):
            if not 0.0 <= getattr(self, key) <= 1.0:
                raise self._error(f"{key} is a share between 0 and 1", getattr(self, key))
        self._check_kind()
        self._check_values()
        self._check_range()

    def _check_kind(self) -> None:
        misplaced = [
            ("values", self.values is not None, ("STRING",)),
            ("min_domain_mass", self.min_domain_mass != 1.0, ("STRING",)),
            ("min", self.min is not None, _NUMERIC),
            ("max", self.max is not None, _NUMERIC),
            ("allow_nan", self.allow_nan, ("FLOAT",)),
            ("allow_infinity", self.allow_infinity, ("FLOAT",)),
            ("unique", self.unique, ("INT", "STRING")),
            ("strip", self.strip, ("STRING",)),
            ("null_values", bool(self.null_values), ("STRING",)),
        ]
        for key, given, types in misplaced:
            if given and self.type not in types:
                raise self._error(f"{key} is for {' and '.join(types)} features", f"type {self.type}")
        for key, comparator in (("drift", self.drift), ("skew", self.skew)):
            if comparator is None:
                continue
            if self.type == "TIMESTAMP":
                raise self._error(f"{key} is not measured on TIMESTAMP features", f"type {self.type}")
            if comparator.linf is not None and self.type in _NUMERIC:
                raise self._error(
                    f"{key}.linf is for STRING and BOOL features", f"type {self.type}", "Use jensen_shannon"
                )
        if self.min_domain_mass != 1.0 and self.values is None:
            raise self._error("min_domain_mass needs a domain", "no values", "Give values, or take min_domain_mass out")

    def _check_values(self) -> None:
        for key in ("values", "null_values", "not_in_environment"):
            seen: set[str] = set()
            for value in getattr(self, key) or ():
                if value in seen:
                    raise self._error(f"{key} lists each value once", f"{value!r} twice")
                seen.add(value)
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

    def _error(self, rule: str, got: Any, fix: str | None = None) -> SchemaError:
        return SchemaError(rule, got=got, where=f"feature {self.name!r}", fix=fix)

    @property
    def required(self) -> bool:
        """Whether every row has a value."""
        return self.min_fraction == 1.0

    def is_in(self, environment: str | None) -> bool:
        """Return whether the column is expected in an environment; None stands for all of them."""
        return environment is None or environment not in self.not_in_environment


class Schema(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the data should look like, one feature a column, in the order of the columns.

    Parameters
    ----------
    features
        One a column.
    string_domains
        Lists of values that several features share, by name.
    default_environments
        The environments that features are in which name none.
    sparse_features, weighted_features
        Features that are made of others.
    dataset_constraints
        How many rows there may be.
    rules
        Checks in SQL.
    annotation
        Tags and comments on the whole.

    Raises
    ------
    SchemaError
        If two features have the same name.
    """

    features: tuple[Feature, ...] = ()
    string_domains: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    default_environments: tuple[str, ...] = ()
    sparse_features: tuple[SparseFeature, ...] = ()
    weighted_features: tuple[WeightedFeature, ...] = ()
    dataset_constraints: DatasetConstraints | None = None
    rules: tuple[Rule, ...] = ()
    annotation: Annotation | None = None

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for feature in self.features:
            if feature.name in seen:
                raise SchemaError("Each feature stands once in a schema", got=f"{feature.name!r} twice")
            seen.add(feature.name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def environments(self) -> tuple[str, ...]:
        """All environments that some feature mentions, sorted."""
        return tuple(sorted({name for feature in self.features for name in feature.not_in_environment}))

    def __iter__(self) -> Iterator[Feature]:
        return iter(self.features)

    def __len__(self) -> int:
        return len(self.features)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Feature:
        for feature in self.features:
            if feature.name == name:
                return feature
        raise SchemaError("A feature that the schema has is wanted", got=name, fix=did_you_mean(name, self.names))

    def get(self, name: str) -> Feature | None:
        """Return the feature of a name; None where there is none."""
        return next((feature for feature in self.features if feature.name == name), None)

    def with_feature(self, feature: Feature) -> Schema:
        """Return a schema in which ``feature`` takes the place of its namesake, or stands at the end."""
        if feature.name in self.names:
            return Schema(tuple(feature if old.name == feature.name else old for old in self.features))
        return Schema((*self.features, feature))

    def without_feature(self, name: str) -> Schema:
        """Return a schema without a feature; it must be there."""
        gone = self[name]
        return Schema(tuple(feature for feature in self.features if feature is not gone))

    def in_environment(self, environment: str | None) -> Schema:
        """Return the schema of one environment: without the features that are absent there."""
        return Schema(tuple(feature for feature in self.features if feature.is_in(environment)))

    def arrow_schema(self) -> pa.Schema:
        """Return Arrow fields of the snapshot's types; required columns are not nullable.

        How strings are cleaned stands in the fields' metadata.
        """
        import pyarrow as pa

        from headrace.data import Cleaning, with_cleaning

        types = {
            "INT": pa.int64(),
            "FLOAT": pa.float64(),
            "STRING": pa.string(),
            "BOOL": pa.bool_(),
            "TIMESTAMP": pa.timestamp("us"),
        }
        fields = []
        for feature in self.features:
            field = pa.field(feature.name, types[feature.type], nullable=not feature.required)
            if feature.strip or feature.null_values:
                field = with_cleaning(field, Cleaning(strip=feature.strip, null_values=feature.null_values))
            fields.append(field)
        return pa.schema(fields)

    def to_yaml(self) -> str:
        """Return the YAML form: short, in the order of the columns, the same for the same schema."""
        from headrace.schema.yaml_form import write_yaml

        return write_yaml(self)

    @classmethod
    def from_yaml(cls, text: str, *, file: str | None = None) -> Schema:
        """Read the YAML form.

        Raises
        ------
        SchemaError
            If it is no YAML, has unknown keys or contradicts itself; ``where`` has ``file``, line and feature.
        """
        from headrace.schema.yaml_form import read_yaml

        return read_yaml(text, file)

    def save(self, path: str | Path) -> None:
        """Write the YAML form; the file is there whole or not at all (StorageError)."""
        from headrace.storage import write_atomic

        write_atomic(path, self.to_yaml())

    @classmethod
    def load(cls, path: str | Path) -> Schema:
        """Read a YAML file.

        Raises
        ------
        SchemaError
            If there is no such file, or it cannot be understood.
        """
        file = Path(path)
        try:
            text = file.read_bytes().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise SchemaError("A schema is a readable YAML file in UTF-8", got=str(error), where=str(file)) from error
        return cls.from_yaml(text, file=str(file))

    def _repr_html_(self) -> str:
        from headrace.schema.view import schema_view
        from headrace.viz import embed

        return embed(schema_view(self))
