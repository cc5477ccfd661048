"""Rules about whole data sets: how many rows, which columns, and features that are made of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from headrace.statistics import DatasetStatistics, Statistics
from headrace.validation.anomalies import Anomaly
from headrace.validation.infer import infer_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.schema import DatasetConstraints, Feature, NumExamplesComparator, Schema
    from headrace.statistics import FeatureStatistics
    from headrace.validation.anomalies import Rule

__all__ = ["check_composed", "check_derived", "check_sizes", "column_missing", "columns_new"]


def check_sizes(
    dataset: DatasetStatistics,
    schema: Schema,
    previous: DatasetStatistics | None,
    previous_version: DatasetStatistics | None,
) -> Iterator[Anomaly]:
    """Yield where a data set has too few rows or too many."""
    rows = dataset.num_examples
    if rows == 0:
        yield Anomaly(
            None,
            "no_data",
            "error",
            dataset.name,
            "There are no rows.",
            rows=0,
            suggestion="Look at where the data comes from, and at how it is split",
        )
    limits = schema.dataset_constraints
    if limits is None:
        return
    low, high = limits.min_examples_count, limits.max_examples_count
    if low is not None and rows < low:
        yield _size(dataset, "few_examples", f"There are at least {low:,} rows; there are {rows:,}.", limits, "min")
    if high is not None and rows > high:
        yield _size(dataset, "many_examples", f"There are at most {high:,} rows; there are {rows:,}.", limits, "max")
    for kind, comparator, other in (
        ("drift", limits.num_examples_drift, previous),
        ("version", limits.num_examples_version, previous_version),
    ):
        if comparator is not None and other is not None and other.num_examples:
            yield from _ratio(dataset, other, limits, comparator, "drift" if kind == "drift" else "version")


def column_missing(
    dataset: DatasetStatistics, feature: Feature, path: tuple[str, ...], rows: int, environment: str | None
) -> Anomaly:
    """Return the anomaly of a column, or of a field of a struct, that is not there."""
    if environment is None:
        suggested = None
        suggestion = "Bring the column back, or take the feature out of the schema"
    else:
        absent = (*feature.not_in_environment, environment)
        elsewhere = tuple(name for name in feature.in_environment if name != environment)
        suggested = msgspec.structs.replace(feature, not_in_environment=absent, in_environment=elsewhere)
        suggestion = f"Bring the column back, or say not_in_environment: [{', '.join(absent)}]"
    optional = feature.min_fraction == 0.0 and feature.min_count == 0 and not feature.group_required
    name = ".".join(path)
    return Anomaly(
        name,
        "column_missing",
        "warning" if optional else "error",
        dataset.name,
        f"{name} is {'an optional' if optional else 'a required'} column of the schema; the data has none "
        "of this name.",
        rows=rows,
        fraction=1.0,
        suggestion=suggestion,
        suggested=suggested,
        removes=suggested is None,
        path=path if len(path) > 1 else (),
    )


def columns_new(dataset: DatasetStatistics, schema: Schema) -> Iterator[Anomaly]:
    """Yield the columns, and the fields of structs that the schema describes, that it does not know."""
    for feature in dataset.features:
        steps = feature.steps
        if not _is_new(steps, schema.features):
            continue
        part = [one for one in dataset.features if one.steps[: len(steps)] == steps]
        suggested = _inferred(dataset, part, len(steps) - 1)
        yield Anomaly(
            ".".join(steps),
            "column_new",
            "warning",
            dataset.name,
            f"{'.'.join(steps)} is in the data and not in the schema.",
            rows=dataset.num_examples,
            suggestion="Take it into the schema if it is meant to be there",
            suggested=suggested,
            path=steps if len(steps) > 1 else (),
        )


def check_composed(dataset: DatasetStatistics, schema: Schema) -> Iterator[Anomaly]:
    """Yield where the parts of sparse and weighted features do not go together."""
    present = {feature.name: feature for feature in dataset.features if feature.common_stats.num_non_missing}
    for sparse in schema.sparse_features:
        if not sparse.is_validated:
            continue
        parts = (sparse.value_feature, *sparse.index_features)
        if not any(part in present for part in parts):
            continue
        if sparse.value_feature not in present:
            yield _composed(dataset, sparse.name, "sparse_missing_value", sparse.value_feature, "values")
        for index in sparse.index_features:
            value, place = present.get(sparse.value_feature), present.get(index)
            if place is None:
                yield _composed(dataset, sparse.name, "sparse_missing_index", index, "indices")
            elif value is not None:
                yield from _lengths(dataset, sparse.name, "sparse_length", value, place)
    for weighted in schema.weighted_features:
        if not weighted.is_validated:
            continue
        value, weight = present.get(weighted.feature), present.get(weighted.weight_feature)
        if value is None and weight is not None:
            yield _composed(dataset, weighted.name, "weighted_missing_value", weighted.feature, "values")
        if weight is None and value is not None:
            yield _composed(dataset, weighted.name, "weighted_missing_weight", weighted.weight_feature, "weights")
        if value is not None and weight is not None:
            yield from _lengths(dataset, weighted.name, "weighted_length", value, weight)


def check_derived(dataset: DatasetStatistics, schema: Schema) -> Iterator[Anomaly]:
    """Yield where a column that is computed for validation has no source, or a stage of its own."""
    for feature in schema.features:
        gone = [name for name in feature.derived_from if name not in schema]
        wrong = feature.lifecycle_stage not in (None, "VALIDATION_DERIVED")
        if not feature.derived_from or not (gone or (wrong and feature.is_validated)):
            continue
        why = f"{', '.join(gone)} is not in the schema" if gone else f"it is at the stage {feature.lifecycle_stage}"
        yield Anomaly(
            feature.name,
            "derived_column",
            "error",
            dataset.name,
            f"{feature.name} is computed from {', '.join(feature.derived_from)} for validation alone; {why}.",
            suggestion="Bring the source back, or take the feature out of the schema",
            removes=bool(gone),
            suggested=None if gone else msgspec.structs.replace(feature, lifecycle_stage="VALIDATION_DERIVED"),
        )


def _size(dataset: DatasetStatistics, rule: Rule, message: str, limits: DatasetConstraints, end: str) -> Anomaly:
    rows = dataset.num_examples
    key = f"{end}_examples_count"
    return Anomaly(
        None,
        rule,
        "error",
        dataset.name,
        message,
        rows=rows,
        suggestion=f"Look at where the data comes from, or change {key} to {rows:,}",
        suggested_constraints=msgspec.structs.replace(limits, **{key: rows}),
    )


def _ratio(
    dataset: DatasetStatistics,
    other: DatasetStatistics,
    limits: DatasetConstraints,
    comparator: NumExamplesComparator,
    kind: Literal["drift", "version"],
) -> Iterator[Anomaly]:
    ratio = dataset.num_examples / other.num_examples
    against = "the previous span" if kind == "drift" else "the previous version"
    bounds: tuple[tuple[Rule, str, float | None], ...] = (
        (f"few_examples_{kind}", "min", comparator.min_fraction_threshold),  # type: ignore[assignment]
        (f"many_examples_{kind}", "max", comparator.max_fraction_threshold),
    )
    for rule, end, bound in bounds:
        if bound is None or (ratio >= bound if end == "min" else ratio <= bound):
            continue
        wider = msgspec.structs.replace(comparator, **{f"{end}_fraction_threshold": ratio})
        word = "least" if end == "min" else "most"
        yield Anomaly(
            None,
            rule,
            "error",
            dataset.name,
            f"There are at {word} {bound:g} times the rows of {against}; there are {dataset.num_examples:,} rows "
            f"against {other.num_examples:,} ({ratio:.3g} times).",
            rows=dataset.num_examples,
            fraction=ratio,
            suggestion="Find out why so many rows came or went, or widen the threshold",
            suggested_constraints=msgspec.structs.replace(limits, **{f"num_examples_{kind}": wider}),
        )


def _is_new(steps: tuple[str, ...], features: tuple[Feature, ...]) -> bool:
    """Return whether a path is the first of its branch that the schema does not know."""
    for depth, step in enumerate(steps):
        found = next((feature for feature in features if feature.name == step), None)
        if found is None:
            return depth == len(steps) - 1
        # A struct without fields in the schema may have any.
        if not found.features:
            return False
        features = found.features
    return False


def _inferred(dataset: DatasetStatistics, features: list[FeatureStatistics], depth: int) -> Feature | None:
    """Return the feature that a column's statistics suggest, the path to it cut off."""
    cut = []
    for feature in features:
        steps = feature.steps[depth:]
        path = steps if len(steps) > 1 else ()
        cut.append(msgspec.structs.replace(feature, name=".".join(steps), path=path))
    part = msgspec.structs.replace(dataset, features=tuple(cut), cross_features=())
    return infer_schema(Statistics((part,))).get(cut[0].name)


def _composed(dataset: DatasetStatistics, name: str, rule: Rule, part: str, what: str) -> Anomaly:
    return Anomaly(
        part,
        rule,
        "error",
        dataset.name,
        f"{name} has its {what} in {part}; the data has none there.",
        rows=dataset.num_examples,
        fraction=1.0,
        suggestion=f"Bring {part} back, or take {name} out of the schema",
        name=name,
    )


def _lengths(
    dataset: DatasetStatistics, name: str, rule: Rule, values: FeatureStatistics, others: FeatureStatistics
) -> Iterator[Anomaly]:
    first, second = values.common_stats, others.common_stats
    if first.num_values == second.num_values and (first.min_num_values, first.max_num_values) == (
        second.min_num_values,
        second.max_num_values,
    ):
        return
    yield Anomaly(
        others.name,
        rule,
        "error",
        dataset.name,
        f"{name} has as many values in {values.name} as in {others.name} in each row; there are "
        f"{first.num_values:,} and {second.num_values:,}.",
        suggestion="Mend the rows where they are written; validate_examples says which",
        name=name,
    )
