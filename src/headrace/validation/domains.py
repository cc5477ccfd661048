"""Whether values lie in their domain, from the most frequent of them, and from their extremes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.validation.column import additions
from headrace.validation.distributions import Numbers, distribution
from headrace.validation.language import Words, counts_words
from headrace.validation.wording import EXAMPLES, listed, near_miss, percent, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.schema import Feature
    from headrace.statistics import NumericStatistics, StringStatistics, ValueCount
    from headrace.validation.anomalies import Anomaly
    from headrace.validation.column import Column
    from headrace.validation.value_rules import ValueRule

__all__ = ["check_bytes", "check_numbers", "check_text", "check_unique"]


def check_text(column: Column) -> Iterator[Anomaly]:
    """Yield what breaks the rules of a STRING column."""
    stats = column.stats.string_stats
    if stats is None:
        return
    if stats.invalid_utf8_count:
        yield column.anomaly(
            "invalid_utf8",
            f"is text in UTF-8; {rows_of(stats.invalid_utf8_count, column.out_of)} are not.",
            rows=stats.invalid_utf8_count,
            fraction=stats.invalid_utf8_count / column.out_of,
            suggestion="Name the encoding where the data is read, or make the column BYTES",
        )
    if stats.top_values and _has_text_rules(column.feature):
        from headrace.validation.value_rules import value_rules

        for rule in value_rules(column.feature, column.schema):
            if rule.code == "domain_values":
                yield from _domain(column, stats, column.domain or ())
            else:
                yield from _text_rule(column, stats, rule)
    if counts_words(column.feature) and stats.complete:
        words = Words(column.feature, column.schema)
        for entry in stats.top_values:
            words.add(entry.value, int(entry.frequency))
        yield from words.anomalies(column)


def check_numbers(column: Column) -> Iterator[Anomaly]:
    """Yield what breaks the rules of an INT or FLOAT column."""
    stats = column.stats.num_stats
    if stats is None:
        return
    yield from _range(column, stats)
    for rule, count, key, word in (
        ("nan", stats.num_nan, "allow_nan", "NaN"),
        ("infinite", stats.num_infinite, "allow_infinity", "infinity"),
    ):
        if count and not getattr(column.feature, key):
            yield column.anomaly(
                rule,  # type: ignore[arg-type]
                f"is never {word}; {rows_of(count, column.out_of)} are.",
                rows=count,
                fraction=count / column.out_of,
                suggestion=f"Write missing values as missing, or say {key}: true",
                suggested=column.altered(**{key: True}) if column.feature.type == "FLOAT" else None,
            )
    if column.feature.bool_domain is not None:
        yield from _truths(column, stats)


def check_bytes(column: Column) -> Iterator[Anomaly]:
    """Yield what breaks the rules of a BYTES column."""
    import msgspec

    stats, image = column.stats.bytes_stats, column.feature.image_domain
    if stats is None or image is None:
        return
    most, found = image.max_image_byte_size, stats.max_num_bytes
    if most is not None and found is not None and found > most:
        yield column.anomaly(
            "image_size",
            f"has at most {most:,} bytes; the largest has {found:,}.",
            rows=column.values if (stats.min_num_bytes or 0) > most else None,
            fraction=1.0 if (stats.min_num_bytes or 0) > most else None,
            examples=(f"{found:,} bytes",),
            suggestion="Make the images smaller, or raise max_image_byte_size",
            suggested=column.altered(image_domain=msgspec.structs.replace(image, max_image_byte_size=found)),
        )
    least = image.minimum_supported_image_fraction
    guess = next((guess for guess in column.stats.semantics if guess.kind == "image"), None)
    if least is not None and guess is not None and guess.fraction < least:
        rows = round(column.values * (1.0 - guess.fraction))
        yield column.anomaly(
            "image_kind",
            f"has images in at least {percent(least)} of the values; about {rows_of(rows, column.out_of)} are none.",
            rows=rows,
            fraction=1.0 - guess.fraction,
            suggestion="Look for files that were cut short, or lower minimum_supported_image_fraction",
            suggested=column.altered(
                image_domain=msgspec.structs.replace(image, minimum_supported_image_fraction=guess.fraction)
            ),
        )


def check_unique(column: Column) -> Iterator[Anomaly]:
    """Yield where there are too many or too few distinct values."""
    unique, exact = _distinct(column)
    if unique is None:
        return
    stats, feature = column.stats, column.feature
    tops = () if stats.string_stats is None else stats.string_stats.top_values
    # An estimate is believed only when it is ten standard errors away.
    most, least = (unique, unique) if exact else (unique * 1.08, unique * 0.92)
    about = "" if exact else "about "
    if feature.unique and most < column.values:
        repeats = column.values - unique
        yield column.anomaly(
            "unique",
            f"has each value once; {about}{unique:,} distinct values stand in {column.values:,} rows.",
            rows=repeats,
            fraction=repeats / column.out_of,
            examples=tuple(entry.value for entry in tops[:EXAMPLES] if entry.frequency > 1),
            suggestion="Look for rows that were read twice, or take unique out of the schema",
            suggested=column.altered(unique=False),
        )
    bounds = feature.unique_constraints
    if bounds is None:
        return
    if bounds.min is not None and most < bounds.min:
        yield column.anomaly(
            "few_unique",
            f"has at least {bounds.min:,} distinct values; there are {about}{unique:,}.",
            examples=tuple(entry.value for entry in tops[:EXAMPLES]),
            suggestion="Look for a part of the data that is missing, or lower unique_constraints.min",
            suggested=_with_unique(column, unique, bounds.max),
        )
    if bounds.max is not None and least > bounds.max:
        yield column.anomaly(
            "many_unique",
            f"has at most {bounds.max:,} distinct values; there are {about}{unique:,}.",
            examples=tuple(entry.value for entry in tops[-EXAMPLES:]),
            suggestion="Look for values that are written in several ways, or raise unique_constraints.max",
            suggested=_with_unique(column, bounds.min, unique),
        )


def _has_text_rules(feature: Feature) -> bool:
    return any(
        part is not None
        for part in (
            feature.values,
            feature.domain,
            feature.bool_domain,
            feature.semantic_domain,
            feature.time_domain,
            feature.natural_language_domain,
        )
    )


def _distinct(column: Column) -> tuple[int | None, bool]:
    stats = column.stats
    counted = stats.num_stats or stats.string_stats or stats.bytes_stats
    if counted is not None:
        return counted.unique, counted.unique_exact
    if stats.timestamp_stats is not None:
        return stats.timestamp_stats.unique, stats.timestamp_stats.unique_exact
    if stats.bool_stats is not None:
        return bool(stats.bool_stats.num_true) + bool(stats.bool_stats.num_false), True
    return None, False


def _with_unique(column: Column, low: int | None, high: int | None) -> Feature | None:
    from headrace.schema import UniqueConstraints

    return column.altered(unique_constraints=UniqueConstraints(low, high))


def _domain(column: Column, stats: StringStatistics, values: tuple[str, ...]) -> Iterator[Anomaly]:
    feature, domain = column.feature, set(values)
    inside = sum(entry.frequency for entry in stats.top_values if entry.value in domain)
    strangers = [entry for entry in stats.top_values if entry.value not in domain]
    total = column.values - stats.invalid_utf8_count
    if stats.complete:
        outside = total - inside
    else:
        # What is not listed is at least outside as far as the domain cannot make up for it.
        tops = {entry.value for entry in stats.top_values}
        unlisted = [value for value in values if value not in tops]
        least = stats.top_values[-1].frequency + stats.frequency_error
        listed_inside = [entry for entry in stats.top_values if entry.value in domain]
        most_inside = inside + stats.frequency_error * len(listed_inside) + least * len(unlisted)
        outside = max(total - most_inside, sum(entry.frequency for entry in strangers))
    if total == 0 or 1.0 - outside / total >= feature.min_domain_mass:
        return
    more = 0 if stats.complete else max(stats.unique - len(domain) - len(strangers), 0)
    mass = "" if feature.min_domain_mass == 1.0 else f" in at least {percent(feature.min_domain_mass)}"
    meant = near_miss(strangers[0].value, values) if strangers else None
    hint = f"; {strangers[0].value!r} may be meant as {meant!r}" if meant is not None else ""
    few = stats.complete and len(strangers) <= 100
    new = tuple(entry.value for entry in strangers)
    changes: dict[str, Any] = {}
    if not few:
        changes["suggested"] = column.altered(values=None, domain=None, min_domain_mass=1.0)
    elif feature.domain is not None:
        changes["suggested_values"] = additions(feature, new)
    elif added := additions(feature, new):
        changes["suggested"] = column.altered(values=(*values, *added))
    where = f"the domain {feature.domain}" if feature.domain is not None else "values"
    yield column.anomaly(
        "domain_values",
        f"has only values of its domain{mass}; {rows_of(outside, column.out_of)} have others: "
        f"{listed(_pairs(strangers), int(more))}.",
        rows=int(outside),
        fraction=outside / column.out_of,
        examples=new[:EXAMPLES],
        suggestion=f"Mend the values where they come from{hint}, or "
        + (f"add them to {where}" if few else "drop the domain or lower min_domain_mass"),
        **changes,
    )


def _text_rule(column: Column, stats: StringStatistics, rule: ValueRule) -> Iterator[Anomaly]:
    import pyarrow as pa

    breaking = rule.breaks(pa.array([entry.value for entry in stats.top_values], pa.string())).to_pylist()
    strangers = [entry for entry, broken in zip(stats.top_values, breaking, strict=True) if broken]
    outside = int(sum(entry.frequency for entry in strangers))
    if not strangers or 1.0 - outside / column.values >= rule.mass:
        return
    least = "" if stats.complete else "at least "
    yield column.anomaly(
        rule.code,
        f"{rule.says}; {least}{rows_of(outside, column.out_of)} {rule.others}: {listed(_pairs(strangers))}.",
        rows=outside,
        fraction=outside / column.out_of,
        examples=tuple(entry.value for entry in strangers[:EXAMPLES]),
        suggestion=rule.advice(strangers[0].value, column.feature, column.schema),
        suggested=column.altered(**rule.changes),
    )


def _range(column: Column, stats: NumericStatistics) -> Iterator[Anomaly]:
    feature = column.feature
    low = feature.min is not None and stats.min is not None and stats.min < feature.min
    high = feature.max is not None and stats.max is not None and stats.max > feature.max
    if not low and not high:
        return
    assert stats.min is not None
    assert stats.max is not None
    outside = _outside(column)
    bounds = f"{'-∞' if feature.min is None else feature.min} to {'∞' if feature.max is None else feature.max}"
    parts = [f"the smallest is {stats.min}"] * low + [f"the largest is {stats.max}"] * high
    yield column.anomaly(
        "range",
        f"lies from {bounds}; {' and '.join(parts)} (about {rows_of(outside, column.out_of)} out of range).",
        rows=outside,
        fraction=outside / column.out_of,
        examples=tuple([str(stats.min)] * low + [str(stats.max)] * high),
        suggestion="Mend the values where they come from, or widen the range",
        suggested=column.altered(min=stats.min if low else feature.min, max=stats.max if high else feature.max),
    )


def _outside(column: Column) -> int:
    """Estimate how many values are out of range, between percentiles; exactly where all values are counted."""
    feature, known = column.feature, distribution(column.stats)
    assert isinstance(known, Numbers)
    below = 0.0 if feature.min is None else known.below(feature.min)
    above = 0.0 if feature.max is None else 1.0 - known.up_to(feature.max)
    return max(1, min(int(known.finite), round(known.finite * (below + above))))


def _truths(column: Column, stats: NumericStatistics) -> Iterator[Anomaly]:
    from headrace.validation.value_rules import bool_values_of, truth_numbers

    truths = bool_values_of(column.feature)
    numbers = set(truth_numbers(column.feature))
    seen = {float(value) for value in (stats.min, stats.max) if value is not None}
    seen |= {float(entry.value) for entry in stats.top_values}
    strangers = sorted(seen - numbers)
    if not numbers or (not strangers and not (stats.unique_exact and stats.unique > len(numbers))):
        return
    shown = ", ".join(f"{value:g}" for value in strangers[:EXAMPLES])
    yield column.anomaly(
        "bool_values",
        f"is {' or '.join(truths)}; there are {stats.unique:,} distinct values" + (f", as {shown}." if shown else "."),
        examples=tuple(f"{value:g}" for value in strangers[:EXAMPLES]),
        suggestion="Mend the values where they come from, or take bool_domain out of the schema",
        suggested=column.altered(bool_domain=None),
    )


def _pairs(entries: list[ValueCount]) -> list[tuple[str, float]]:
    return [(entry.value, entry.frequency) for entry in entries]
