"""The YAML form of a schema, written to be reviewed."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.schema.domains import Annotation
    from headrace.schema.feature import Feature
    from headrace.schema.schema import Schema

__all__ = ["FEATURE_KEYS", "HEADER", "SCHEMA_KEYS", "write_yaml"]

HEADER = """\
# What each column of the data should look like. Review changes to it like code.
# min_fraction: least share of rows with a value (1.0: required); values: the domain; min, max: the range.
"""
_WIDTH = 100
_LONGEST_KEY = 1_000
_PLAIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.()/+&' -]*[A-Za-z0-9_.()/+&'-])?")
# What other YAML readers would take for a truth value, nothing, a number or a date.
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_NUMBER_LIKE = re.compile(r"[0-9][0-9a-fA-FxXoOtTzZ_.+ -]*")
FEATURE_KEYS = (
    *("type", "min_fraction", "min_count", "group_required", "value_counts", "shape"),
    *("values", "domain", "min_domain_mass", "min", "max"),
    *("is_categorical", "bool_domain", "time_domain", "image_domain", "natural_language_domain", "semantic_domain"),
    *("embedding_dim", "allow_nan", "allow_infinity", "unique", "unique_constraints", "strip", "null_values"),
    *("not_in_environment", "in_environment", "lifecycle_stage", "derived_from", "drift", "skew"),
    *("tags", "comments", "tfx", "features"),
)
SCHEMA_KEYS = (
    *("default_environments", "dataset_constraints", "features", "string_domains"),
    *("sparse_features", "weighted_features", "rules", "tags", "comments", "tfx"),
)


def write_yaml(schema: Schema) -> str:
    """Return the YAML form of a schema; equal schemas give equal text."""
    lines = HEADER.splitlines()
    above, below = _annotation(schema.annotation, "")
    lines += above
    if schema.default_environments:
        lines += _entry("default_environments", schema.default_environments, "")
    if schema.dataset_constraints is not None:
        lines += _entry("dataset_constraints", schema.dataset_constraints, "")
    lines.append("features:" if schema.features else "features: {}")
    for feature in schema.features:
        lines += _feature(feature, "  ")
    if schema.string_domains:
        lines.append("string_domains:")
        for name, values in schema.string_domains.items():
            lines += _flow(_key(name, "  "), [_quote(item) for item in values], "    ")
    for key in ("sparse_features", "weighted_features", "rules"):
        named = getattr(schema, key)
        if named:
            lines.append(f"{key}:")
        for one in named:
            lines.append(_key(one.name, "  "))
            for field, value in _given(one):
                if field != "name":
                    lines += _entry(field, value, "    ")
    lines += below
    if schema.tfx:
        lines += _entry("tfx", schema.tfx, "")
    return "\n".join(lines) + "\n"


def _feature(feature: Feature, indent: str, *, nested: bool = False) -> list[str]:
    above, below = _annotation(feature.annotation, indent)
    inner = indent + "  "
    lines = [*above, _key(feature.name, indent), f"{inner}type: {feature.type}"]
    if not nested or feature.min_fraction:
        lines.append(f"{inner}min_fraction: {_value(float(feature.min_fraction))}")
    given = dict(_given(feature))
    for key in FEATURE_KEYS[2:]:
        if key == "tags":
            lines += below
        elif key == "features":
            if feature.features:
                lines.append(f"{inner}features:")
            for field in feature.features:
                lines += _feature(field, inner + "  ", nested=True)
        elif key in given:
            lines += _entry(key, given[key], inner)
    return lines


def _annotation(annotation: Annotation | None, indent: str) -> tuple[list[str], list[str]]:
    """Return the lines above what is annotated, and those of its keys."""
    if annotation is None:
        return [], []
    comments, below = annotation.comments, []
    if annotation.tags or not comments:
        below += _entry("tags", annotation.tags, indent + "  " * bool(indent))
    usual = HEADER.splitlines()
    plain = all(text == text.strip() and text.isprintable() and f"# {text}" not in usual for text in comments)
    if not comments or (plain and comments[0] and comments[-1]):
        return [f"{indent}# {text}".rstrip() for text in comments], below
    return [], below + _entry("comments", comments, indent + "  " * bool(indent))


def _given(struct: msgspec.Struct) -> list[tuple[str, Any]]:
    """Return the fields that are not at their defaults; numbers of float fields as floats."""
    found = []
    for name, default, real in _fields(type(struct)):
        value = getattr(struct, name)
        if default is msgspec.NODEFAULT or value != default:
            found.append((name, float(value) if real and isinstance(value, int) else value))
    return found


@cache
def _fields(kind: type[msgspec.Struct]) -> list[tuple[str, Any, bool]]:
    """Return name and default of each field, and whether it is a float."""
    fields = msgspec.structs.fields(kind)
    return [(field.name, field.default, field.type in (float, float | None)) for field in fields]


def _entry(key: str, value: Any, indent: str) -> list[str]:
    if isinstance(value, tuple) and value and isinstance(value[0], str):
        return _flow(f"{indent}{key}:", [_quote(item) for item in value], indent + "  ")
    if key == "tfx" and value.isprintable():
        # Full of quotes itself.
        doubled = value.replace("'", "''")
        return [f"{indent}{key}: '{doubled}'"]
    line = f"{indent}{key}: {_value(value)}"
    if len(line) <= _WIDTH or isinstance(value, str):
        return [line]
    lines = [f"{indent}{key}:"]
    if isinstance(value, msgspec.Struct):
        for field, part in _given(value):
            lines += _entry(field, part, indent + "  ")
        return lines
    return lines + [f"{indent}  - {_value(item)}" for item in value] if isinstance(value, tuple) else [line]


def _key(name: str, indent: str) -> str:
    """Return the key of something that has a name, with the colon."""
    quoted = _quote(name)
    # A key that stands before its colon on one line has at most 1,024 characters.
    return f"{indent}{quoted}:" if len(quoted) <= _LONGEST_KEY else f"{indent}? {quoted}\n{indent}:"


def _flow(key: str, items: Sequence[str], indent: str) -> list[str]:
    if not items:
        return [f"{key} []"]
    line = f"{key} ["
    lines = []
    for index, item in enumerate(items):
        piece = item + ("," if index + 1 < len(items) else "]")
        gap = "" if line.endswith("[") or not line.strip() else " "
        if line.strip() and not line.endswith("[") and len(line) + len(gap) + len(piece) > _WIDTH:
            lines.append(line)
            line, gap = indent, ""
        line += gap + piece
    return [*lines, line]


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, msgspec.Struct):
        return f"{{{', '.join(f'{key}: {_value(part)}' for key, part in _given(value))}}}"
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    return repr(value)


def _quote(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS and not _NUMBER_LIKE.fullmatch(text):
        return text
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    code = ord(char)
    if char.isprintable():
        return char
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
