"""Reading the YAML form of a schema, with line numbers in every complaint."""

from __future__ import annotations

import math
import re
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from headrace.errors import SchemaError, did_you_mean
from headrace.schema.domains import Annotation, DatasetConstraints, Rule, SparseFeature, WeightedFeature
from headrace.schema.feature import Feature
from headrace.schema.schema import DEEPEST, Schema
from headrace.schema.yaml_comments import Span, comments_of
from headrace.schema.yaml_form import FEATURE_KEYS, SCHEMA_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import yaml

__all__ = ["read_yaml"]

T = TypeVar("T", bound=msgspec.Struct)

_FIELDS = {field.name: field.type for field in msgspec.structs.fields(Feature)}


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
    if root is None:
        raise SchemaError("A schema lists its features", got="an empty file", where=file, fix="Begin with 'features:'")
    return _Reader(file, text).schema(root)


def _place(file: str | None, line: int | None, part: str | None = None) -> str | None:
    parts = [file, None if line is None else f"line {line}", part]
    return ", ".join(part for part in parts if part) or None


class _Reader:
    """Understands nodes; keeps the file's name for complaints."""

    def __init__(self, file: str | None, text: str) -> None:
        self._file = file
        self._text = text
        self._part: str | None = None
        # The lines of the parts, by what the errors of the model call them.
        self._lines: dict[str, int] = {}
        self._spans: list[Span] = []
        # Aliases make more nodes than there is text: what refers to itself or grows without bound ends here.
        self._left = 10 * len(text) + 1000

    def fail(self, node: yaml.Node, rule: str, got: Any, fix: str | None = None) -> SchemaError:
        return SchemaError(rule, got=got, where=_place(self._file, node.start_mark.line + 1, self._part), fix=fix)

    def spend(self, node: yaml.Node) -> None:
        self._left -= 1
        if self._left < 0:
            raise self.fail(node, "A schema has few aliases", "many more nodes than text", "Write out the aliases")

    def schema(self, root: yaml.Node) -> Schema:
        values: dict[str, Any] = {}
        sections = []
        made = {"sparse_features": SparseFeature, "weighted_features": WeightedFeature, "rules": Rule}
        for key, key_node, node in self.pairs(root, "A schema", SCHEMA_KEYS):
            sections.append(key_node.start_mark.line)
            if self.is_empty(node) and key != "tfx":
                continue
            if key == "features":
                values[key] = self.features(node, (), 0)
            elif key == "string_domains":
                values[key] = {}
                for name, name_node, body in self.pairs(node, key, None):
                    self._lines[f"string domain {name!r}"] = name_node.start_mark.line + 1
                    values[key][name] = self.read(body, tuple[str, ...], f"The domain {name!r}")
            elif key in made:
                kind = key.removesuffix("s").replace("_", " ")
                values[key] = tuple(self.named(node, key, kind, made[key]))
            elif key == "dataset_constraints":
                values[key] = self.struct(node, key, DatasetConstraints)
            elif key == "tfx":
                values[key] = self.text(node, key)
            else:
                values[key] = self.read(node, tuple[str, ...], key)
        comments, rest = comments_of(self._text, self._spans, sections)
        if comments:
            values["features"] = _commented(values["features"], comments, ())
        _annotate(values, rest)
        try:
            return Schema(**values)
        except SchemaError as error:
            line = self._lines.get((error.where or "").partition(", ")[0], root.start_mark.line + 1)
            raise SchemaError(
                error.rule, got=error.got, where=_place(self._file, line, error.where), fix=error.fix
            ) from error

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

    def features(self, node: yaml.Node, parents: tuple[str, ...], depth: int) -> tuple[Feature, ...]:
        if depth > DEEPEST:
            raise self.fail(node, f"Structs are nested {DEEPEST} deep at most", "more")
        return tuple(
            self.feature((*parents, name), name_node, body, depth)
            for name, name_node, body in self.pairs(node, "features", None)
        )

    def feature(self, steps: tuple[str, ...], name_node: yaml.Node, body: yaml.Node, depth: int) -> Feature:
        outer = self._part
        part = self._part = f"feature {'.'.join(steps)!r}"
        mark = name_node.start_mark
        self._lines[part] = mark.line + 1
        self._spans.append(Span(mark.line, mark.column, steps))
        values: dict[str, Any] = {"name": steps[-1]}
        for key, _, node in self.pairs(body, "A feature", FEATURE_KEYS):
            if key == "type":
                values[key] = self.text(node, "a type")
            elif key == "features":
                values[key] = () if self.is_empty(node) else self.features(node, steps, depth + 1)
            else:
                values[key] = self.read(node, _FIELDS.get(key, tuple[str, ...]), key)
        if "type" not in values:
            raise self.fail(name_node, "A feature has a type", "none", "Add 'type: STRING' or another type")
        _annotate(values)
        feature = self.build(Feature, values, name_node)
        self._part = outer
        return feature

    def named(self, node: yaml.Node, key: str, kind: str, cls: type[T]) -> Iterator[T]:
        for name, name_node, body in self.pairs(node, key, None):
            self._part = f"{kind} {name!r}"
            self._lines[self._part] = name_node.start_mark.line + 1
            yield self.struct(body, f"A {kind}", cls, name)
            self._part = None

    def struct(self, node: yaml.Node, what: str, cls: type[T], name: str | None = None) -> T:
        fields = dict(_fields(cls))
        values: dict[str, Any] = {}
        if name is not None:
            values["name"] = name
            del fields["name"]
        for key, _, value in self.pairs(node, what, tuple(fields)):
            values[key] = self.read(value, fields[key].type, key)
        for key, field in fields.items():
            if key not in values and field.default is msgspec.NODEFAULT:
                raise self.fail(node, f"{what} has {key}", "none", f"Add {key}")
        return self.build(cls, values, node)

    def build(self, cls: type[T], values: dict[str, Any], node: yaml.Node) -> T:
        try:
            return cls(**values)
        except SchemaError as error:
            raise self.fail(node, error.rule, error.got, error.fix) from error

    def read(self, node: yaml.Node, kind: Any, key: str) -> Any:
        """Return the value of a node, which has the type of the model's field."""
        import yaml

        if get_origin(kind) in (Union, UnionType):
            kinds = [one for one in get_args(kind) if one is not NoneType]
            if set(kinds) == {int, float}:
                return self.number(node, key)
            (kind,) = kinds
        if get_origin(kind) is tuple:
            if not isinstance(node, yaml.SequenceNode):
                raise self.fail(node, f"{key} is a list", _kind(node), f"Write {key}: [a, b]")
            return tuple(self.read(item, get_args(kind)[0], f"An entry of {key}") for item in node.value)
        if kind is bool:
            return self.flag(node, key)
        if kind is int:
            number = self.number(node, key)
            if not isinstance(number, int):
                raise self.fail(node, f"{key} is a whole number", number)
            return number
        if kind is float:
            return _float(self.number(node, key))
        if kind is str or get_origin(kind) is Literal:
            return self.text(node, key)
        return self.struct(node, key, kind)

    def text(self, node: yaml.Node, what: str) -> str:
        import yaml

        self.spend(node)
        if not isinstance(node, yaml.ScalarNode):
            raise self.fail(node, f"{what} is text", _kind(node))
        if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.endswith(("binary", "set", "omap")):
            raise self.fail(node, "A schema has no YAML tags", node.tag)
        return str(node.value)

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


@cache
def _fields(kind: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.name: field for field in msgspec.structs.fields(kind)}


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _annotate(values: dict[str, Any], more: tuple[str, ...] = ()) -> None:
    """Make one annotation of tags and comments, which stand side by side in the file."""
    given = "tags" in values or "comments" in values or bool(more)
    tags, comments = values.pop("tags", ()), values.pop("comments", ())
    if given:
        values["annotation"] = Annotation(tags, (*comments, *more))


def _commented(
    features: tuple[Feature, ...], comments: dict[tuple[str, ...], tuple[str, ...]], parents: tuple[str, ...]
) -> tuple[Feature, ...]:
    found = []
    for feature in features:
        steps = (*parents, feature.name)
        fields = _commented(feature.features, comments, steps)
        if fields != feature.features:
            feature = msgspec.structs.replace(feature, features=fields)  # noqa: PLW2901
        if steps in comments:
            old = feature.annotation or Annotation()
            annotation = Annotation(old.tags, (*old.comments, *comments[steps]))
            feature = msgspec.structs.replace(feature, annotation=annotation)  # noqa: PLW2901
        found.append(feature)
    return tuple(found)


def _kind(node: yaml.Node) -> str:
    import yaml

    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    return "a list" if isinstance(node, yaml.SequenceNode) else f"the text {node.value!r}"
