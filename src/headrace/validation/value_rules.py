"""Rules that single values keep or break, whichever way they come: as a list of top values, or as a column of rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors import SchemaError
from headrace.validation.column import domain_of
from headrace.validation.wording import near_miss

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.schema import Feature, Schema
    from headrace.validation.anomalies import Rule

__all__ = ["IMAGE_SIGNS", "ValueRule", "bool_values_of", "truth_numbers", "value_rules"]

_SEMANTIC = {
    "url": (r"^[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#]+([/?#]\S*)?$", "URLs"),
    "email": (r"^[^@\s]+@[^@\s]+\.[^@\s.]+$", "e-mail addresses"),
    "mid": (r"^/[mg]/[0-9a-z_]+$", "identifiers of a knowledge graph, as /m/0abc"),
    "time_of_day": (r"^([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?$", "times of day, as 14:30"),
}
# The first bytes of JPEG, PNG, GIF, BMP, TIFF of both byte orders, and the RIFF of WebP.
IMAGE_SIGNS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"RIFF")


@dataclass(frozen=True)
class ValueRule:
    """One rule about single values.

    Parameters
    ----------
    code
        The rule.
    says
        What holds, after the column's name.
    breaks
        Takes an array of values without nulls and returns which break the rule, as booleans.
    suggestion
        What to do about it.
    changes
        Parts of the feature that would allow everything.
    mass
        The least share of values that must keep it.
    others
        What the values that break it are called.
    """

    code: Rule
    says: str
    breaks: Callable[[pa.Array], pa.Array]
    suggestion: str
    changes: dict[str, Any]
    mass: float = 1.0
    others: str = "have others"

    def advice(self, value: str, feature: Feature, schema: Schema) -> str:
        """Return the suggestion, with the spelling that a value may be meant as."""
        domain = domain_of(feature, schema) or bool_values_of(feature)
        meant = near_miss(value, domain) if domain else None
        return self.suggestion.replace("{hint}", f"; {value!r} may be meant as {meant!r}" if meant else "")


def bool_values_of(feature: Feature) -> tuple[str, ...]:
    """Return the texts that stand for true and false; none where the feature has no domain of truth values."""
    if feature.bool_domain is None:
        return ()
    both = feature.bool_domain.true_value, feature.bool_domain.false_value
    return tuple(value for value in both if value is not None)


def truth_numbers(feature: Feature) -> list[float]:
    """Return the numbers that stand for true and false.

    Raises
    ------
    SchemaError
        If they are no numbers.
    """
    try:
        return [float(text) for text in bool_values_of(feature)]
    except ValueError as error:
        raise SchemaError(
            "The bool_domain of numbers has numbers", got=str(error), where=f"feature {feature.name!r}"
        ) from error


def value_rules(feature: Feature, schema: Schema) -> list[ValueRule]:
    """Return the rules about single values that a feature declares.

    Raises
    ------
    SchemaError
        If a pattern or a number in the schema cannot be understood, or a domain is absent.
    """
    rules: list[ValueRule] = []
    if feature.type == "STRING":
        rules += _text_rules(feature, schema)
    elif feature.type in ("INT", "FLOAT"):
        rules += _number_rules(feature)
    elif feature.type == "BYTES" and feature.image_domain is not None:
        rules += _image_rules(feature)
    return rules


def _text_rules(feature: Feature, schema: Schema) -> list[ValueRule]:
    rules = []
    domain = domain_of(feature, schema)
    if domain is not None:
        known = pa.array(domain, pa.string())
        rules.append(
            ValueRule(
                "domain_values",
                "has only values of its domain",
                lambda values: pc.invert(pc.is_in(values, value_set=known)),
                "Mend the values where they come from{hint}, or drop the domain or lower min_domain_mass",
                {"values": None, "domain": None, "min_domain_mass": 1.0},
                feature.min_domain_mass,
            )
        )
    truths = bool_values_of(feature)
    if truths:
        rules.append(
            ValueRule(
                "bool_values",
                f"is {' or '.join(map(repr, truths))}",
                lambda values: pc.invert(pc.is_in(values, value_set=pa.array(truths, pa.string()))),
                "Mend the values where they come from{hint}, or take bool_domain out of the schema",
                {"bool_domain": None},
            )
        )
    if feature.semantic_domain is not None:
        pattern, what = _SEMANTIC[feature.semantic_domain]
        rules.append(
            ValueRule(
                "semantic_domain",
                f"has {what}",
                lambda values: pc.invert(pc.match_substring_regex(values, pattern)),
                "Mend the values where they come from, or take semantic_domain out of the schema",
                {"semantic_domain": None},
            )
        )
    if feature.time_domain is not None and feature.time_domain.string_format is not None:
        written = feature.time_domain.string_format
        rules.append(
            ValueRule(
                "time_format",
                f"has moments written as {written}",
                lambda values: _each(values, lambda text: not _is_moment(text, written)),
                "Mend the values where they come from, or change time_domain",
                {"time_domain": None},
            )
        )
    language = feature.natural_language_domain
    if language is not None and language.location_regex is not None:
        try:
            whole = re.compile(language.location_regex)
        except re.error as error:
            raise SchemaError(
                "location_regex is a regular expression", got=str(error), where=f"feature {feature.name!r}"
            ) from error
        rules.append(
            ValueRule(
                "location",
                f"matches {language.location_regex}",
                lambda values: _each(values, lambda text: whole.fullmatch(text) is None),
                "Mend the values where they come from, or change location_regex",
                {"natural_language_domain": None},
            )
        )
    return rules


def _number_rules(feature: Feature) -> list[ValueRule]:
    rules = []
    low, high = feature.min, feature.max
    if low is not None or high is not None:
        shown = f"{'-∞' if low is None else low} to {'∞' if high is None else high}"
        rules.append(
            ValueRule(
                "range",
                f"lies from {shown}",
                lambda values: _outside(values, low, high),
                "Mend the values where they come from, or widen the range",
                {"min": None, "max": None},
                others="lie outside",
            )
        )
    if feature.type == "FLOAT" and not feature.allow_nan:
        rules.append(
            ValueRule(
                "nan",
                "is never NaN",
                lambda values: pc.is_nan(values) if pa.types.is_floating(values.type) else _none(values),
                "Write missing values as missing, or say allow_nan: true",
                {"allow_nan": True},
                others="are",
            )
        )
    if feature.type == "FLOAT" and not feature.allow_infinity:
        rules.append(
            ValueRule(
                "infinite",
                "is never infinity",
                lambda values: pc.is_inf(values) if pa.types.is_floating(values.type) else _none(values),
                "Write missing values as missing, or say allow_infinity: true",
                {"allow_infinity": True},
                others="are",
            )
        )
    truths = bool_values_of(feature)
    if truths:
        numbers = truth_numbers(feature)
        rules.append(
            ValueRule(
                "bool_values",
                f"is {' or '.join(truths)}",
                lambda values: pc.invert(pc.is_in(values.cast(pa.float64()), value_set=pa.array(numbers))),
                "Mend the values where they come from, or take bool_domain out of the schema",
                {"bool_domain": None},
            )
        )
    return rules


def _image_rules(feature: Feature) -> list[ValueRule]:
    image = feature.image_domain
    assert image is not None
    rules = []
    if image.minimum_supported_image_fraction is not None:
        rules.append(
            ValueRule(
                "image_kind",
                "has images: JPEG, PNG, GIF, BMP, WebP or TIFF",
                lambda values: _each(values, lambda data: not _is_image(data)),
                "Look for files that were cut short or are of another kind, or lower minimum_supported_image_fraction",
                {"image_domain": None},
                image.minimum_supported_image_fraction,
                others="are none",
            )
        )
    most = image.max_image_byte_size
    if most is not None:
        rules.append(
            ValueRule(
                "image_size",
                f"has at most {most:,} bytes",
                lambda values: pc.greater(pc.binary_length(values), most),
                "Make the images smaller, or raise max_image_byte_size",
                {"image_domain": None},
                others="have more",
            )
        )
    return rules


def _outside(values: pa.Array, low: float | None, high: float | None) -> pa.Array:
    outside = _none(values)
    # NaN is neither above nor below, and infinities have a rule of their own.
    finite = pc.is_finite(values) if pa.types.is_floating(values.type) else pc.invert(outside)
    for bound, compare in ((low, pc.less), (high, pc.greater)):
        if bound is not None:
            outside = pc.or_(outside, compare(values, pa.scalar(bound)))
    return pc.and_(outside, finite)


def _none(values: pa.Array) -> pa.Array:
    return pa.repeat(pa.scalar(value=False), len(values))


def _each(values: pa.Array, breaks: Callable[[Any], bool]) -> pa.Array:
    """Ask once for each distinct value."""
    encoded = values.dictionary_encode()
    verdicts = pa.array([breaks(value) for value in encoded.dictionary.to_pylist()], pa.bool_())
    return verdicts.take(encoded.indices)


def _is_moment(text: str, written: str) -> bool:
    try:
        datetime.strptime(text, written)  # noqa: DTZ007 - only whether it can be read matters
    except ValueError:
        return False
    return True


def _is_image(data: bytes) -> bool:
    return data.startswith(IMAGE_SIGNS) and (not data.startswith(b"RIFF") or data[8:12] == b"WEBP")
