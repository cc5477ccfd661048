"""Checks statistics against a schema."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.errors import UsageError, did_you_mean
from headrace.schema import Feature
from headrace.statistics import Statistics
from headrace.validation.anomalies import Anomalies, Anomaly
from headrace.validation.distance import jensen_shannon, linf
from headrace.validation.infer import infer_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.schema import Comparator, Schema
    from headrace.statistics import (
        DatasetStatistics,
        FeatureStatistics,
        NumericStatistics,
        StringStatistics,
        ValueCount,
    )

__all__ = ["validate_statistics"]

_EXAMPLES = 10
_SHOWN = 5


def validate_statistics(
    statistics: Statistics,
    schema: Schema,
    *,
    environment: str | None = None,
    previous: Statistics | None = None,
    serving: Statistics | None = None,
) -> Anomalies:
    """Compare statistics with a schema, and with earlier or serving data where the schema has thresholds for that.

    Parameters
    ----------
    statistics
        Of one data set, or of several, each of which is checked.
    schema
        What the data should look like.
    environment
        Features that are ``not_in_environment`` need not be there.
    previous
        The previous span; each data set is compared with its namesake, or with the only one there is (drift).
    serving
        The serving data, likewise (skew).

    Returns
    -------
    Anomalies
        Empty where everything fits.

    Raises
    ------
    UsageError
        If the environment is not one that the schema mentions, or ``previous`` or ``serving`` have no data set to
        compare with.
    """
    if environment is not None and environment not in schema.environments:
        raise UsageError(
            "The environment is one that the schema mentions",
            got=environment,
            fix=did_you_mean(environment, schema.environments)
            + " A feature that is absent there says so with not_in_environment",
        )
    found: list[Anomaly] = []
    for dataset in statistics.datasets:
        found.extend(_dataset(dataset, schema, environment))
        for key, others in (("drift", previous), ("skew", serving)):
            if others is not None:
                found.extend(_compared(dataset, _partner(dataset, others, key), schema, key))
    return Anomalies(tuple(found), statistics.names)


def _dataset(dataset: DatasetStatistics, schema: Schema, environment: str | None) -> Iterator[Anomaly]:
    if dataset.num_examples == 0:
        yield Anomaly(
            None,
            "no_data",
            "error",
            dataset.name,
            "There are no rows.",
            rows=0,
            suggestion="Look at where the data comes from, and at how it is split",
        )
    for feature in schema.features:
        if feature.name in dataset:
            yield from _Column(dataset, dataset[feature.name], feature).anomalies()
        elif feature.is_in(environment):
            yield _column_missing(dataset, feature, environment)
    if any(name not in schema for name in dataset.names):
        for feature in infer_schema(Statistics((dataset,))).features:
            if feature.name in schema:
                continue
            yield Anomaly(
                feature.name,
                "column_new",
                "warning",
                dataset.name,
                f"{feature.name} is in the data and not in the schema.",
                rows=dataset.num_examples,
                suggestion="Take it into the schema if it is meant to be there",
                suggested=feature,
            )


def _column_missing(dataset: DatasetStatistics, feature: Feature, environment: str | None) -> Anomaly:
    if environment is None:
        suggested = None
        suggestion = "Bring the column back, or take the feature out of the schema"
    else:
        absent = (*feature.not_in_environment, environment)
        suggested = msgspec.structs.replace(feature, not_in_environment=absent)
        suggestion = f"Bring the column back, or say not_in_environment: [{', '.join(absent)}]"
    optional = feature.min_fraction == 0.0
    return Anomaly(
        feature.name,
        "column_missing",
        "warning" if optional else "error",
        dataset.name,
        f"{feature.name} is {'an optional' if optional else 'a required'} column of the schema; the data has none "
        "of this name.",
        rows=dataset.num_examples,
        fraction=1.0,
        suggestion=suggestion,
        suggested=suggested,
        removes=suggested is None,
    )


class _Column:
    """One column of one data set, and what it should look like."""

    def __init__(self, dataset: DatasetStatistics, stats: FeatureStatistics, feature: Feature) -> None:
        self._split = dataset.name
        self._rows = dataset.num_examples
        self._stats = stats
        self._feature = feature
        self._present = stats.common_stats.num_non_missing

    def anomalies(self) -> Iterator[Anomaly]:
        if self._rows == 0:
            return
        yield from self._presence()
        if self._present == 0:
            return
        if self._stats.type != self._feature.type and (self._stats.type, self._feature.type) != ("INT", "FLOAT"):
            yield self._type()
            return
        if self._stats.string_stats is not None:
            yield from self._domain(self._stats.string_stats)
            yield from self._unique(self._stats.string_stats, self._stats.string_stats.top_values)
        if self._stats.num_stats is not None:
            yield from self._range(self._stats.num_stats)
            yield from self._odd_floats(self._stats.num_stats)
            yield from self._unique(self._stats.num_stats)

    def _anomaly(self, rule: Any, message: str, **details: Any) -> Anomaly:
        return Anomaly(self._feature.name, rule, "error", self._split, f"{self._feature.name} {message}", **details)

    def _with(self, **changes: Any) -> Feature:
        return msgspec.structs.replace(self._feature, **changes)

    def _presence(self) -> Iterator[Anomaly]:
        missing = self._rows - self._present
        share = self._present / self._rows
        if share >= self._feature.min_fraction:
            return
        wanted = "in every row" if self._feature.required else f"in at least {_percent(self._feature.min_fraction)}"
        none = "no row has one" if self._present == 0 else f"{_rows(missing, self._rows)} have none"
        lower = math.floor(share * 1000.0) / 1000.0
        yield self._anomaly(
            "missing_values",
            f"has a value {wanted}; {none}.",
            rows=missing,
            fraction=missing / self._rows,
            suggestion=f"Find out why values are missing, or lower min_fraction to {lower:g}",
            suggested=self._with(min_fraction=lower),
        )

    def _type(self) -> Anomaly:
        stats, feature = self._stats, self._feature
        examples = () if stats.string_stats is None else _strings(stats.string_stats)[:_EXAMPLES]
        inferred = Feature(
            feature.name, stats.type, feature.min_fraction, not_in_environment=feature.not_in_environment
        )
        if stats.type == "FLOAT" and feature.type == "INT":
            inferred = Feature(
                feature.name,
                "FLOAT",
                feature.min_fraction,
                min=feature.min,
                max=feature.max,
                not_in_environment=feature.not_in_environment,
                drift=feature.drift,
                skew=feature.skew,
            )
        return self._anomaly(
            "type",
            f"is {feature.type} by the schema; the data has {stats.type}.",
            rows=self._present,
            fraction=self._present / self._rows,
            examples=tuple(examples),
            suggestion="Give the source the column's type with types=, or change the type in the schema",
            suggested=inferred,
        )

    def _domain(self, stats: StringStatistics) -> Iterator[Anomaly]:
        feature = self._feature
        if feature.values is None:
            return
        domain = set(feature.values)
        inside = sum(entry.frequency for entry in stats.top_values if entry.value in domain)
        strangers = [entry for entry in stats.top_values if entry.value not in domain]
        if stats.complete:
            outside = self._present - inside
        else:
            # What is not listed is at least outside as far as the domain cannot make up for it.
            unlisted = [value for value in feature.values if value not in set(_strings(stats))]
            least = stats.top_values[-1].frequency + stats.frequency_error
            listed = [entry for entry in stats.top_values if entry.value in domain]
            most_inside = inside + stats.frequency_error * len(listed) + least * len(unlisted)
            outside = max(self._present - most_inside, sum(entry.frequency for entry in strangers))
        if 1.0 - outside / self._present >= feature.min_domain_mass:
            return
        examples = tuple(entry.value for entry in strangers[:_EXAMPLES])
        shown = ", ".join(f"{entry.value!r} ({_times(entry.frequency)})" for entry in strangers[:_SHOWN])
        more = (len(strangers) if stats.complete else max(stats.unique - len(domain), len(strangers))) - _SHOWN
        rest = f" and {more:,} more" if more > 0 else ""
        mass = "" if feature.min_domain_mass == 1.0 else f" in at least {_percent(feature.min_domain_mass)}"
        dotted = _near_miss(strangers[0].value, feature.values) if strangers else None
        hint = f"; {strangers[0].value!r} may be meant as {dotted!r}" if dotted is not None else ""
        few = stats.complete and len(strangers) <= 100
        yield self._anomaly(
            "domain_values",
            f"has only values of its domain{mass}; {_rows(outside, self._rows)} have others: {shown}{rest}.",
            rows=outside,
            fraction=outside / self._rows,
            examples=examples,
            suggestion=f"Mend the values where they come from{hint}, or "
            + ("add them to values" if few else "drop the domain or lower min_domain_mass"),
            suggested=self._with(values=(*feature.values, *(entry.value for entry in strangers)))
            if few
            else self._with(values=None, min_domain_mass=1.0),
        )

    def _range(self, stats: NumericStatistics) -> Iterator[Anomaly]:
        feature = self._feature
        low = feature.min is not None and stats.min is not None and stats.min < feature.min
        high = feature.max is not None and stats.max is not None and stats.max > feature.max
        if not low and not high:
            return
        assert stats.min is not None
        assert stats.max is not None
        outside = _outside(stats, feature)
        examples = [str(stats.min)] * low + [str(stats.max)] * high
        bounds = f"{'-∞' if feature.min is None else feature.min} to {'∞' if feature.max is None else feature.max}"
        parts = [f"the smallest is {stats.min}"] * low + [f"the largest is {stats.max}"] * high
        yield self._anomaly(
            "range",
            f"lies from {bounds}; {' and '.join(parts)} (about {_rows(outside, self._rows)} out of range).",
            rows=outside,
            fraction=outside / self._rows,
            examples=tuple(examples),
            suggestion="Mend the values where they come from, or widen the range",
            suggested=self._with(min=stats.min if low else feature.min, max=stats.max if high else feature.max),
        )

    def _odd_floats(self, stats: NumericStatistics) -> Iterator[Anomaly]:
        for rule, count, key, word in (
            ("nan", stats.num_nan, "allow_nan", "NaN"),
            ("infinite", stats.num_infinite, "allow_infinity", "infinity"),
        ):
            if count and not getattr(self._feature, key):
                yield self._anomaly(
                    rule,
                    f"is never {word}; {_rows(count, self._rows)} are.",
                    rows=count,
                    fraction=count / self._rows,
                    suggestion=f"Write missing values as missing, or say {key}: true",
                    suggested=self._with(**{key: True}) if self._feature.type == "FLOAT" else None,
                )

    def _unique(
        self, stats: NumericStatistics | StringStatistics, tops: tuple[ValueCount, ...] = ()
    ) -> Iterator[Anomaly]:
        # An estimate is believed only when it is ten standard errors away.
        most = stats.unique if stats.unique_exact else stats.unique * 1.08
        if self._feature.unique and most < self._present:
            about = "" if stats.unique_exact else "about "
            repeats = self._present - stats.unique
            yield self._anomaly(
                "unique",
                f"has each value once; {about}{stats.unique:,} distinct values stand in {self._present:,} rows.",
                rows=repeats,
                fraction=repeats / self._rows,
                examples=tuple(entry.value for entry in tops[:_EXAMPLES] if entry.frequency > 1),
                suggestion="Look for rows that were read twice, or take unique out of the schema",
                suggested=self._with(unique=False),
            )


def _partner(dataset: DatasetStatistics, others: Statistics, key: str) -> DatasetStatistics:
    if dataset.name in others:
        return others[dataset.name]
    if len(others) == 1:
        return others.datasets[0]
    raise UsageError(
        f"There is one data set to compare with for {key}",
        got=", ".join(others.names) or "none",
        where=f"data set {dataset.name!r}",
        fix="Give the data sets the same names on both sides",
    )


def _compared(dataset: DatasetStatistics, other: DatasetStatistics, schema: Schema, key: str) -> Iterator[Anomaly]:
    against = "the previous span" if key == "drift" else "the serving data"
    for feature in schema.features:
        comparator: Comparator | None = getattr(feature, key)
        if comparator is None or feature.name not in dataset or feature.name not in other:
            continue
        now, then = dataset[feature.name], other[feature.name]
        if (now.num_stats is None) != (then.num_stats is None) or "TIMESTAMP" in (now.type, then.type):
            continue
        measured: list[tuple[Any, str, str, float, float, tuple[str, ...]]] = []
        if comparator.linf is not None and now.num_stats is None:
            furthest = linf(now, then)
            if furthest is not None:
                measured.append(
                    (f"{key}_linf", "linf", "an L-infinity distance", furthest[0], comparator.linf, (furthest[1],))
                )
        if comparator.jensen_shannon is not None:
            divergence = jensen_shannon(now, then)
            if divergence is not None:
                threshold = comparator.jensen_shannon
                name = "a Jensen-Shannon divergence"
                measured.append((f"{key}_jensen_shannon", "jensen_shannon", name, divergence, threshold, ()))
        for rule, field, name, distance, threshold, examples in measured:
            if distance <= threshold:
                continue
            most = f"; {examples[0]!r} moved most" if examples else ""
            raised = min(1.0, math.ceil(distance * 1000.0) / 1000.0)
            wider = msgspec.structs.replace(comparator, **{field: raised})
            yield Anomaly(
                feature.name,
                rule,
                "error",
                dataset.name,
                f"{feature.name} has {name} of at most {threshold:g} from {against}; it is {distance:.4g}{most}.",
                fraction=distance,
                examples=examples,
                suggestion=f"Find out what changed, train on newer data, or raise {key}.{field} to {raised:g}",
                suggested=msgspec.structs.replace(feature, **{key: wider}),
            )


def _outside(stats: NumericStatistics, feature: Feature) -> int:
    """Estimate how many values are out of range, from the percentiles."""
    finite = stats.common_stats.num_non_missing - stats.num_nan - stats.num_infinite
    below = sum(1 for value in stats.quantiles if feature.min is not None and value < feature.min)
    above = sum(1 for value in stats.quantiles if feature.max is not None and value > feature.max)
    return max(1, min(finite, round(finite * (max(below - 1, 0) + max(above - 1, 0)) / 100)))


def _near_miss(value: str, domain: tuple[str, ...]) -> str | None:
    """Return the value of the domain that differs in case, surrounding space or punctuation only."""

    def plain(text: str) -> str:
        return text.strip().strip(".,;:'\"").casefold()

    return next((known for known in domain if plain(known) == plain(value)), None)


def _strings(stats: StringStatistics) -> list[str]:
    return [entry.value for entry in stats.top_values]


def _rows(count: float, total: int) -> str:
    return f"{count:,} of {total:,} rows ({_percent(count / total)})"


def _times(count: float) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _percent(share: float) -> str:
    shown = f"{share:.1%}"
    if share > 0.0 and shown == "0.0%":
        return "under 0.1%"
    if share < 1.0 and shown == "100.0%":
        return "over 99.9%"
    return shown.replace(".0%", "%")
