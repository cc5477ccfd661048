"""What is found in rows: how many break a rule, which, and with what values; a monoid over batches."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.schema import Feature, ValueCountRange
from headrace.statistics import CommonStatistics, DatasetStatistics, FeatureStatistics, StructStatistics
from headrace.validation.anomalies import Anomaly
from headrace.validation.column import Column, additions, is_expected
from headrace.validation.dataset_rules import check_derived, check_sizes, column_missing
from headrace.validation.language import Words, counts_words
from headrace.validation.located import kind_of
from headrace.validation.presence import check_presence
from headrace.validation.row_checks import text_of
from headrace.validation.wording import listed, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.validation.anomalies import Rule
    from headrace.validation.row_checks import Hit, Key, RowChecks

__all__ = ["REASONS", "ROW", "RowFindings"]

ROW, REASONS = "headrace_row", "headrace_reasons"

_DISTINCT = 1_000


@dataclass
class _Broken:
    """How often one rule was broken, and where first."""

    level: int = 0
    rows: int = 0
    values: int = 0
    first: list[int] = field(default_factory=list)
    examples: Counter[str] = field(default_factory=Counter)
    extremes: tuple[float, float] | None = None

    def add(self, hit: Hit, numbers: np.ndarray, limit: int) -> None:
        self.level = hit.level
        self.rows += len(hit.rows)
        self.values += len(hit.values)
        if len(self.first) < limit:
            self.first += numbers[hit.rows[: limit - len(self.first)]].tolist()
        if len(hit.values):
            self._count(hit.values)
        if hit.rule == "range":
            found = pc.min_max(hit.values).as_py()
            self._widen((found["min"], found["max"]))

    def merge(self, other: Self, offset: int, limit: int) -> None:
        self.rows += other.rows
        self.values += other.values
        self.first = (self.first + [row + offset for row in other.first])[:limit]
        self.examples.update(other.examples)
        self._bound()
        if other.extremes is not None:
            self._widen(other.extremes)

    def _widen(self, extremes: tuple[float, float]) -> None:
        low, high = self.extremes or extremes
        self.extremes = min(low, extremes[0]), max(high, extremes[1])

    def _count(self, values: pa.Array) -> None:
        if pa.types.is_nested(values.type):
            self.examples.update(text_of(value) for value in values.slice(0, 100).to_pylist())
        else:
            counts = pc.value_counts(values)
            for entry in counts.to_pylist():
                self.examples[text_of(entry["values"])] += entry["counts"]
        self._bound()

    def _bound(self) -> None:
        if len(self.examples) > _DISTINCT:
            self.examples = Counter(dict(self.examples.most_common(_DISTINCT // 2)))


class RowFindings:
    """What was found in the rows of a data set; a monoid."""

    def __init__(self, checks: RowChecks, limit: int) -> None:
        self._checks = checks
        self._limit = limit
        self.rows = 0
        self._numbered = False
        self._broken: dict[Key, _Broken] = {}
        self._totals: dict[tuple[str, ...], tuple[int, int, int]] = {}
        self._words = {
            path: Words(feature, checks.schema) for path, feature in checks.features.items() if counts_words(feature)
        }
        self._keys: dict[tuple[str, ...], list[tuple[np.ndarray, np.ndarray]]] = {}

    def update(self, batch: pa.RecordBatch) -> None:
        """Take in the rows of one batch, which may say the numbers of its rows in a column ``headrace_row``."""
        seen = self._checks.look(batch)
        at = batch.schema.get_field_index(ROW)
        self._numbered = at >= 0
        numbers = batch.column(at).to_numpy() if at >= 0 else np.arange(self.rows, self.rows + batch.num_rows)
        for hit in seen.hits:
            self._broken.setdefault(hit.key, _Broken()).add(hit, numbers, self._limit)
        self._add_totals(seen.totals)
        for path, values in seen.texts.items():
            for text in values.to_pylist():
                self._words[path].add(text)
        for path, (hashes, rows) in seen.keys.items():
            self._keys.setdefault(path, []).append((hashes, numbers[rows]))
        self.rows += batch.num_rows

    def merge(self, other: Self) -> None:
        """Take in what another has seen, whose rows come after these."""
        self._numbered |= other._numbered
        offset = 0 if self._numbered else self.rows
        for key, broken in other._broken.items():
            mine = self._broken.setdefault(key, _Broken(broken.level))
            mine.merge(broken, offset, self._limit)
        self._add_totals(other._totals)
        for path, words in other._words.items():
            self._words[path].merge(words)
        for path, parts in other._keys.items():
            self._keys.setdefault(path, []).extend((hashes, rows + offset) for hashes, rows in parts)
        self.rows += other.rows

    def result(self) -> RowFindings:
        """Return the findings over all that was seen."""
        return self

    def repeats(self, path: tuple[str, ...]) -> np.ndarray:
        """Return the rows whose value stands in an earlier row too, ascending, int64."""
        parts = self._keys.get(path, [])
        if not parts:
            return np.empty(0, np.int64)
        hashes = np.concatenate([hashes for hashes, _ in parts])
        rows = np.concatenate([rows for _, rows in parts])
        order = np.lexsort((rows, hashes))
        again = np.flatnonzero(hashes[order][1:] == hashes[order][:-1]) + 1
        return np.unique(rows[order][again])

    def anomalies(self, columns: pa.Schema, name: str) -> Iterator[Anomaly]:
        """Yield what breaks the schema's rules, beyond what they tolerate.

        Parameters
        ----------
        columns
            The columns of the data.
        name
            Of the data set.
        """
        checks, stub = self._checks, DatasetStatistics(name, self.rows, ())
        yield from check_sizes(stub, checks.schema, None, None)
        for path, feature in checks.features.items():
            if path not in self._totals:
                if self._is_missing(path, feature, columns):
                    yield column_missing(stub, feature, path, self.rows, checks.environment)
                continue
            total, present, values = self._totals[path]
            common = CommonStatistics(present, total - present, tot_num_values=values)
            stats = FeatureStatistics(".".join(path), "STRUCT", struct_stats=StructStatistics(common))
            column = Column(checks.schema, feature, stats, name, total, path)
            if total:
                yield from self._of_feature(column, values)
        for field_ in columns:
            if field_.name != ROW and field_.name not in checks.schema and not self._is_part(field_.name):
                yield self._new(field_, name)
        yield from self._of_rows(name)
        yield from check_derived(stub, checks.schema)

    def _of_feature(self, column: Column, values: int) -> Iterator[Anomaly]:
        path = column.path
        for anomaly in check_presence(column):
            broken = self._broken.get(
                (path, "group_missing" if anomaly.rule == "group_missing" else "missing_values", "")
            )
            yield anomaly if broken is None else msgspec.structs.replace(anomaly, row_numbers=tuple(broken.first))
        for (where, code, title), broken in self._broken.items():
            if where != path or code in ("missing_values", "group_missing", "sparse_length", "weighted_length"):
                continue
            rule = self._checks.value_rule(path, code)
            if rule is not None and 1.0 - broken.values / values >= rule.mass:
                continue
            says, others = _says(column, code, broken) if rule is None else (rule.says, rule.others)
            strangers = broken.examples.most_common()
            shown = f": {listed(strangers[: self._limit])}" if strangers and self._limit else ""
            suggestion, suggested, added = _change(column, code, broken)
            if rule is not None:
                suggestion = rule.advice(strangers[0][0], column.feature, column.schema)
                if code == "domain_values" and (added or suggested is not None):
                    suggestion = suggestion.replace("drop the domain or lower min_domain_mass", "add them to values")
                suggested = column.altered(**rule.changes) if suggested is None and not added else suggested
            yield column.anomaly(
                code,
                f"{says}; {rows_of(broken.rows, self.rows)} {others}{shown}.",
                rows=broken.rows,
                fraction=broken.rows / self.rows,
                examples=tuple(text for text, _ in strangers[: self._limit]),
                row_numbers=tuple(broken.first),
                suggestion=suggestion,
                suggested=suggested,
                suggested_values=added,
                name=title,
            )
        repeats = self.repeats(path)
        if repeats.size:
            yield column.anomaly(
                "unique",
                f"has each value once; {rows_of(repeats.size, self.rows)} repeat an earlier one.",
                rows=int(repeats.size),
                fraction=repeats.size / self.rows,
                row_numbers=tuple(int(row) for row in repeats[: self._limit]),
                suggestion="Look for rows that were read twice, or take unique out of the schema",
                suggested=column.altered(unique=False),
            )
        if path in self._words:
            yield from self._words[path].anomalies(column)

    def _of_rows(self, name: str) -> Iterator[Anomaly]:
        rules = {rule.name: rule for rule in self._checks.rules}
        for (path, code, title), broken in self._broken.items():
            share = broken.rows / self.rows
            if code == "custom" and share > rules[title].max_fraction:
                rule = rules[title]
                what = f": {rule.description}" if rule.description else ""
                yield Anomaly(
                    rule.features[0] if len(rule.features) == 1 else None,
                    "custom",
                    rule.severity,
                    name,
                    f"{title} holds for every row{what} ({rule.sql}); {rows_of(broken.rows, self.rows)} break it.",
                    rows=broken.rows,
                    fraction=share,
                    suggestion="Mend the rows, or change the rule",
                    name=title,
                    row_numbers=tuple(broken.first),
                )
            elif code in ("sparse_length", "weighted_length"):
                yield Anomaly(
                    path[0],
                    code,
                    "error",
                    name,
                    f"{title} has as many values in all its parts; {rows_of(broken.rows, self.rows)} have others "
                    f"in {path[0]}.",
                    rows=broken.rows,
                    fraction=share,
                    suggestion="Mend the rows where they are written",
                    name=title,
                    row_numbers=tuple(broken.first),
                )

    def _add_totals(self, totals: dict[tuple[str, ...], tuple[int, int, int]]) -> None:
        for path, counts in totals.items():
            mine = self._totals.get(path, (0, 0, 0))
            self._totals[path] = mine[0] + counts[0], mine[1] + counts[1], mine[2] + counts[2]

    def _is_missing(self, path: tuple[str, ...], feature: Feature, columns: pa.Schema) -> bool:
        if not is_expected(feature, path, self._checks.schema, self._checks.environment):
            return False
        # A field is missing only where its struct is not.
        return path[0] not in columns.names if len(path) == 1 else path[:-1] in self._totals

    def _is_part(self, name: str) -> bool:
        schema = self._checks.schema
        parts = {part for one in schema.sparse_features for part in (one.value_feature, *one.index_features)}
        return name in parts | {part for one in schema.weighted_features for part in (one.feature, one.weight_feature)}

    def _new(self, column: pa.Field, name: str) -> Anomaly:
        kind = kind_of(column.type)
        return Anomaly(
            column.name,
            "column_new",
            "warning",
            name,
            f"{column.name} is in the data and not in the schema.",
            rows=self.rows,
            suggestion="Take it into the schema if it is meant to be there",
            suggested=None if kind is None else Feature(column.name, kind),  # type: ignore[arg-type]
        )


def _says(column: Column, code: str, broken: _Broken) -> tuple[str, str]:
    """Return what should hold, and what the rows that break it are or have."""
    feature = column.feature
    if code == "type":
        return f"is {feature.type} by the schema", "have values that are not"
    if code == "number_in_text":
        return f"is {feature.type} by the schema", "have numbers written as text"
    if code == "nestedness":
        return f"is nested {len(feature.value_counts)} deep by the schema", "are nested otherwise"
    if code == "shape":
        return f"has the shape {list(feature.shape or ())}", "have another number of values"
    if code == "embedding_dim":
        return f"has vectors of {feature.embedding_dim} numbers", "have others"
    bounds = feature.value_counts[broken.level] if feature.value_counts else ValueCountRange()
    where = "a row" if broken.level == 0 else f"a list of level {broken.level}"
    if code == "few_values":
        return f"has at least {bounds.min} values in {where}", "have fewer"
    return f"has at most {bounds.max} values in {where}", "have more"


def _change(column: Column, code: str, broken: _Broken) -> tuple[str, Feature | None, tuple[str, ...]]:
    """Return the suggestion, the feature that would allow the rows, and values to add to a shared domain."""
    feature = column.feature
    if code == "domain_values" and broken.values == sum(broken.examples.values()) and len(broken.examples) <= 100:
        new = additions(feature, (text for text, _ in broken.examples.most_common()))
        if feature.domain is not None:
            return "", None, new
        return "", column.altered(values=(*(feature.values or ()), *new)) if new else None, ()
    if code == "range" and broken.extremes is not None:
        low, high = broken.extremes
        bounds = {
            "min": None if feature.min is None else min(low, feature.min),
            "max": None if feature.max is None else max(high, feature.max),
        }
        return "", column.altered(**bounds), ()
    if code in ("few_values", "many_values"):
        old = feature.value_counts[broken.level]
        wider = ValueCountRange(None, old.max) if code == "few_values" else ValueCountRange(old.min, None)
        counts = (*feature.value_counts[: broken.level], wider, *feature.value_counts[broken.level + 1 :])
        return "Mend the rows, or widen value_counts", column.altered(value_counts=counts), ()
    if code == "shape":
        return "Mend the rows of another size, or take shape out of the schema", None, ()
    if code == "embedding_dim":
        free = column.altered(embedding_dim=None, value_counts=(ValueCountRange(),))
        return "Make all embeddings with one model, or change embedding_dim", free, ()
    if code == "number_in_text":
        return "Give the source the type with types=, or let repair cast it", None, ()
    if code == "type":
        return "Give the source the column's type with types=, or change the type in the schema", None, ()
    if code == "nestedness":
        return "Mend what writes the data, or change value_counts in the schema", None, ()
    return "", None, ()


def _counted(rule: Rule) -> Rule:
    """Return under which rule the rows of an anomaly of presence are counted."""
    return "group_missing" if rule == "group_missing" else "missing_values"
