"""What is no mistake and should be looked at: columns that give the label away, copies, and meanings not declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from headrace.schema import ImageDomain, TimeDomain
from headrace.validation.anomalies import Anomaly
from headrace.validation.wording import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.schema import Feature, Schema
    from headrace.statistics import DatasetStatistics
    from headrace.validation.column import Column

__all__ = ["check_hints", "needs_rows"]

_SURE = 0.99


def check_hints(column: Column) -> Iterator[Anomaly]:
    """Yield warnings about a column that keeps the rules."""
    label = column.stats.label
    if label is not None and label.leakage:
        yield column.anomaly(
            "leakage",
            f"predicts the label almost alone: {label.reason or 'it may have been computed from it'}.",
            severity="warning",
            fraction=label.normalized,
            suggestion="Find out whether the column is known before the label is; if not, leave it out of training",
        )
    for guess in column.stats.semantics:
        if guess.kind == "duplicate" and guess.fraction >= _SURE:
            yield column.anomaly(
                "duplicate_column",
                f"says the same as {guess.of} in {percent(guess.fraction)} of the rows.",
                severity="warning",
                fraction=guess.fraction,
                suggestion="Leave one of the two out",
            )
    yield from _meaning(column)


def needs_rows(dataset: DatasetStatistics, schema: Schema) -> Iterator[Anomaly]:
    """Yield one warning that lists the rules which statistics cannot tell."""
    rules = [f"the rule {rule.name}" for rule in schema.rules if rule.over == "rows"]
    for feature in schema.features:
        if feature.name not in dataset:
            continue
        stats = dataset[feature.name]
        complete = stats.string_stats is None or stats.string_stats.complete
        if feature.natural_language_domain is not None and not complete:
            rules.append(f"the words of {feature.name}")
        image = feature.image_domain
        guessed = any(guess.kind == "image" for guess in stats.semantics)
        if image is not None and image.minimum_supported_image_fraction is not None and not guessed:
            rules.append(f"the images of {feature.name}")
    if rules:
        yield Anomaly(
            None,
            "needs_rows",
            "warning",
            dataset.name,
            f"Statistics cannot tell {', '.join(rules)}.",
            suggestion="Check the rows with validate_examples",
        )


def _meaning(column: Column) -> Iterator[Anomaly]:
    suggested = _with_meaning(column)
    if suggested is None:
        return
    feature, kind, fraction = suggested
    yield column.anomaly(
        "semantic_suggestion",
        f"looks like {kind} in {percent(fraction)} of its values, which the schema does not say.",
        severity="warning",
        fraction=fraction,
        suggestion="Declare it in the schema, so that other values are found",
        suggested=feature,
    )


def _with_meaning(column: Column) -> tuple[Feature, str, float] | None:
    feature = column.feature
    declared = (
        column.domain,
        feature.semantic_domain,
        feature.time_domain,
        feature.natural_language_domain,
        feature.image_domain,
    )
    if any(part is not None for part in declared):
        return None
    for guess in column.stats.semantics:
        if guess.fraction < _SURE:
            continue
        if guess.kind in ("url", "email") and feature.type == "STRING":
            return msgspec.structs.replace(feature, semantic_domain=guess.kind), str(guess), guess.fraction
        if guess.kind == "date_text" and guess.detail and "%" in guess.detail and feature.type == "STRING":
            domain = TimeDomain(string_format=guess.detail)
            return msgspec.structs.replace(feature, time_domain=domain), f"dates as {guess.detail}", guess.fraction
        if guess.kind == "image" and feature.type == "BYTES":
            domain_of_images = ImageDomain(minimum_supported_image_fraction=_SURE)
            return msgspec.structs.replace(feature, image_domain=domain_of_images), "images", guess.fraction
    return None
