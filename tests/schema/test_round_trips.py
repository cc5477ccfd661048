"""Any schema survives its written forms; any text is understood or refused."""

from __future__ import annotations

import string
from typing import Any, Literal, get_args

import msgspec
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors import SchemaError
from headrace.schema import (
    Annotation,
    BoolDomain,
    Comparator,
    DatasetConstraints,
    Feature,
    FeatureType,
    ImageDomain,
    LifecycleStage,
    NaturalLanguageDomain,
    NumExamplesComparator,
    Rule,
    Schema,
    SparseFeature,
    TimeDomain,
    TokenConstraint,
    UniqueConstraints,
    ValueCountRange,
    WeightedFeature,
    diff,
)

SHARES = st.floats(0.0, 1.0)
TEXT = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(["#", "a # b", "- x", "yes", "1e5", "é\n"])
NAMES = TEXT.filter(lambda text: bool(text.strip()))
LISTS = st.lists(TEXT, unique=True, max_size=4).map(tuple)
STAGES = st.sampled_from([None, *get_args(LifecycleStage)])
COUNTS = st.integers(0, 2**70) | st.integers(0, 5)
ANNOTATIONS = st.none() | st.builds(Annotation, LISTS, st.lists(TEXT, max_size=3).map(tuple))
THRESHOLDS = ("jensen_shannon", "normalized_abs_difference", "psi", "hellinger", "chi_squared")
DOMAINS = {"Farben": ("rot", "blau"), "#": (), "words": ("a", "b\n", " c")}


def bounds(numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    """Return a lower and an upper bound, either of which may be None."""
    pairs = st.tuples(numbers, numbers).map(sorted)
    return st.tuples(pairs, st.booleans(), st.booleans()).map(
        lambda drawn: (drawn[0][0] if drawn[1] else None, drawn[0][1] if drawn[2] else None)
    )


def comparators(more: tuple[str, ...] = ()) -> st.SearchStrategy[Comparator | None]:
    return st.none() | st.dictionaries(st.sampled_from([*THRESHOLDS, *more]), SHARES, min_size=1).map(
        lambda given: Comparator(**given)
    )


TOKENS = st.builds(
    lambda token, rows, shares: TokenConstraint(token, *rows, *shares), TEXT, bounds(COUNTS), bounds(SHARES)
)
LANGUAGE = st.builds(
    NaturalLanguageDomain,
    st.just("words"),
    st.none() | SHARES,
    st.none() | st.floats(0, allow_nan=False),
    st.sampled_from([None, "", "^a+$", "\\d' #"]),
    st.lists(TOKENS, max_size=2, unique_by=lambda one: one.token).map(tuple),
)
TEXT_DOMAINS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(lambda values, mass: {"values": values, "min_domain_mass": mass}, LISTS, SHARES),
    st.builds(lambda name, mass: {"domain": name, "min_domain_mass": mass}, st.sampled_from([*DOMAINS]), SHARES),
    st.builds(lambda true, false: {"bool_domain": BoolDomain("x" + true, false)}, TEXT, st.none() | st.just("no")),
    st.builds(lambda text: {"time_domain": TimeDomain(string_format=text)}, st.none() | TEXT),
    LANGUAGE.map(lambda domain: {"natural_language_domain": domain}),
    st.sampled_from(["url", "mid", "email", "time_of_day"]).map(lambda kind: {"semantic_domain": kind}),
    st.just({}),
)
NUMBER_DOMAINS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(lambda text: {"bool_domain": BoolDomain(text)}, st.none() | TEXT), st.just({}), st.just({})
)
INT_DOMAINS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.sampled_from([TimeDomain(), TimeDomain(None, "unix_days")]).map(lambda time: {"time_domain": time}),
    st.sampled_from([{"is_categorical": True}, {"semantic_domain": "time_of_day"}]),
)
SHAPES = st.one_of(
    st.lists(st.builds(lambda pair: ValueCountRange(*pair), bounds(COUNTS)), max_size=3).map(
        lambda ranges: {"value_counts": tuple(ranges)}
    ),
    st.lists(st.integers(0, 9), max_size=3).map(lambda shape: {"shape": tuple(shape)}),
)


@st.composite
def features(draw: st.DrawFn, depth: int = 0) -> Feature:
    """Return a feature with everything that its type allows."""
    kind: FeatureType = draw(st.sampled_from(get_args(FeatureType)))
    given: dict[str, Any] = {}
    if kind == "STRING":
        given = dict(draw(TEXT_DOMAINS))
        domain = given.get("values") or DOMAINS.get(given.get("domain", ""), ())
        given["null_values"] = tuple(value for value in draw(LISTS) if value not in domain)
        given["unique"] = draw(st.booleans())
    elif kind in ("INT", "FLOAT"):
        given = dict(draw(NUMBER_DOMAINS if kind == "FLOAT" else NUMBER_DOMAINS | INT_DOMAINS))
        if "bool_domain" not in given:
            numbers = st.integers() if kind == "INT" else st.floats(allow_nan=False)
            given["min"], given["max"] = draw(bounds(numbers))
        if kind == "FLOAT":
            given |= {"allow_nan": draw(st.booleans()), "allow_infinity": draw(st.booleans())}
        if kind == "INT":
            given["unique"] = draw(st.booleans())
    elif kind == "BYTES" and draw(st.booleans()):
        given["image_domain"] = ImageDomain(draw(st.none() | SHARES), draw(st.none() | COUNTS))
    elif kind == "STRUCT" and depth < 2:
        given["features"] = tuple(
            draw(st.lists(features(depth + 1), max_size=2, unique_by=lambda feature: feature.name))
        )
    if kind not in ("TIMESTAMP", "STRUCT", "BYTES"):
        watched = comparators(("wasserstein", "kolmogorov_smirnov")) if kind in ("INT", "FLOAT") else comparators()
        given |= {"drift": draw(watched), "skew": draw(watched)}
    if kind not in ("BOOL", "STRUCT"):
        low, high = draw(bounds(COUNTS))
        given["unique_constraints"] = UniqueConstraints(low, None if given.get("unique") else high)
    given |= draw(SHAPES)
    outside = draw(LISTS)
    name = draw(NAMES)
    return Feature(
        name,
        kind,
        draw(st.just(0.0) | SHARES),
        min_count=draw(st.just(0) | COUNTS),
        group_required=depth > 0 and draw(st.booleans()),
        not_in_environment=outside,
        in_environment=tuple(one for one in draw(LISTS) if one not in outside),
        lifecycle_stage=draw(STAGES),
        annotation=draw(ANNOTATIONS),
        derived_from=tuple(one for one in draw(LISTS) if one != name),
        **given,
    )


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """Return a schema with everything in it."""
    columns = draw(st.lists(features(), max_size=3, unique_by=lambda feature: feature.name))
    names = [feature.name for feature in columns]
    fresh = NAMES.filter(lambda name: name not in names)
    sparse: list[SparseFeature] = []
    weighted: list[WeightedFeature] = []
    if len(names) > 1:
        for name in draw(st.lists(fresh, max_size=2, unique=True)):
            if draw(st.booleans()):
                shape = draw(st.none() | st.tuples(st.integers(0, 2**40)))
                sparse.append(SparseFeature(name, names[0], (names[1],), draw(st.booleans()), shape, draw(STAGES)))
            else:
                weighted.append(WeightedFeature(name, names[1], names[0], draw(STAGES)))
    overs: list[Literal["rows", "statistics"]] = ["rows", "statistics"]
    rules = [
        Rule(
            name,
            draw(NAMES),
            over,
            tuple(draw(st.lists(st.sampled_from(names), unique=True, max_size=2))) if names else (),
            draw(st.sampled_from(["error", "warning"])),
            draw(TEXT),
            draw(SHARES) if over == "rows" else 0.0,
            draw(LISTS),
        )
        for name in draw(st.lists(NAMES, max_size=2, unique=True))
        for over in [draw(st.sampled_from(overs))]
    ]
    few = draw(st.none() | st.builds(lambda pair: NumExamplesComparator(*pair), bounds(st.floats(0, 1e9))))
    return Schema(
        tuple(columns),
        string_domains=DOMAINS,
        default_environments=draw(LISTS),
        sparse_features=tuple(sparse),
        weighted_features=tuple(weighted),
        dataset_constraints=draw(st.none() | st.just(DatasetConstraints(*draw(bounds(COUNTS)), few))),
        rules=tuple(rules),
        annotation=draw(ANNOTATIONS),
    )


@settings(deadline=None, max_examples=80)
@given(schemas())
def test_yaml_reads_back_the_same(schema: Schema) -> None:
    text = schema.to_yaml()
    assert Schema.from_yaml(text) == schema
    assert Schema.from_yaml(text).to_yaml() == text


@settings(deadline=None, max_examples=40)
@given(schemas())
def test_other_yaml_readers_see_the_same_strings(schema: Schema) -> None:
    plain = yaml.safe_load(schema.to_yaml())
    assert list(plain["features"]) == list(schema.names)
    for feature in schema.features:
        assert tuple(plain["features"][feature.name].get("values") or ()) == (feature.values or ())
    assert {key: tuple(values) for key, values in plain["string_domains"].items()} == DOMAINS


@settings(deadline=None, max_examples=40)
@given(schemas(), schemas())
def test_a_difference_is_told_exactly_where_there_is_one(old: Schema, new: Schema) -> None:
    assert diff(old, old) == ()
    assert diff(old, uncommented(old)) == ()
    assert bool(diff(old, new)) == (uncommented(old) != uncommented(new))
    for change in diff(old, new):
        assert str(change)
        assert msgspec.to_builtins(change)["kind"] == change.kind


def uncommented(schema: Schema) -> Schema:
    """Return the schema without comments, and without annotations that say nothing."""

    def bare(annotation: Annotation | None) -> Annotation | None:
        return Annotation(annotation.tags) if annotation is not None and annotation.tags else None

    def inner(features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        return tuple(
            msgspec.structs.replace(one, features=inner(one.features), annotation=bare(one.annotation))
            for one in features
        )

    return msgspec.structs.replace(schema, features=inner(schema.features), annotation=bare(schema.annotation))


WORDS = ["features", "type", "values", "rules", "sql", "domain", "value_counts", "STRUCT", "STRING", "INT", "min"]
MARKS = [*"[]{}:,-&*!|>'#a1", ": ", "\n", "\n  ", "\n    ", "&x ", "*x ", "1e999"]
ODD = st.one_of(
    st.text(max_size=60),
    st.text("{}[]:,&*!|>'\"%@`- \n\tab?<#~", max_size=60).map("features:".__add__),
    st.lists(st.sampled_from([*WORDS, *MARKS]), max_size=40).map("".join),
    st.text(string.printable, max_size=40).map("features:\n  a:\n    type: STRUCT\n    ".__add__),
)


@settings(deadline=None, max_examples=300)
@given(ODD)
def test_odd_text_is_refused_and_never_crashes(text: str) -> None:
    try:
        schema = Schema.from_yaml(text)
    except SchemaError:
        return
    assert Schema.from_yaml(schema.to_yaml()) == schema


@settings(deadline=None, max_examples=80)
@given(schemas())
def test_the_form_of_tfx_reads_back_the_same(schema: Schema) -> None:
    text = schema.to_pbtxt()
    assert Schema.from_pbtxt(text) == schema
    assert Schema.from_pbtxt(text).to_pbtxt() == text


@st.composite
def mistyped(draw: st.DrawFn, text: str) -> str:
    """Return text with a few slips of the hand."""
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(text)))
        text = (
            text[:place] + draw(st.text(":{}[],&*!#-\n '\"1ax", max_size=3)) + text[place + draw(st.integers(0, 4)) :]
        )
    return text


@settings(deadline=None, max_examples=60)
@given(schemas().flatmap(lambda schema: mistyped(schema.to_yaml())))
def test_a_file_with_slips_is_refused_or_read(text: str) -> None:
    try:
        schema = Schema.from_yaml(text)
    except SchemaError:
        return
    assert Schema.from_yaml(schema.to_yaml()) == schema
