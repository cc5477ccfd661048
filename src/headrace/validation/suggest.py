"""What people may want to add to a schema, which inference does not do unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from headrace.schema import Feature, Schema
from headrace.validation.infer import nodes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.statistics import FeatureStatistics, Statistics
    from headrace.validation.infer import Node

__all__ = ["Suggestion", "suggest_schema"]

SuggestionKind: TypeAlias = Literal["unique", "categorical", "constant", "duplicate", "type"]
_FEWEST = 100


class Suggestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """A change of a schema that the statistics speak for.

    Parameters
    ----------
    feature
        The column.
    kind
        ``unique``: every value occurs once. ``categorical``: the numbers look like names of categories. ``constant``
        and ``duplicate``: the column says nothing, or nothing new. ``type``: texts that are all numbers.
    message
        Why, for people.
    suggested
        The feature as it would be; None where the schema has no change for it, as for a column of another type.
    """

    feature: str
    kind: SuggestionKind
    message: str
    suggested: Feature | None = None

    def __str__(self) -> str:
        return f"{self.feature}: {self.message}"

    def accept(self, schema: Schema) -> Schema:
        """Return the schema with the change; the same schema where there is none."""
        return schema if self.suggested is None else schema.with_feature(self.suggested)


def suggest_schema(schema: Schema, statistics: Statistics) -> tuple[Suggestion, ...]:
    """Return what could be added to a schema, in the order of its columns.

    Parameters
    ----------
    schema
        The schema.
    statistics
        Of one data set, or several; only what holds in all of them is suggested.
    """
    seen = {node.name: node for node in nodes_of(statistics)}
    return tuple(
        suggestion
        for feature in schema.features
        if feature.is_validated and feature.name in seen
        for suggestion in _of(feature, seen[feature.name])
    )


def _of(feature: Feature, node: Node) -> Iterator[Suggestion]:
    name = feature.name
    if feature.type in ("INT", "STRING") and not feature.unique and all(map(_once, node.columns)) and node.columns:
        change = msgspec.structs.replace(feature, unique=True, unique_constraints=None)
        yield Suggestion(name, "unique", "every value occurs once; is it a key?", change)
    kinds = [{guess.kind: guess for guess in column.semantics} for column in node.telling]
    common = set(kinds[0]).intersection(*kinds) if kinds else set()
    if "categorical_integer" in common and feature.type == "INT" and not feature.is_categorical:
        fits = feature.time_domain is None
        changed = msgspec.structs.replace(feature, is_categorical=True) if fits else None
        yield Suggestion(name, "categorical", "the numbers look like names of categories", changed)
    if "constant" in common:
        yield Suggestion(name, "constant", "there is one value in all rows")
    if "duplicate" in common:
        yield Suggestion(name, "duplicate", f"it is the same as {kinds[0]['duplicate'].of}")
    for kind, wanted in (("integer_text", "INT"), ("number_text", "FLOAT")):
        if kind in common and feature.type == "STRING" and all(guesses[kind].fraction == 1.0 for guesses in kinds):
            yield Suggestion(name, "type", f"all texts are numbers; read it as {wanted} with types= of the source")
            break


def _once(column: FeatureStatistics) -> bool:
    """Whether there are many values, and each is known to occur once."""
    stats = column.num_stats or column.string_stats
    return (
        stats is not None
        and stats.unique_exact
        and stats.unique == column.common_stats.num_values
        and stats.unique >= _FEWEST
    )
