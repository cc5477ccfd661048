"""Checks statistics against a schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from headrace.errors import UsageError, did_you_mean
from headrace.statistics import Statistics
from headrace.validation.anomalies import Anomalies, Anomaly
from headrace.validation.column import Column, is_expected
from headrace.validation.dataset_rules import check_composed, check_derived, check_sizes, column_missing, columns_new
from headrace.validation.domains import check_bytes, check_numbers, check_text, check_unique
from headrace.validation.drift import check_distances, partner
from headrace.validation.hints import check_hints, needs_rows
from headrace.validation.kinds import check_type, fits_type
from headrace.validation.policy import judged
from headrace.validation.presence import check_presence, check_valency
from headrace.validation.sql_rules import check_statistics_rules, rules_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace.schema import Feature, Schema
    from headrace.schema import Rule as SqlRule
    from headrace.statistics import DatasetStatistics, FeatureStatistics
    from headrace.validation.anomalies import Rule
    from headrace.validation.policy import SeverityPolicy

__all__ = ["check_environment", "validate_corresponding_slices", "validate_statistics"]


def validate_statistics(
    statistics: Statistics,
    schema: Schema,
    *,
    environment: str | None = None,
    previous: Statistics | None = None,
    serving: Statistics | None = None,
    previous_version: Statistics | None = None,
    rules: Sequence[SqlRule] = (),
    severity: SeverityPolicy | None = None,
    significance: float | None = None,
) -> Anomalies:
    """Compare statistics with a schema, and with earlier or serving data where the schema has thresholds for that.

    Parameters
    ----------
    statistics
        Of one data set, or of several, each of which is checked. Slices beside whole data sets are passed over: see
        :func:`validate_corresponding_slices`.
    schema
        What the data should look like.
    environment
        Features that are ``not_in_environment`` need not be there.
    previous
        The previous span; each data set is compared with its namesake, or with the only one there is (drift).
    serving
        The serving data, likewise (skew).
    previous_version
        The previous version of the same span, likewise; its number of rows is compared.
    rules
        More rules over statistics than the schema has, as :class:`headrace.schema.Rule` (extra ``sql``).
    severity
        Severities other than usual, by ``rule`` or ``feature:rule`` with wildcards: ``error``, ``warning`` or
        ``off``, as ``{"column_new": "error", "age:drift_*": "warning"}``.
    significance
        Drift and skew that chance alone would make more often than this, as 0.01, are warnings; not tested when None.

    Returns
    -------
    Anomalies
        Empty where everything fits.

    Raises
    ------
    UsageError
        If the environment is not one that the schema mentions, or ``previous`` or ``serving`` have no data set to
        compare with.
    SchemaError
        If a rule cannot be understood.
    MissingExtraError
        If there are rules over statistics and DuckDB is not installed.
    """
    check_environment(schema, environment)
    checked = statistics.whole() or statistics
    every_rule = rules_in((*schema.rules, *rules), "statistics", environment)
    found: list[Anomaly] = []
    for dataset in checked:
        before, served, version = (
            None if others is None else partner(dataset, others, key)
            for key, others in (("drift", previous), ("skew", serving), ("versions", previous_version))
        )
        found.extend(check_sizes(dataset, schema, before, version))
        found.extend(_features(dataset, schema, environment))
        found.extend(columns_new(_without_parts(dataset, schema), schema))
        found.extend(check_composed(dataset, schema))
        found.extend(check_derived(dataset, schema))
        for column in _columns(dataset, schema):
            for key, other in (("drift", before), ("skew", served)):
                if other is not None and column.rows:
                    twin = _by_path(other).get(column.path)
                    found.extend(check_distances(column, twin, "drift" if key == "drift" else "skew", significance))
        found.extend(check_statistics_rules(dataset, every_rule, before, served))
        found.extend(needs_rows(dataset, schema))
    names = [rule.name for rule in (*schema.rules, *rules)]
    return Anomalies(judged(found, severity, names), checked.names)


def validate_corresponding_slices(
    statistics: Statistics,
    schema: Schema,
    *,
    environment: str | None = None,
    previous: Statistics | None = None,
    serving: Statistics | None = None,
    severity: SeverityPolicy | None = None,
    significance: float | None = None,
) -> Anomalies:
    """Check data set by data set and slice by slice, each against the slice of the same key in other data.

    A slice that only one side has is a warning.

    Parameters
    ----------
    statistics
        Whose slices are checked.
    schema, environment, previous, serving, severity, significance
        As for :func:`validate_statistics`.
    """
    found: list[Anomaly] = []
    names: list[str] = []
    ours = {_slice_key(dataset) for dataset in statistics}
    theirs = [
        {} if others is None else {_slice_key(one): one for one in others} | {one.name: one for one in others}
        for others in (previous, serving)
    ]
    for dataset in statistics:
        twins = [side.get(dataset.name, side.get(_slice_key(dataset))) for side in theirs]
        pairs = [None if twin is None else Statistics((twin,)) for twin in twins]
        checked = validate_statistics(
            Statistics((dataset,)),
            schema,
            environment=environment,
            previous=pairs[0],
            serving=pairs[1],
            severity=severity,
            significance=significance,
        )
        found.extend(checked)
        names.append(dataset.name)
    others_by_rule: dict[Rule, Statistics | None] = {"drift_no_data": previous, "skew_no_data": serving}
    for rule, others in others_by_rule.items():
        alone = () if others is None else sorted(ours.symmetric_difference(_slice_key(one) for one in others))
        found.extend(
            Anomaly(
                None,
                rule,
                "warning",
                key,
                f"The slice {key} is in one of the two data sets alone.",
                suggestion="Look for rows that are missing on one side",
            )
            for key in alone
        )
    return Anomalies(judged(found, severity, [rule.name for rule in schema.rules]), tuple(names))


def check_environment(schema: Schema, environment: str | None) -> None:
    """Check that the schema mentions an environment.

    Raises
    ------
    UsageError
        If it does not.
    """
    known = schema.environments
    if environment is not None and environment not in known:
        raise UsageError(
            "The environment is one that the schema mentions",
            got=environment,
            fix=did_you_mean(environment, known) + " A feature that is absent there says so with not_in_environment",
        )


def _slice_key(dataset: DatasetStatistics) -> str:
    return dataset.slice_key or dataset.name


def _by_path(dataset: DatasetStatistics) -> dict[tuple[str, ...], FeatureStatistics]:
    return {feature.steps: feature for feature in dataset.features}


def _without_parts(dataset: DatasetStatistics, schema: Schema) -> DatasetStatistics:
    """Return the statistics without the parts of sparse and weighted features, which the schema knows."""
    parts = {part for one in schema.sparse_features for part in (one.value_feature, *one.index_features)}
    parts |= {part for one in schema.weighted_features for part in (one.feature, one.weight_feature)}
    if not parts:
        return dataset
    kept = tuple(feature for feature in dataset.features if feature.name not in parts)
    return msgspec.structs.replace(dataset, features=kept)


def _features(dataset: DatasetStatistics, schema: Schema, environment: str | None) -> Iterator[Anomaly]:
    known = _by_path(dataset)

    def walk(feature: Feature, path: tuple[str, ...], rows: int) -> Iterator[Anomaly]:
        stats = known.get(path)
        if stats is None:
            if is_expected(feature, path, schema, environment):
                yield column_missing(dataset, feature, path, rows, environment)
            return
        column = Column(schema, feature, stats, dataset.name, rows, path)
        if rows:
            yield from _column(column)
        if column.present and stats.type == "STRUCT":
            for field in feature.features:
                if field.is_validated:
                    inner = known.get((*path, field.name))
                    common = column.stats.common_stats if inner is None else inner.common_stats
                    structs = common.num_values if inner is None else common.num_non_missing + common.num_missing
                    yield from walk(field, (*path, field.name), structs)

    for feature in schema.features:
        if feature.is_validated:
            yield from walk(feature, (feature.name,), dataset.num_examples)


def _columns(dataset: DatasetStatistics, schema: Schema) -> Iterator[Column]:
    """Yield the features that are in the data, structs before their fields."""
    known = _by_path(dataset)

    def walk(feature: Feature, path: tuple[str, ...], rows: int) -> Iterator[Column]:
        stats = known.get(path)
        if stats is None or not feature.is_validated:
            return
        yield Column(schema, feature, stats, dataset.name, rows, path)
        for field in feature.features:
            yield from walk(field, (*path, field.name), stats.common_stats.num_values)

    for feature in schema.features:
        yield from walk(feature, (feature.name,), dataset.num_examples)


def _column(column: Column) -> Iterator[Anomaly]:
    yield from check_presence(column)
    if column.present == 0:
        return
    if not fits_type(column.stats.type, column.feature.type):
        yield from check_type(column)
        return
    yield from check_valency(column)
    if column.values == 0:
        return
    yield from check_text(column)
    yield from check_numbers(column)
    yield from check_bytes(column)
    yield from check_unique(column)
    yield from check_hints(column)
