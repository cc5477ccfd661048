from __future__ import annotations

from typing import Any, get_args

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors import SchemaError
from headrace.schema import Comparator, Feature, FeatureType, Schema

SHARES = st.floats(0.0, 1.0)
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
COMPARATORS = st.builds(Comparator, jensen_shannon=SHARES) | st.none()
LISTS = st.lists(TEXT, unique=True, max_size=6).map(tuple)


@st.composite
def features(draw: st.DrawFn, name: str) -> Feature:
    kind: FeatureType = draw(st.sampled_from(get_args(FeatureType)))
    extra: dict[str, Any] = {}
    if kind == "STRING":
        values = draw(st.lists(TEXT, unique=True, max_size=30).map(tuple) | st.none())
        nulls = tuple(value for value in draw(LISTS) if value not in (values or ()))
        extra = {"values": values, "null_values": nulls, "unique": draw(st.booleans())}
        if values is not None:
            extra["min_domain_mass"] = draw(SHARES)
    elif kind in ("INT", "FLOAT"):
        numbers = st.integers() if kind == "INT" else st.floats(allow_nan=False)
        low, high = sorted(draw(st.tuples(numbers, numbers)))
        extra = {"min": draw(st.sampled_from([low, None])), "max": draw(st.sampled_from([high, None]))}
        if kind == "FLOAT":
            extra |= {"allow_nan": draw(st.booleans()), "allow_infinity": draw(st.booleans())}
    if kind != "TIMESTAMP":
        extra |= {"drift": draw(COMPARATORS), "skew": draw(COMPARATORS)}
    return Feature(name, kind, draw(SHARES), not_in_environment=draw(LISTS), **extra)


NAMES = st.lists(TEXT.filter(bool), unique=True, max_size=5)
SCHEMAS = NAMES.flatmap(lambda names: st.tuples(*map(features, names))).map(Schema)


@settings(deadline=None, max_examples=150)
@given(SCHEMAS)
def test_what_is_written_reads_back_the_same(schema: Schema) -> None:
    text = schema.to_yaml()
    assert Schema.from_yaml(text) == schema
    assert Schema.from_yaml(text).to_yaml() == text


@settings(deadline=None, max_examples=100)
@given(SCHEMAS)
def test_other_yaml_readers_see_the_same_strings(schema: Schema) -> None:
    plain = yaml.safe_load(schema.to_yaml())["features"]
    assert list(plain) == list(schema.names)
    for feature in schema.features:
        assert tuple(plain[feature.name].get("values") or ()) == (feature.values or ())


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=60) | st.text("{}[]:,&*!|>'\"%@`- \n\tab?<#~", max_size=60).map("features:".__add__))
def test_odd_text_is_refused_and_never_crashes(text: str) -> None:
    try:
        schema = Schema.from_yaml(text)
    except SchemaError:
        return
    assert Schema.from_yaml(schema.to_yaml()) == schema


def test_the_form_is_short_and_stable() -> None:
    schema = Schema(
        (
            Feature("age", "INT", 1.0, min=0, max=120),
            Feature("yes", "STRING", 0.5, values=("<=50K", "10th", "no", "1e5", "a b"), drift=Comparator(linf=0.1)),
        )
    )
    body = [line for line in schema.to_yaml().splitlines() if not line.startswith("#")]
    assert body == [
        "features:",
        "  age:",
        "    type: INT",
        "    min_fraction: 1.0",
        "    min: 0",
        "    max: 120",
        '  "yes":',
        "    type: STRING",
        "    min_fraction: 0.5",
        '    values: ["<=50K", 10th, "no", "1e5", a b]',
        "    drift: {linf: 0.1}",
    ]


def test_long_lists_are_wrapped() -> None:
    schema = Schema((Feature("city", "STRING", values=tuple(f"city number {i}" for i in range(50))),))
    lines = schema.to_yaml().splitlines()
    assert max(map(len, lines[2:])) <= 100
    assert len(lines) < 20
    assert Schema.from_yaml(schema.to_yaml()) == schema


def test_words_that_yaml_takes_for_values_stay_strings() -> None:
    text = "features:\n  answer:\n    type: STRING\n    values: [yes, No, null, 1, 2013-01-01]\n"
    assert Schema.from_yaml(text)["answer"].values == ("yes", "No", "null", "1", "2013-01-01")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("features:\n  a:\n    tpe: INT\n", r"schema.yaml, line 3, feature 'a'.*Did you mean 'type'"),
        ("features:\n  a:\n    type: INT\n    min: x\n", r"min is a number; got x \(schema.yaml, line 4"),
        ("features:\n  a:\n    type: INT\n    min: 3\n    max: 2\n", r"min is not above max.*line 2, feature 'a'"),
        ("features:\n  a: {type: INT}\n  a: {type: INT}\n", r"each key once; got 'a' again; first in line 2.*line 3"),
        ("features:\n  a: {type: INT, type: INT}\n", "each key once"),
        ("features:\n  a: {min: 3}\n", "A feature has a type"),
        ("features:\n  a: INT\n", r"A feature is a mapping.*the text 'INT'"),
        ("features:\n  a: {type: STRING, values: x}\n", "values is a list"),
        ("features:\n  a: {type: STRING, values: [[x]]}\n", "An entry of values is text; got a list"),
        ("features:\n  a: {type: STRING, strip: 1}\n", "strip is true or false"),
        ("features:\n  a: {type: INT, drift: {js: 1}}\n", "only known keys; got js"),
        ("features:\n  a: {type: INT, drift: {}}\n", "A comparator has a threshold"),
        ("features: !!python/object:os.system {}\n", "no YAML tags"),
        ("features:\n  a: {type: !!binary INT}\n", "no YAML tags"),
        ("feature: {}\n", "Did you mean 'features'"),
        ("", "an empty file"),
        ("[1, 2]", "a list"),
        ("features:\n  a: {type: INT\n", "valid YAML.*line"),
        ("[" * 5000, "valid YAML"),
        ('"\\UFFFFFFFF"', "valid YAML"),
        ("a: &x [*x]", "only known keys"),
        ("features: &x {a: *x}", "only known keys; got a"),
    ],
)
def test_complaints_name_the_place(text: str, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        Schema.from_yaml(text, file="schema.yaml")


def test_a_bomb_of_aliases_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30)]
    with pytest.raises(SchemaError, match="only known keys"):
        Schema.from_yaml("\n".join(lines))
