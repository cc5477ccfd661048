from __future__ import annotations

import pytest

from headrace.errors import SchemaError
from headrace.schema import Comparator, Feature, Schema


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
