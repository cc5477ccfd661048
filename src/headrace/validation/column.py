"""One feature of one data set, and what it should look like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.data.cleaning import WHITESPACE
from headrace.errors import SchemaError
from headrace.validation.anomalies import Anomaly

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.schema import Feature, Schema
    from headrace.statistics import FeatureStatistics
    from headrace.validation.anomalies import Rule, Severity

__all__ = ["Column", "additions", "domain_of", "is_expected"]


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
    """Return the strings that a feature may have, its own or those of a domain that it shares; None where all are."""
    if feature.domain is None or feature.type != "STRING":
        return feature.values
    return schema.string_domains[feature.domain]


def is_expected(feature: Feature, path: tuple[str, ...], schema: Schema, environment: str | None) -> bool:
    """Return whether a column, or a field of a struct that is there, should be there; None: in all environments."""
    if not feature.is_validated or feature.lifecycle_stage == "VALIDATION_DERIVED":
        return False
    # A field that names no environment is wherever its struct is.
    return feature.is_in(environment, schema.default_environments if len(path) == 1 else ())
