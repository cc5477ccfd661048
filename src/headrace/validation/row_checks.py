"""Which rows of a batch break which rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.validation.kinds import INTEGER_TEXT, NUMBER_TEXT, fits_type
from headrace.validation.language import counts_words
from headrace.validation.located import Located, flattened, is_list, kind_of, located
from headrace.validation.sql_rules import RowRule
from headrace.validation.value_rules import ValueRule, value_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace.schema import Feature, Schema
    from headrace.schema import Rule as SqlRule
    from headrace.validation.anomalies import Rule
    from headrace.validation.located import Rows

    Key: TypeAlias = tuple[tuple[str, ...], Rule, str]

__all__ = ["Hit", "RowChecks", "Seen", "text_of"]

_TEXT = 200


@dataclass(frozen=True)
class Hit:
    """One rule that some rows of a batch break.

    Parameters
    ----------
    path
        The feature; empty for a rule over rows.
    rule, name
        The rule, and the user's name of it.
    rows
        Which rows of the batch, ascending, each once.
    values
        The values that break it; empty where the rule is not about values.
    level
        The level of nesting, where the rule is about one.
    """

    path: tuple[str, ...]
    rule: Rule
    rows: Rows
    values: pa.Array
    name: str = ""
    level: int = 0

    @property
    def key(self) -> Key:
        """What tells this rule from others."""
        return self.path, self.rule, self.name


@dataclass
class Seen:
    """What was looked at in a batch.

    Parameters
    ----------
    hits
        The rules that are broken.
    totals
        For each feature the rows, or structs, that may have it, those that do, and its values.
    texts
        Values of the features whose words are counted.
    keys
        Hashes of the values of the features whose values are unique, and their rows.
    """

    hits: list[Hit] = field(default_factory=list)
    totals: dict[tuple[str, ...], tuple[int, int, int]] = field(default_factory=dict)
    texts: dict[tuple[str, ...], pa.Array] = field(default_factory=dict)
    keys: dict[tuple[str, ...], tuple[np.ndarray, Rows]] = field(default_factory=dict)


class RowChecks:
    """The rules of a schema over rows.

    Parameters
    ----------
    schema
        What rows should look like.
    environment
        Features that are not in it need not be there.
    rules
        Rules in SQL over rows.

    Raises
    ------
    SchemaError
        If a rule cannot be understood.
    """

    def __init__(self, schema: Schema, environment: str | None = None, rules: Sequence[SqlRule] = ()) -> None:
        self.schema = schema
        self.environment = environment
        self.rules = tuple(rules)
        self.features = dict(self._walk(schema.features, ()))
        self._values: dict[tuple[str, ...], list[ValueRule]] = {
            path: value_rules(feature, schema) for path, feature in self.features.items()
        }
        self._sql: list[RowRule] | None = None

    def __getstate__(self) -> dict[str, object]:
        # Connections and predicates stay where they are; the rest makes them anew.
        return {"schema": self.schema, "environment": self.environment, "rules": self.rules}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def value_rule(self, path: tuple[str, ...], code: str) -> ValueRule | None:
        """Return the rule about single values of a feature; None where it is of another kind."""
        return next((rule for rule in self._values.get(path, ()) if rule.code == code), None)

    def look(self, batch: pa.RecordBatch) -> Seen:
        """Return which rows break which rules."""
        seen = Seen()
        for path, feature in self.features.items():
            column = located(batch, path)
            if column is not None:
                self._feature(path, feature, column, seen)
        seen.hits += self._composed(batch)
        if self._sql is None:
            self._sql = [RowRule(rule) for rule in self.rules]
        for rule in self._sql:
            rows = rule.breaking(batch)
            if rows.size:
                seen.hits.append(Hit((), "custom", rows, pa.array([], pa.string()), rule.rule.name))
        return seen

    def _walk(self, features: Sequence[Feature], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Feature]]:
        for feature in features:
            if feature.is_validated:
                yield (*path, feature.name), feature
                yield from self._walk(feature.features, (*path, feature.name))

    def _feature(self, path: tuple[str, ...], feature: Feature, column: Located, seen: Seen) -> None:
        total = len(column.values)
        missing = column.where(column.values.is_null())
        present = column.present
        if missing.rows.size and (feature.min_fraction > 0.0 or feature.min_count):
            seen.hits.append(_hit(path, "missing_values", missing.rows))
        if missing.rows.size and feature.group_required and len(path) > 1:
            seen.hits.append(_hit(path, "group_missing", missing.rows))
        kind = kind_of(column.values.type)
        if kind is None or not fits_type(kind, feature.type):
            seen.totals[path] = total, len(present.values), len(present.values)
            if len(present.values):
                seen.hits += _mistyped(path, feature, present)
            return
        values = self._unnested(path, feature, present, seen)
        seen.totals[path] = total, len(present.values), len(values.values)
        if not len(values.values) or kind == "STRUCT":
            return
        for rule in self._values[path]:
            breaking = rule.breaks(values.values)
            if breaking.true_count:
                bad = values.where(breaking)
                seen.hits.append(Hit(path, rule.code, np.unique(bad.rows), bad.values))
        if counts_words(feature):
            seen.texts[path] = values.values
        if feature.unique:
            seen.keys[path] = _hashes(values.values), values.rows

    def _unnested(self, path: tuple[str, ...], feature: Feature, present: Located, seen: Seen) -> Located:
        """Return the values in all lists, after the rules about the lists."""
        depth, level, found = 0, present.values.type, present
        while is_list(level):
            level = level.value_type
            depth += 1
        wanted = feature.value_counts
        fixed = feature.shape is not None or feature.embedding_dim is not None
        bad_depth = not fixed and len(wanted) != depth and not (len(wanted) == 1 and depth == 0)
        if bad_depth and len(present.rows):
            seen.hits.append(_hit(path, "nestedness", present.rows))
        if len(wanted) == 1 and depth == 0 and not fixed:
            ones = np.ones(len(found.rows), np.int64)
            seen.hits += self._bounded(path, feature, 0, ones, found.rows)
        for index in range(depth):
            lists = found.present
            lengths = pc.list_value_length(lists.values).to_numpy(zero_copy_only=False).astype(np.int64)
            if not bad_depth and not fixed:
                seen.hits += self._bounded(path, feature, index, lengths, lists.rows)
            if feature.embedding_dim is not None and index == depth - 1:
                wrong = lists.rows[lengths != feature.embedding_dim]
                if wrong.size:
                    seen.hits.append(_hit(path, "embedding_dim", wrong))
            found = flattened(lists)
        if feature.shape is not None:
            counts = np.bincount(np.searchsorted(present.rows, found.rows), minlength=len(present.rows))
            wrong = present.rows[counts != int(np.prod(feature.shape, dtype=np.int64))]
            if wrong.size:
                seen.hits.append(_hit(path, "shape", wrong))
        return found.present

    def _bounded(
        self, path: tuple[str, ...], feature: Feature, level: int, lengths: np.ndarray, rows: Rows
    ) -> Iterator[Hit]:
        bounds = feature.value_counts[level]
        name = f"level {level}" if level else ""
        if bounds.min is not None and (lengths < bounds.min).any():
            yield Hit(path, "few_values", np.unique(rows[lengths < bounds.min]), _no_values(), name, level)
        if bounds.max is not None and (lengths > bounds.max).any():
            yield Hit(path, "many_values", np.unique(rows[lengths > bounds.max]), _no_values(), name, level)

    def _composed(self, batch: pa.RecordBatch) -> Iterator[Hit]:
        pairs: list[tuple[Rule, str, str, str]] = []
        for sparse in self.schema.sparse_features:
            if sparse.is_validated:
                pairs += [("sparse_length", sparse.name, sparse.value_feature, i) for i in sparse.index_features]
        pairs += [
            ("weighted_length", weighted.name, weighted.feature, weighted.weight_feature)
            for weighted in self.schema.weighted_features
            if weighted.is_validated
        ]
        for rule, name, first, second in pairs:
            sides = located(batch, (first,)), located(batch, (second,))
            if sides[0] is None or sides[1] is None:
                continue
            rows = np.flatnonzero(_lengths(sides[0].values) != _lengths(sides[1].values))
            if rows.size:
                yield Hit((second,), rule, rows, _no_values(), name)


def text_of(value: object) -> str:
    """Return a value as people read it, cut after 200 characters."""
    text = value if isinstance(value, str) else repr(value) if isinstance(value, (bytes, float)) else str(value)
    return text if len(text) <= _TEXT else text[:_TEXT] + "…"


def _hit(path: tuple[str, ...], rule: Rule, rows: Rows) -> Hit:
    return Hit(path, rule, np.unique(rows), _no_values())


def _no_values() -> pa.Array:
    return pa.array([], pa.string())


def _mistyped(path: tuple[str, ...], feature: Feature, present: Located) -> Iterator[Hit]:
    values = present.values
    if not pa.types.is_string(values.type) or feature.type not in ("INT", "FLOAT"):
        yield Hit(path, "type", np.unique(present.rows), values)
        return
    pattern = INTEGER_TEXT if feature.type == "INT" else NUMBER_TEXT
    numbers = pc.match_substring_regex(values, rf"^\s*(?:{pattern})\s*$")
    for rule, mask in (("type", pc.invert(numbers)), ("number_in_text", numbers)):
        if mask.true_count:
            found = present.where(mask)
            yield Hit(path, rule, np.unique(found.rows), found.values)  # type: ignore[arg-type]


def _hashes(values: pa.Array) -> np.ndarray:
    """Return 64 bits a value: integers themselves, hashes of everything else."""
    from headrace.engines.distinct import hash_strings

    if pa.types.is_integer(values.type):
        return np.asarray(values.cast(pa.int64(), safe=False).to_numpy(zero_copy_only=False)).view(np.uint64)
    return hash_strings(values.cast(pa.string()))


def _lengths(values: pa.Array) -> np.ndarray:
    if is_list(values.type):
        return np.asarray(pc.list_value_length(values).fill_null(0).to_numpy(zero_copy_only=False), np.int64)
    return np.asarray(values.is_valid().to_numpy(zero_copy_only=False), np.int64)
