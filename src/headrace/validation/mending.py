"""Mends batches by a plan: what a row becomes depends on the row and the plan alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.data.cleaning import WHITESPACE
from headrace.schema.arrow import ARROW_TYPES
from headrace.validation.column import domain_of
from headrace.validation.kinds import INTEGER_TEXT, NUMBER_TEXT, fits_type
from headrace.validation.located import is_list, kind_of
from headrace.validation.row_checks import RowChecks
from headrace.validation.row_findings import ROW
from headrace.validation.value_rules import bool_values_of
from headrace.validation.wording import plain_spelling

if TYPE_CHECKING:
    from headrace.schema import Feature, Schema
    from headrace.schema import Rule as SqlRule
    from headrace.validation.repair_policy import FeaturePolicy, RepairPolicy
    from headrace.validation.row_checks import Hit, Key

__all__ = ["Mended", "Plan", "action_for", "mended_schema"]

_TRUTHS = {"true": True, "false": False, "1": True, "0": False}
_OF_VALUES = ("domain_values", "bool_values", "semantic_domain", "time_format", "location", "image_kind", "image_size")
_OF_PRESENCE = ("missing_values", "group_missing")


@dataclass
class Mended:
    """A mended batch and the account of it.

    Parameters
    ----------
    batch
        The rows that stay, with their numbers in ``headrace_row``.
    changes
        Feature, action, rows of the batch that was given, and the values there before and after; of rows that stay.
    aside
        The reasons of the rows that are set aside, by their place in the batch that was given.
    """

    batch: pa.RecordBatch
    changes: list[tuple[str, str, np.ndarray, pa.Array, pa.Array]] = field(default_factory=list)
    aside: dict[int, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """All that decides what becomes of a row; small and picklable.

    Parameters
    ----------
    schema, policy, environment, rules
        What was asked for.
    columns
        The columns of the data.
    actions
        For each rule that is broken beyond what it tolerates, what becomes of the rows that break it.
    repeats
        Numbers of the rows that repeat an earlier one, by reason, ascending.
    """

    schema: Schema
    policy: RepairPolicy
    environment: str | None
    rules: tuple[SqlRule, ...]
    columns: pa.Schema
    actions: dict[Key, str] = field(default_factory=dict)
    repeats: dict[str, np.ndarray] = field(default_factory=dict)

    def checks(self) -> RowChecks:
        """Return the rules that mended rows are checked by."""
        return RowChecks(self.schema, self.environment, self.rules)

    def apply(self, batch: pa.RecordBatch, checks: RowChecks) -> Mended:
        """Mend a batch that has the numbers of its rows in ``headrace_row``."""
        result = Mended(batch)
        schema = mended_schema(self)
        columns: dict[str, pa.Array] = {}
        for column in schema:
            feature = self.schema.get(column.name)
            at = batch.schema.get_field_index(column.name)
            given = pa.nulls(batch.num_rows, column.type) if at < 0 else batch.column(at)
            columns[column.name] = (
                given if feature is None or is_nested(given.type) else self._column(feature, given, column.type, result)
            )
        numbered = pa.field(ROW, pa.int64())
        columns[ROW] = batch.column(batch.schema.get_field_index(ROW))
        whole = schema.append(numbered)
        mended = pa.RecordBatch.from_arrays(list(columns.values()), schema=whole)
        if self.actions or self._fills:
            mended = self._by_rules(mended, checks, result)
        for reason, repeated in self.repeats.items():
            for row in np.flatnonzero(np.isin(columns[ROW].to_numpy(), repeated)).tolist():
                result.aside.setdefault(row, []).append(reason)
        if result.aside:
            stays = np.ones(batch.num_rows, bool)
            stays[list(result.aside)] = False
            mended = mended.filter(pa.array(stays))
            result.changes = [
                (name, action, rows[kept], before.filter(pa.array(kept)), after.filter(pa.array(kept)))
                for name, action, rows, before, after in result.changes
                if (kept := stays[rows]).any()
            ]
        result.batch = mended
        return result

    @property
    def _fills(self) -> bool:
        return any(self.policy.of(feature.name).fill is not None for feature in self.schema.features)

    def _column(self, feature: Feature, values: pa.Array, kind: pa.DataType, result: Mended) -> pa.Array:
        policy = self.policy.of(feature.name)
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if kind_of(values.type) == "STRING":
            values = values.cast(pa.string())
            if policy.trim:
                trimmed = pc.utf8_trim(values, characters=WHITESPACE)
                values = _changed(feature.name, "trim", values, trimmed, result)
            if feature.null_values:
                known = pc.is_in(values, value_set=pa.array(feature.null_values, pa.string()))
                values = _changed(feature.name, "null_value", values, pc.if_else(known, None, values), result)
        if policy.cast and not fits_type(kind_of(values.type) or "", feature.type):
            values = self._cast(feature, policy, values, kind, result)
        if feature.type == "STRING" and pa.types.is_string(values.type):
            values = self._spelled(feature, policy, values, result)
        if feature.type in ("INT", "FLOAT") and kind_of(values.type) in ("INT", "FLOAT"):
            values = self._bounded(feature, policy, values, result)
        return values

    def _cast(
        self, feature: Feature, policy: FeaturePolicy, values: pa.Array, kind: pa.DataType, result: Mended
    ) -> pa.Array:
        cast = _cast(values, feature.type, kind)
        failed = pc.and_(cast.is_null(), values.is_valid())
        if policy.wrong_type == "set_aside":
            for row in np.flatnonzero(failed.to_numpy(zero_copy_only=False)).tolist():
                result.aside.setdefault(row, []).append(f"{feature.name}:type")
        elif failed.true_count:
            _account(feature.name, "null:type", failed, values, cast, result)
        _account(feature.name, "cast", cast.is_valid(), values, cast, result)
        return cast

    def _spelled(self, feature: Feature, policy: FeaturePolicy, values: pa.Array, result: Mended) -> pa.Array:
        if policy.mapping:
            values = _changed(feature.name, "mapping", values, _mapped(values, policy.mapping), result)
        domain = domain_of(feature, self.schema) or bool_values_of(feature)
        if not domain:
            return values
        if policy.spelling:
            known = _spellings(domain)
            strangers = pc.invert(pc.is_in(values, value_set=pa.array(domain, pa.string())))
            found = {
                text: known[plain_spelling(text)]
                for text in pc.unique(values.filter(pc.and_(strangers, values.is_valid()))).to_pylist()
                if plain_spelling(text) in known
            }
            if found:
                values = _changed(feature.name, "spelling", values, _mapped(values, found), result)
        if policy.other is not None:
            strangers = pc.and_(values.is_valid(), pc.invert(pc.is_in(values, value_set=pa.array(domain, pa.string()))))
            values = _changed(feature.name, "other", values, pc.if_else(strangers, policy.other, values), result)
        return values

    def _bounded(self, feature: Feature, policy: FeaturePolicy, values: pa.Array, result: Mended) -> pa.Array:
        if policy.out_of_range != "clip" or (feature.min is None and feature.max is None):
            return values
        clipped = values
        whole = pa.types.is_integer(values.type)
        for bound, beyond in ((feature.min, pc.less), (feature.max, pc.greater)):
            if bound is not None:
                # A bound of integers that is none itself is taken to the nearest integer inside.
                inside: float = int(np.ceil(bound) if beyond is pc.less else np.floor(bound)) if whole else float(bound)
                clipped = pc.if_else(beyond(clipped, pa.scalar(bound)), pa.scalar(inside, values.type), clipped)
        return _changed(feature.name, "clip", values, clipped, result)

    def _by_rules(self, batch: pa.RecordBatch, checks: RowChecks, result: Mended) -> pa.RecordBatch:
        nulls: dict[str, list[tuple[str, Any]]] = {}
        first = [key for key in self.actions if key[1] not in _OF_PRESENCE]
        if first:
            for hit in checks.look(batch).hits:
                action = self.actions.get(hit.key)
                if action is None or hit.rule in _OF_PRESENCE:
                    continue
                if action == "null":
                    nulls.setdefault(hit.path[0], []).append((hit.rule, hit.rows))
                else:
                    self._aside(hit, result)
        for name, parts in nulls.items():
            for rule, rows in parts:
                batch = _nulled(batch, name, rule, rows, result)
        for feature in self.schema.features:
            fill, at = self.policy.of(feature.name).fill, batch.schema.get_field_index(feature.name)
            if fill is not None and at >= 0 and batch.column(at).null_count and not is_nested(batch.column(at).type):
                filled = batch.column(at).fill_null(pa.scalar(fill, batch.column(at).type))
                _changed(feature.name, "fill", batch.column(at), filled, result)
                batch = batch.set_column(at, batch.schema.field(at), filled)
        if any(key[1] in _OF_PRESENCE for key in self.actions):
            for hit in checks.look(batch).hits:
                if hit.rule in _OF_PRESENCE and self.actions.get(hit.key) == "set_aside":
                    self._aside(hit, result)
        return batch

    def _aside(self, hit: Hit, result: Mended) -> None:
        from headrace.validation.examples import reason_of

        cast = f"{'.'.join(hit.path)}:type"
        for row in hit.rows.tolist():
            # What could not be cast is missing for that reason alone.
            if hit.rule not in _OF_PRESENCE or cast not in result.aside.get(row, ()):
                result.aside.setdefault(row, []).append(reason_of(hit))


def mended_schema(plan: Plan) -> pa.Schema:
    """Return the columns of the mended data, without ``headrace_row``."""
    fields = []
    for column in plan.columns:
        feature = plan.schema.get(column.name)
        if feature is None:
            if plan.policy.new_columns == "keep":
                fields.append(column)
            continue
        kind = kind_of(column.type)
        cast = plan.policy.of(feature.name).cast and feature.type in ARROW_TYPES and not is_nested(column.type)
        if cast and not fits_type(kind or "", feature.type):
            column = column.with_type(ARROW_TYPES[feature.type])  # noqa: PLW2901 - the field as it becomes
        elif kind == "STRING" and not is_nested(column.type):
            column = column.with_type(pa.string())  # noqa: PLW2901
        fields.append(column)
    fields += [
        pa.field(feature.name, ARROW_TYPES[feature.type])
        for feature in plan.schema.features
        if feature.name not in plan.columns.names
        and plan.policy.of(feature.name).fill is not None
        and feature.type in ARROW_TYPES
    ]
    return pa.schema(fields)


def action_for(rule: str, name: str, plan: Plan, *, nested: bool = False) -> str:
    """Return what the policy says of a rule: keep, null or set_aside.

    Parameters
    ----------
    name
        The column; empty for rules over rows.
    nested
        Whether the values stand in lists or structs, which are not clipped.
    """
    if rule == "custom":
        return plan.policy.rows
    policy = plan.policy.of(name)
    if rule in _OF_VALUES:
        return policy.out_of_domain
    if rule == "range":
        return ("set_aside" if nested else "keep") if policy.out_of_range == "clip" else policy.out_of_range
    if rule in ("nan", "infinite"):
        return policy.not_finite
    if rule in _OF_PRESENCE:
        return "set_aside" if policy.missing == "set_aside" else "keep"
    if rule in ("type", "number_in_text"):
        return policy.wrong_type
    if rule in (
        *("few_values", "many_values", "shape", "embedding_dim", "nestedness", "unique"),
        *("sparse_length", "weighted_length"),
    ):
        return policy.otherwise
    return "keep"


def is_nested(kind: pa.DataType) -> bool:
    """Return whether values are lists or structs, which are not mended value by value."""
    return is_list(kind) or bool(pa.types.is_struct(kind))


def _changed(name: str, action: str, before: pa.Array, after: pa.Array, result: Mended) -> pa.Array:
    """Account for a change, and return the array after it."""
    same = pc.fill_null(pc.equal(before, after), fill_value=False)
    both_null = pc.and_(before.is_null(), after.is_null())
    different = pc.invert(pc.or_(same, both_null))
    if pa.types.is_floating(before.type):
        # NaN is not equal to itself, and stays what it is.
        both_nan = pc.and_(pc.is_nan(before), pc.is_nan(after))
        different = pc.and_(different, pc.invert(pc.fill_null(both_nan, fill_value=False)))
    _account(name, action, different, before, after, result)
    return after


def _account(name: str, action: str, mask: pa.Array, before: pa.Array, after: pa.Array, result: Mended) -> None:
    if mask.true_count:
        rows = np.flatnonzero(mask.to_numpy(zero_copy_only=False))
        result.changes.append((name, action, rows, before.filter(mask), after.filter(mask)))


def _nulled(batch: pa.RecordBatch, name: str, rule: str, rows: np.ndarray, result: Mended) -> pa.RecordBatch:
    at = batch.schema.get_field_index(name)
    values = batch.column(at)
    mask = np.zeros(batch.num_rows, bool)
    mask[rows] = True
    # A value that breaks two rules is nulled once.
    mask &= values.is_valid().to_numpy(zero_copy_only=False)
    chosen = pa.array(mask)
    cleared = pc.if_else(chosen, pa.scalar(None, values.type), values)
    _account(name, f"null:{rule}", chosen, values, cleared, result)
    return batch.set_column(at, batch.schema.field(at), cleared)


def _mapped(values: pa.Array, mapping: dict[str, str]) -> pa.Array:
    keys, targets = pa.array(mapping.keys(), pa.string()), pa.array(mapping.values(), pa.string())
    return pc.coalesce(targets.take(pc.index_in(values, value_set=keys)), values)


def _spellings(domain: tuple[str, ...]) -> dict[str, str]:
    """Return the values of a domain by their plain spelling, where that tells one from all others."""
    found: dict[str, list[str]] = {}
    for value in domain:
        found.setdefault(plain_spelling(value), []).append(value)
    return {plain: values[0] for plain, values in found.items() if len(values) == 1}


def _cast(values: pa.Array, feature: str, kind: pa.DataType) -> pa.Array:
    """Return values as another type; null where that cannot be."""
    given = kind_of(values.type)
    if given == "STRING" and feature in ("INT", "FLOAT"):
        texts = pc.utf8_trim(values, characters=WHITESPACE)
        pattern = INTEGER_TEXT if feature == "INT" else NUMBER_TEXT
        # Longer integers than these may not fit 64 bits.
        fits = pc.match_substring_regex(texts, rf"^(?:{pattern})$")
        if feature == "INT":
            fits = pc.and_(fits, pc.less(pc.utf8_length(texts), 19))
        texts = pc.replace_substring_regex(texts, r"^\+", "")
        return pc.if_else(fits, texts, pa.scalar(None, pa.string())).cast(kind)
    if given == "STRING" and feature == "BOOL":
        return _each(values, kind, lambda text: _TRUTHS.get(text.strip().lower()))
    if given == "STRING" and feature == "TIMESTAMP":
        return _each(values, kind, _moment)
    if given == "FLOAT" and feature == "INT":
        # Beyond 2**53 neighbouring integers are one float.
        fits = pc.and_(pc.equal(values, pc.trunc(values)), pc.less_equal(pc.abs(values), pa.scalar(2.0**53)))
        return pc.if_else(fits, values, pa.scalar(None, values.type)).cast(kind)
    if given in ("INT", "FLOAT", "BOOL") and feature == "STRING":
        return values.cast(pa.string())
    if given == "INT" and feature == "BOOL":
        fits = pc.is_in(values, value_set=pa.array([0, 1], values.type))
        return pc.if_else(fits, values, pa.scalar(None, values.type)).cast(kind)
    if given == "BOOL" and feature in ("INT", "FLOAT"):
        return values.cast(pa.int64()).cast(kind)
    return pa.nulls(len(values), kind)


def _each(values: pa.Array, kind: pa.DataType, turn: Any) -> pa.Array:
    encoded = values.dictionary_encode()
    turned = pa.array([turn(text) for text in encoded.dictionary.to_pylist()], kind)
    return turned.take(encoded.indices)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment.replace(tzinfo=None) if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
