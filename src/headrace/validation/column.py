"""One feature of one data set, and what it should look like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.data.cleaning import WHITESPACE
from headrace.errors import SchemaError, did_you_mean
from headrace.validation.anomalies import Anomaly

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.schema import Feature, Schema, SparseFeature, WeightedFeature
    from headrace.statistics import FeatureStatistics
    from headrace.validation.anomalies import Rule, Severity

__all__ = ["Column", "additions", "domain_of", "is_expected", "is_validated"]

_NOT_VALIDATED = ("PLANNED", "ALPHA", "DEPRECATED", "DEBUG_ONLY", "DISABLED")


@dataclass(frozen=True)
class Column:
    """A feature's statistics beside the feature.

    Parameters
    ----------
    schema
        That the feature is from.
    feature
        What the column should look like.
    stats
        What it looks like.
    split
        Name of the data set.
    rows
        Rows of the data set; for a field, the structs that are there.
    path
        The steps to the feature.
    """

    schema: Schema
    feature: Feature
    stats: FeatureStatistics
    split: str
    rows: int
    path: tuple[str, ...]

    @property
    def name(self) -> str:
        """The path, joined by dots."""
        return ".".join(self.path)

    @property
    def present(self) -> int:
        """Rows that have the feature."""
        return self.stats.common_stats.num_non_missing

    @property
    def values(self) -> int:
        """Values in all rows."""
        return self.stats.common_stats.num_values

    @property
    def out_of(self) -> int:
        """What counts of values are compared with: the rows of a plain column, the values of one of lists."""
        return max(self.values, 1) if self.stats.common_stats.levels else self.rows

    @property
    def domain(self) -> tuple[str, ...] | None:
        """The strings that are allowed; None where all are."""
        return domain_of(self.feature, self.schema)

    def anomaly(self, rule: Rule, message: str, *, severity: Severity = "error", **details: Any) -> Anomaly:
        """Return an anomaly of this column; the message begins with its name."""
        path = self.path if len(self.path) > 1 else ()
        return Anomaly(self.name, rule, severity, self.split, f"{self.name} {message}", path=path, **details)

    def altered(self, **changes: Any) -> Feature | None:
        """Return the feature with some parts changed; None where no schema can say that."""
        try:
            return msgspec.structs.replace(self.feature, **changes)
        except SchemaError:
            return None


def additions(feature: Feature, values: Iterable[str]) -> tuple[str, ...]:
    """Return the values that may be added to a feature's domain: neither missing nor with space that is taken off."""
    spaced = WHITESPACE if feature.strip else ""
    return tuple(
        value for value in values if value not in feature.null_values and (not spaced or value == value.strip(spaced))
    )


def domain_of(feature: Feature, schema: Schema) -> tuple[str, ...] | None:
    """Return the strings that a feature may have, its own or those of a domain that it shares; None where all are.

    Raises
    ------
    SchemaError
        If the schema has no such domain.
    """
    if feature.domain is None or feature.type != "STRING":
        return feature.values
    if feature.domain not in schema.string_domains:
        raise SchemaError(
            "A domain that the schema has is wanted",
            got=feature.domain,
            where=f"feature {feature.name!r}",
            fix=did_you_mean(feature.domain, schema.string_domains),
        )
    return schema.string_domains[feature.domain]


def is_validated(feature: Feature | SparseFeature | WeightedFeature) -> bool:
    """Return whether a feature is at a stage of its life in which it is looked at."""
    return feature.lifecycle_stage not in _NOT_VALIDATED


def is_expected(feature: Feature, schema: Schema, environment: str | None) -> bool:
    """Return whether a column should be there in an environment; None stands for all of them."""
    if not is_validated(feature) or feature.lifecycle_stage == "VALIDATION_DERIVED":
        return False
    if environment is None or environment in feature.in_environment:
        return True
    if environment in feature.not_in_environment:
        return False
    if schema.default_environments:
        return environment in schema.default_environments
    return not feature.in_environment
