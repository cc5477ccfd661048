"""The schema: what the columns of the data should look like, together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

import msgspec

from headrace.errors import SchemaError, did_you_mean
from headrace.schema.domains import (
    Annotation,
    BoolDomain,
    DatasetConstraints,
    ImageDomain,
    NaturalLanguageDomain,
    Range,
    Rule,
    SemanticDomain,
    SparseFeature,
    TimeDomain,
    WeightedFeature,
)
from headrace.schema.feature import Feature

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandera.pandas
    import pyarrow as pa

__all__ = ["DEEPEST", "Domain", "Schema"]

# Messages of TensorFlow Metadata cannot be much deeper, and nor can data that people understand.
DEEPEST = 40

Domain: TypeAlias = tuple[str, ...] | str | Range | BoolDomain | TimeDomain | ImageDomain | NaturalLanguageDomain
_NO_DOMAIN: dict[str, Any] = dict.fromkeys(
    ("values", "domain", "bool_domain", "time_domain", "image_domain", "natural_language_domain", "semantic_domain")
) | {"min": None, "max": None, "min_domain_mass": 1.0}


class Schema(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """What the data should look like, one feature a column, in the order of the columns.

    Parameters
    ----------
    features
        One a column.
    string_domains
        Lists of values that several features share, by name.
    default_environments
        The environments that features are in which name none; all there are where it is empty.
    sparse_features, weighted_features
        Features that are made of others.
    dataset_constraints
        How many rows there may be.
    rules
        Checks in SQL.
    annotation
        Tags and comments on the whole.
    tfx
        What a schema of TFX says that headrace has no word for, in protocol buffer text; it is kept and written back,
        and nothing else.

    Raises
    ------
    SchemaError
        If two features have the same name, or one part names another that is not there.
    """

    features: tuple[Feature, ...] = ()
    string_domains: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    default_environments: tuple[str, ...] = ()
    sparse_features: tuple[SparseFeature, ...] = ()
    weighted_features: tuple[WeightedFeature, ...] = ()
    dataset_constraints: DatasetConstraints | None = None
    rules: tuple[Rule, ...] = ()
    annotation: Annotation | None = None
    tfx: str = ""

    def __post_init__(self) -> None:
        _once("Each feature stands once in a schema", [feature.name for feature in self.features])
        _once("Each default environment stands once", self.default_environments)
        _once("Each rule has its own name", [rule.name for rule in self.rules])
        for name, values in self.string_domains.items():
            if not name:
                raise SchemaError("A string domain has a name", got=name)
            _once("A domain lists each value once", values, f"string domain {name!r}")
        for feature in self.features:
            if feature.group_required:
                raise SchemaError(
                    "group_required is for fields of a struct",
                    got="a column",
                    where=f"feature {feature.name!r}",
                    fix="Use min_fraction: 1.0",
                )
            self._check_names(feature, feature.name, 0)
        self._check_made()
        for rule in self.rules:
            for name in rule.features:
                self._demand(name, "A rule is about features of the schema", f"rule {rule.name!r}")

    def _check_names(self, feature: Feature, path: str, depth: int) -> None:
        if depth > DEEPEST:
            raise SchemaError(f"Structs are nested {DEEPEST} deep at most", got="more", where=f"feature {path[:80]!r}")
        language = feature.natural_language_domain
        vocabulary = None if language is None else language.vocabulary
        for key, name in (("domain", feature.domain), ("vocabulary", vocabulary)):
            if name is not None and name not in self.string_domains:
                raise SchemaError(
                    f"{key} names one of the schema's string_domains",
                    got=name,
                    where=f"feature {path!r}",
                    fix=did_you_mean(name, self.string_domains),
                )
        if feature.domain is not None and (feature.strip or feature.null_values):
            # The checks of values written in place.
            try:
                msgspec.structs.replace(feature, domain=None, values=self.string_domains[feature.domain])
            except SchemaError as error:
                where = f"feature {path!r}, string domain {feature.domain!r}"
                raise SchemaError(error.rule, got=error.got, where=where, fix=error.fix) from error
        for field in feature.features:
            self._check_names(field, f"{path}.{field.name}", depth + 1)

    def _check_made(self) -> None:
        made: list[tuple[str, str, tuple[str, ...]]] = [
            ("sparse", sparse.name, (sparse.value_feature, *sparse.index_features)) for sparse in self.sparse_features
        ]
        made += [("weighted", one.name, (one.feature, one.weight_feature)) for one in self.weighted_features]
        _once("Each sparse or weighted feature has its own name", [name for _, name, _ in made])
        for kind, name, parts in made:
            where = f"{kind} feature {name!r}"
            namesake = self.get(name)
            if namesake is not None and namesake.is_validated:
                raise SchemaError(
                    f"A {kind} feature has another name than the columns", got=name, where=where, fix="Rename it"
                )
            for part in parts:
                self._demand(part, f"A {kind} feature is made of features of the schema", where)

    def _demand(self, path: str, rule: str, where: str) -> None:
        if _find(self.features, path) is None:
            raise SchemaError(rule, got=path, where=where, fix=did_you_mean(path, self.paths))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def paths(self) -> tuple[str, ...]:
        """Names of the features, and below each struct those of its fields, with dots between the steps."""
        return tuple(".".join(steps) for steps, _ in self.walk())

    def walk(self) -> Iterator[tuple[tuple[str, ...], Feature]]:
        """Yield each feature with the steps of its path, structs before their fields."""
        stack: list[tuple[tuple[str, ...], Feature]] = [
            ((feature.name,), feature) for feature in reversed(self.features)
        ]
        while stack:
            steps, feature = stack.pop()
            yield steps, feature
            stack.extend(((*steps, field.name), field) for field in reversed(feature.features))

    @property
    def environments(self) -> tuple[str, ...]:
        """All environments that some part mentions, sorted."""
        named = set(self.default_environments)
        for _, feature in self.walk():
            named.update(feature.not_in_environment, feature.in_environment)
        for rule in self.rules:
            named.update(rule.environments)
        return tuple(sorted(named))

    def __iter__(self) -> Iterator[Feature]:
        return iter(self.features)

    def __len__(self) -> int:
        return len(self.features)

    def __contains__(self, name: object) -> bool:
        return any(feature.name == name for feature in self.features)

    def __getitem__(self, name: str) -> Feature:
        found = self.get(name)
        if found is None:
            raise SchemaError("A feature that the schema has is wanted", got=name, fix=did_you_mean(name, self.names))
        return found

    def get(self, name: str) -> Feature | None:
        """Return the feature of a name; None where there is none."""
        return next((feature for feature in self.features if feature.name == name), None)

    def at(self, path: str | Sequence[str]) -> Feature:
        """Return a feature or a field of a struct.

        Parameters
        ----------
        path
            The steps, or one text with dots between them; a column whose own name has dots is found too.

        Raises
        ------
        SchemaError
            If there is none.
        """
        found = self._steps(path)
        return found[-1]

    def _steps(self, path: str | Sequence[str]) -> tuple[Feature, ...]:
        found = _find(self.features, path) if isinstance(path, str) else _follow(self.features, tuple(path))
        if found is None:
            name = path if isinstance(path, str) else ".".join(path)
            raise SchemaError("A feature that the schema has is wanted", got=name, fix=did_you_mean(name, self.paths))
        return found

    def with_feature(self, feature: Feature, *, under: str | Sequence[str] = ()) -> Schema:
        """Return a schema in which ``feature`` takes the place of its namesake, or stands at the end.

        Parameters
        ----------
        feature
            The feature.
        under
            The path of the struct that it is a field of; a column when empty.
        """
        parents = self._steps(under) if under else ()
        for parent in reversed(parents):
            feature = msgspec.structs.replace(parent, features=_placed(parent.features, feature))
        return msgspec.structs.replace(self, features=_placed(self.features, feature))

    def without_feature(self, path: str | Sequence[str]) -> Schema:
        """Return a schema without a feature, or a field of a struct; it must be there.

        What is made of it, and rules about it alone, go with it.
        """
        *parents, gone = self._steps(path)
        if not parents:
            return self._only(tuple(feature for feature in self.features if feature is not gone))
        struct = parents.pop()
        fields = tuple(field for field in struct.features if field is not gone)
        changed: Feature = msgspec.structs.replace(struct, features=fields)
        for parent in reversed(parents):
            changed = msgspec.structs.replace(parent, features=_placed(parent.features, changed))
        return self._only(_placed(self.features, changed))

    def in_environment(self, environment: str | None) -> Schema:
        """Return the schema of one environment: without features, parts and rules that are absent there.

        A feature is there that names the environment in ``in_environment``; it is not there where
        ``not_in_environment`` names it; otherwise the ``default_environments`` decide, where there are some.
        """
        if environment is None:
            return self
        rules = tuple(rule for rule in self.rules if not rule.environments or environment in rule.environments)
        return self._only(_inside(self.features, environment, self.default_environments), rules)

    def _only(self, features: tuple[Feature, ...], rules: tuple[Rule, ...] | None = None) -> Schema:
        """Return the schema of some features, with the parts that can do with them."""

        def here(*paths: str) -> bool:
            return all(_find(features, path) is not None for path in paths)

        kept = []
        for rule in self.rules if rules is None else rules:
            left = tuple(name for name in rule.features if here(name))
            # A rule over rows needs each of its columns; one over statistics holds for the features that are left.
            if left == rule.features or (left and rule.over == "statistics"):
                kept.append(msgspec.structs.replace(rule, features=left))
        return msgspec.structs.replace(
            self,
            features=features,
            sparse_features=tuple(s for s in self.sparse_features if here(s.value_feature, *s.index_features)),
            weighted_features=tuple(w for w in self.weighted_features if here(w.feature, w.weight_feature)),
            rules=tuple(kept),
        )

    def get_domain(self, path: str | Sequence[str]) -> Domain | None:
        """Return the domain of a feature: its values, also those of a shared domain, its range, or what it means.

        None where any value is fine; a semantic domain as ``"url"``.
        """
        feature = self.at(path)
        if feature.domain is not None:
            return self.string_domains[feature.domain]
        if feature.min is not None or feature.max is not None:
            return Range(feature.min, feature.max)
        kinds = (
            feature.bool_domain,
            feature.time_domain,
            feature.image_domain,
            feature.natural_language_domain,
            feature.semantic_domain,
        )
        return feature.values if feature.values is not None else next((one for one in kinds if one is not None), None)

    def set_domain(self, path: str | Sequence[str], domain: Domain | None) -> Schema:
        """Return a schema in which a feature has another domain.

        Parameters
        ----------
        path
            The feature.
        domain
            Values of strings, the name of one of the ``string_domains``, a :class:`Range`, a domain that says what
            the values mean, a semantic domain as ``"url"``, or None for any value.

        Raises
        ------
        SchemaError
            If there is no such feature or named domain, or the domain does not fit the feature's type.
        """
        *parents, feature = self._steps(path)
        change: dict[str, Any] = {}
        if isinstance(domain, tuple):
            change = {"values": domain}
        elif isinstance(domain, str):
            semantic = domain not in self.string_domains and domain in get_args(SemanticDomain)
            change = {"semantic_domain" if semantic else "domain": domain}
        elif isinstance(domain, Range):
            change = {"min": domain.min, "max": domain.max}
        elif domain is not None:
            keys = {
                BoolDomain: "bool_domain",
                TimeDomain: "time_domain",
                ImageDomain: "image_domain",
                NaturalLanguageDomain: "natural_language_domain",
            }
            change = {keys[type(domain)]: domain}
        if "values" in change or "domain" in change:
            change["min_domain_mass"] = feature.min_domain_mass
        changed: Feature = msgspec.structs.replace(feature, **(_NO_DOMAIN | change))
        return self.with_feature(changed, under=[parent.name for parent in parents])

    def arrow_schema(self) -> pa.Schema:
        """Return Arrow fields of the snapshot's types; required columns are not nullable.

        Lists are lists, of a fixed size where the shape is fixed, and structs have their fields. How strings are
        cleaned stands in the fields' metadata.
        """
        from headrace.schema.arrow import arrow_schema

        return arrow_schema(self)

    def to_yaml(self) -> str:
        """Return the YAML form: short, in the order of the columns, the same for the same schema."""
        from headrace.schema.yaml_form import write_yaml

        return write_yaml(self)

    @classmethod
    def from_yaml(cls, text: str, *, file: str | None = None) -> Schema:
        """Read the YAML form.

        Raises
        ------
        SchemaError
            If it is no YAML, has unknown keys or contradicts itself; ``where`` has ``file``, line and feature.
        """
        from headrace.schema.yaml_reader import read_yaml

        return read_yaml(text, file)

    def save(self, path: str | Path) -> None:
        """Write the YAML form; the file is there whole or not at all (StorageError)."""
        from headrace.storage import write_atomic

        write_atomic(path, self.to_yaml())

    @classmethod
    def load(cls, path: str | Path) -> Schema:
        """Read a YAML file.

        Raises
        ------
        SchemaError
            If there is no such file, or it cannot be understood.
        """
        file = Path(path)
        return cls.from_yaml(_text(file, "A schema is a readable YAML file in UTF-8"), file=str(file))

    def to_pbtxt(self) -> str:
        """Return the text form of TensorFlow Metadata, the ``schema.pbtxt`` of TFX; needs the extra ``tfx``.

        What TensorFlow Metadata has no word for stands in an annotation, from which :meth:`from_pbtxt` reads it;
        TFX takes no notice of it.

        Raises
        ------
        MissingExtraError
            If tensorflow-metadata is not installed.
        SchemaError
            If a text is not valid Unicode.
        """
        from headrace.schema.tfmd import write_pbtxt

        return write_pbtxt(self)

    @classmethod
    def from_pbtxt(cls, source: str | Path) -> Schema:
        """Read the ``schema.pbtxt`` of TFX; needs the extra ``tfx``.

        What headrace has no word for is kept as it is in ``tfx``, written back by :meth:`to_pbtxt`, and named by a
        warning.

        Parameters
        ----------
        source
            The text, or a path: a :class:`~pathlib.Path`, or one line that ends in ``.pbtxt``.

        Raises
        ------
        MissingExtraError
            If tensorflow-metadata is not installed.
        SchemaError
            If there is no such file, or it is no schema; ``where`` has the line or the feature.

        Warns
        -----
        UserWarning
            If there are parts that headrace does not check.
        """
        import warnings

        from headrace.schema.tfmd import read_pbtxt

        if isinstance(source, Path) or ("\n" not in source and source.endswith(".pbtxt")):
            file = Path(source)
            schema, notes = read_pbtxt(_text(file, "A schema of TFX is a readable text file in UTF-8"), file=str(file))
        else:
            schema, notes = read_pbtxt(source)
        if notes:
            warnings.warn(
                f"Kept as they are and not checked, since headrace has no word for them: {', '.join(notes)}",
                stacklevel=2,
            )
        return schema

    def to_json_schema(self, *, environment: str | None = None) -> dict[str, Any]:
        """Return JSON Schema, draft 2020-12, of one row as an object, after cleaning.

        Parameters
        ----------
        environment
            Describe the rows of this environment; those with all columns when None.
        """
        from headrace.schema.json_schema import json_schema

        return json_schema(self.in_environment(environment))

    def to_pandera(self, *, environment: str | None = None) -> pandera.pandas.DataFrameSchema:
        """Return a ``DataFrameSchema`` of Pandera for frames of pandas, after cleaning; needs the extra ``pandera``.

        It has types, presence, values, ranges and uniqueness. Numbers of rows, distances between data sets, rules in
        SQL and the numbers of values in lists are not in it.

        Parameters
        ----------
        environment
            Describe the frames of this environment; those with all columns when None.

        Raises
        ------
        MissingExtraError
            If Pandera or pandas is not installed.
        """
        from headrace.schema.pandera_form import pandera_schema

        return pandera_schema(self.in_environment(environment))

    def _repr_html_(self) -> str:
        from headrace.schema.view import schema_view
        from headrace.viz import embed

        return embed(schema_view(self))


def _text(file: Path, rule: str) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(rule, got=str(error), where=str(file)) from error


def _once(rule: str, names: Sequence[str], where: str | None = None) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SchemaError(rule, got=f"{name!r} twice", where=where)
        seen.add(name)


def _find(features: Sequence[Feature], path: str) -> tuple[Feature, ...] | None:
    """Return the feature of a path with dots, behind the structs around it."""
    for feature in features:
        if feature.name == path:
            return (feature,)
    for feature in features:
        if feature.features and path.startswith(f"{feature.name}."):
            below = _find(feature.features, path[len(feature.name) + 1 :])
            if below is not None:
                return (feature, *below)
    return None


def _follow(features: Sequence[Feature], steps: tuple[str, ...]) -> tuple[Feature, ...] | None:
    for feature in features:
        if steps and feature.name == steps[0]:
            below = _follow(feature.features, steps[1:]) if len(steps) > 1 else ()
            return None if below is None else (feature, *below)
    return None


def _placed(features: tuple[Feature, ...], feature: Feature) -> tuple[Feature, ...]:
    if all(old.name != feature.name for old in features):
        return (*features, feature)
    return tuple(feature if old.name == feature.name else old for old in features)


def _inside(features: tuple[Feature, ...], environment: str, default: tuple[str, ...]) -> tuple[Feature, ...]:
    kept = []
    for feature in features:
        if feature.is_in(environment, default):
            # A field that names no environment is wherever its struct is.
            fields = _inside(feature.features, environment, ())
            kept.append(feature if fields == feature.features else msgspec.structs.replace(feature, features=fields))
    return tuple(kept)
