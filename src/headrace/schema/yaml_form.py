"""The YAML form of a schema, written to be reviewed and read with line numbers in every complaint."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from headrace.errors import SchemaError, did_you_mean
from headrace.schema.domains import Comparator
from headrace.schema.schema import Feature, Schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import yaml

__all__ = ["read_yaml", "write_yaml"]

_HEADER = """\
# What each column of the data should look like. Review changes to it like code.
# min_fraction: least share of rows with a value (1.0: required); values: the domain; min, max: the range.
"""
_WIDTH = 100
_PLAIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.()/+&' -]*[A-Za-z0-9_.()/+&'-])?")
# What other YAML readers would take for a truth value, nothing, a number or a date.
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_NUMBER_LIKE = re.compile(r"[0-9][0-9a-fA-FxXoOtTzZ_.+ -]*")
_COMPARATORS = ("drift", "skew")
_LISTS = ("values", "null_values", "not_in_environment")
_FLAGS = ("allow_nan", "allow_infinity", "unique", "strip")
_SHARES = ("min_fraction", "min_domain_mass")
_BOUNDS = ("min", "max")
_KEYS = ("type", "min_fraction", "values", "min_domain_mass", "min", "max", *_FLAGS, *_LISTS[1:], *_COMPARATORS)


def write_yaml(schema: Schema) -> str:
    """Return the YAML form of a schema; equal schemas give equal text."""
    lines = [_HEADER.rstrip("\n"), "features:" if schema.features else "features: {}"]
    for feature in schema.features:
        lines.append(f"  {_quote(feature.name)}:")
        lines.append(f"    type: {feature.type}")
        lines.append(f"    min_fraction: {_number(float(feature.min_fraction))}")
        for key in _KEYS[2:]:
            value = getattr(feature, key)
            if key == "min_domain_mass":
                if value != 1.0:
                    lines.append(f"    {key}: {_number(float(value))}")
            elif key in _LISTS:
                if value or (key == "values" and value is not None):
                    lines.extend(_flow(key, [_quote(item) for item in value]))
            elif key in _COMPARATORS:
                if value is not None:
                    parts = [(name, getattr(value, name)) for name in ("linf", "jensen_shannon")]
                    inner = ", ".join(
                        f"{name}: {_number(float(number))}" for name, number in parts if number is not None
                    )
                    lines.append(f"    {key}: {{{inner}}}")
            elif key in _FLAGS:
                if value:
                    lines.append(f"    {key}: true")
            elif value is not None:
                lines.append(f"    {key}: {_number(value)}")
    return "\n".join(lines) + "\n"


def _flow(key: str, items: Sequence[str]) -> list[str]:
    line = f"    {key}: ["
    lines = []
    for index, item in enumerate(items):
        piece = item + ("," if index + 1 < len(items) else "]")
        gap = "" if line.endswith("[") or not line.strip() else " "
        if line.strip() and not line.endswith("[") and len(line) + len(gap) + len(piece) > _WIDTH:
            lines.append(line)
            line, gap = "      ", ""
        line += gap + piece
    return [*lines, line if items else line + "]"]


def _number(value: float) -> str:
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


def read_yaml(text: str, file: str | None) -> Schema:
    """Read the YAML form; see :meth:`Schema.from_yaml`."""
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        where = _place(file, None if mark is None else mark.line + 1)
        raise SchemaError("A schema is valid YAML", got=problem, where=where) from error
    except (RecursionError, ValueError, OverflowError) as error:
        raise SchemaError("A schema is valid YAML", got=f"{type(error).__name__}: {error}", where=file) from error
    reader = _Reader(file)
    if root is None:
        raise SchemaError("A schema lists its features", got="an empty file", where=file, fix="Begin with 'features:'")
    features: list[Feature] = []
    for _, _, value in reader.pairs(root, "A schema", ("features",)):
        if not reader.is_empty(value):
            named = reader.pairs(value, "features", None)
            features.extend(reader.feature(name, node, body) for name, node, body in named)
    return Schema(tuple(features))


def _place(file: str | None, line: int | None, feature: str | None = None) -> str | None:
    parts = [
        file,
        None if line is None else f"line {line}",
        None if feature is None else f"feature {feature!r}",
    ]
    return ", ".join(part for part in parts if part) or None


class _Reader:
    """Understands nodes; keeps the file's name for complaints."""

    def __init__(self, file: str | None) -> None:
        self._file = file
        self._feature: str | None = None

    def fail(self, node: yaml.Node, rule: str, got: Any, fix: str | None = None) -> SchemaError:
        where = _place(self._file, node.start_mark.line + 1, self._feature)
        return SchemaError(rule, got=got, where=where, fix=fix)

    def is_empty(self, node: yaml.Node) -> bool:
        import yaml

        return isinstance(node, yaml.ScalarNode) and node.value in ("", "~", "null") and node.style is None

    def pairs(
        self, node: yaml.Node, what: str, known: Sequence[str] | None
    ) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        import yaml

        if not isinstance(node, yaml.MappingNode):
            raise self.fail(node, f"{what} is a mapping of names to values", _kind(node))
        if node.tag != "tag:yaml.org,2002:map":
            raise self.fail(node, "A schema has no YAML tags", node.tag)
        seen: dict[str, int] = {}
        for key_node, value in node.value:
            key = self.text(key_node, "a key")
            if key in seen:
                raise self.fail(key_node, f"{what} has each key once", f"{key!r} again; first in line {seen[key]}")
            seen[key] = key_node.start_mark.line + 1
            if known is not None and key not in known:
                raise self.fail(key_node, f"{what} has only known keys", key, did_you_mean(key, known))
            yield key, key_node, value

    def feature(self, name: str, name_node: yaml.Node, body: yaml.Node) -> Feature:
        self._feature = name
        values: dict[str, Any] = {"name": name}
        for key, _, node in self.pairs(body, "A feature", _KEYS):
            if key == "type":
                values[key] = self.text(node, "a type")
            elif key in _SHARES:
                values[key] = float(self.number(node, key))
            elif key in _BOUNDS:
                values[key] = self.number(node, key)
            elif key in _FLAGS:
                values[key] = self.flag(node, key)
            elif key in _LISTS:
                values[key] = self.texts(node, key)
            else:
                values[key] = self.comparator(node, key)
        if "type" not in values:
            raise self.fail(name_node, "A feature has a type", "none", "Add 'type: STRING' or another type")
        try:
            feature = Feature(**values)
        except SchemaError as error:
            raise self.fail(name_node, error.rule, error.got, error.fix) from error
        self._feature = None
        return feature

    def comparator(self, node: yaml.Node, key: str) -> Comparator:
        known = ("linf", "jensen_shannon")
        values = {name: float(self.number(value, name)) for name, _, value in self.pairs(node, key, known)}
        try:
            return Comparator(**values)
        except SchemaError as error:
            raise self.fail(node, error.rule, error.got, error.fix) from error

    def text(self, node: yaml.Node, what: str) -> str:
        import yaml

        if not isinstance(node, yaml.ScalarNode):
            raise self.fail(node, f"{what} is text", _kind(node))
        if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.endswith(("binary", "set", "omap")):
            raise self.fail(node, "A schema has no YAML tags", node.tag)
        return str(node.value)

    def texts(self, node: yaml.Node, key: str) -> tuple[str, ...]:
        import yaml

        if not isinstance(node, yaml.SequenceNode):
            raise self.fail(node, f"{key} is a list", _kind(node), f"Write {key}: [a, b]")
        return tuple(self.text(item, f"An entry of {key}") for item in node.value)

    def number(self, node: yaml.Node, key: str) -> int | float:
        text = self.text(node, key)
        try:
            if text.lower() in (".inf", "+.inf", "-.inf"):
                return float(text.replace(".", ""))
            return int(text) if re.fullmatch(r"[+-]?[0-9]{1,400}", text) else float(text)
        except ValueError as error:
            raise self.fail(node, f"{key} is a number", text) from error

    def flag(self, node: yaml.Node, key: str) -> bool:
        text = self.text(node, key).lower()
        if text not in ("true", "false"):
            raise self.fail(node, f"{key} is true or false", text)
        return text == "true"


def _kind(node: yaml.Node) -> str:
    import yaml

    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    return "a list" if isinstance(node, yaml.SequenceNode) else f"the text {node.value!r}"
