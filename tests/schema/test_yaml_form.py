from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from headrace.errors import SchemaError
from headrace.schema import (
    Annotation,
    Comparator,
    DatasetConstraints,
    Feature,
    NaturalLanguageDomain,
    NumExamplesComparator,
    Rule,
    Schema,
    SparseFeature,
    TimeDomain,
    TokenConstraint,
    ValueCountRange,
    WeightedFeature,
)


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


ASSETS = Path(__file__).with_name("assets")


def test_files_of_the_first_version_read_and_write_the_same() -> None:
    schema = Schema.load(ASSETS / "first.yaml")
    assert schema == Schema(
        (
            Feature(
                "age",
                "INT",
                1.0,
                min=0,
                max=120,
                drift=Comparator(jensen_shannon=0.01),
                skew=Comparator(jensen_shannon=0.5),
            ),
            Feature("fare", "FLOAT", 0.25, min=float("-inf"), max=1e-300, allow_nan=True, allow_infinity=True),
            Feature("key", "INT", 0.0, unique=True),
            Feature(
                "job",
                "STRING",
                0.5,
                values=("a b", "yes", 'quo"te', "é", "1e5", "", "<=50K"),
                min_domain_mass=0.9,
                null_values=("?", "n/a"),
                drift=Comparator(linf=0.1, jensen_shannon=0.2),
            ),
            Feature(
                "city",
                "STRING",
                values=tuple(f"city number {i}" for i in range(30)),
                strip=True,
                not_in_environment=("serving", "lab"),
            ),
            Feature("on", "BOOL", 1.0),
            Feature("at", "TIMESTAMP"),
        )
    )
    assert schema.to_yaml() == (ASSETS / "first.yaml").read_text("utf-8")


def comments(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().startswith("#")]


def test_what_people_wrote_above_their_features_stays() -> None:
    text = (ASSETS / "flights.yaml").read_text("utf-8")
    written = Schema.from_yaml(text).to_yaml()
    assert [line for line in comments(written) if line in comments(text)] == comments(text)
    assert "# What the label is made of, so drift here is drift of the label.\n  arr_delay:" in written
    assert Schema.from_yaml(written).to_yaml() == written


COMMENTED = """\
# What each column of the data should look like. Review changes to it like code.
# Of people.
#
# And their homes.

features:   # all of them
  # Ask Ada.

  # She knows.
  age:  # in years
    type: INT
    # not of babies
    min: 1  # a lower bound
  "#name":
    type: STRUCT
    features:
      # Inside.
      a: {type: STRING, values: ["# no", '# comment', b]} # after all
      b:
        type: STRING
        # Of b.
    # Of the struct.
  # Of nobody, at the end.
# Below.
rules:
  # Of a rule.
  one: {sql: "a = '# no comment'"}
"""


def test_comments_belong_to_what_follows_or_surrounds_them() -> None:
    schema = Schema.from_yaml(COMMENTED)

    def of(path: str) -> tuple[str, ...]:
        annotation = schema.at(path).annotation
        return annotation.comments if annotation is not None else ()

    assert of("age") == ("Ask Ada.", "She knows.", "in years", "not of babies", "a lower bound")
    assert of("#name") == ("Of the struct.",)
    assert of("#name.a") == ("Inside.", "after all")
    assert of("#name.b") == ("Of b.",)
    assert schema.annotation is not None
    assert schema.annotation.comments == (
        *("Of people.", "", "And their homes.", "all of them"),
        *("Of nobody, at the end.", "Below.", "Of a rule."),
    )
    assert schema.at("#name.a").values == ("# no", "# comment", "b")
    written = schema.to_yaml()
    assert written.splitlines()[2:11] == [
        "# Of people.",
        "#",
        "# And their homes.",
        "# all of them",
        "# Of nobody, at the end.",
        "# Below.",
        "# Of a rule.",
        "features:",
        "  # Ask Ada.",
    ]
    assert Schema.from_yaml(written) == schema


def test_comments_survive_a_change() -> None:
    schema = Schema.from_yaml(COMMENTED)
    wider = schema.with_feature(msgspec.structs.replace(schema["age"], max=3))
    assert "  # Ask Ada.\n" in wider.to_yaml()
    assert "    max: 3\n" in wider.to_yaml()


def test_comments_that_are_no_lines_have_a_key() -> None:
    odd = Annotation(("a b", "yes"), ("two\nlines", " padded "))
    schema = Schema((Feature("x", "INT", annotation=odd),), annotation=Annotation((), ("",)))
    text = schema.to_yaml()
    assert r'    comments: ["two\x0alines", " padded "]' in text
    assert '    tags: [a b, "yes"]' in text
    assert Schema.from_yaml(text) == schema


def test_the_form_of_the_other_parts() -> None:
    schema = Schema(
        (
            Feature("v", "FLOAT", 1.0, min_count=5, value_counts=(ValueCountRange(1, 3), ValueCountRange())),
            Feature("i", "INT", time_domain=TimeDomain(None, "unix_days"), lifecycle_stage="BETA"),
            Feature("p", "STRUCT", features=(Feature("city", "STRING", domain="cities", group_required=True),)),
            Feature(
                "text",
                "STRING",
                natural_language_domain=NaturalLanguageDomain(
                    "cities", 0.5, tokens=(TokenConstraint("Oslo", 1, 2), TokenConstraint("Bergen", max_fraction=0.25))
                ),
            ),
        ),
        string_domains={"cities": ("Oslo", "Bergen")},
        default_environments=("training", "serving"),
        sparse_features=(SparseFeature("s", "v", ("i",), dense_shape=(10,)),),
        weighted_features=(WeightedFeature("w", "v", "i"),),
        dataset_constraints=DatasetConstraints(10, None, NumExamplesComparator(0.5)),
        rules=(Rule("positive", "v > 0", features=("v",), severity="warning"),),
    )
    text = schema.to_yaml()
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        "default_environments: [training, serving]",
        "dataset_constraints: {min_examples_count: 10, num_examples_drift: {min_fraction_threshold: 0.5}}",
        "features:",
        "  v:",
        "    type: FLOAT",
        "    min_fraction: 1.0",
        "    min_count: 5",
        "    value_counts: [{min: 1, max: 3}, {}]",
        "  i:",
        "    type: INT",
        "    min_fraction: 0.0",
        "    time_domain: {integer_format: unix_days}",
        "    lifecycle_stage: BETA",
        "  p:",
        "    type: STRUCT",
        "    min_fraction: 0.0",
        "    features:",
        "      city:",
        "        type: STRING",
        "        group_required: true",
        "        domain: cities",
        "  text:",
        "    type: STRING",
        "    min_fraction: 0.0",
        "    natural_language_domain:",
        "      vocabulary: cities",
        "      min_coverage: 0.5",
        "      tokens: [{token: Oslo, min_per_row: 1, max_per_row: 2}, {token: Bergen, max_fraction: 0.25}]",
        "string_domains:",
        "  cities: [Oslo, Bergen]",
        "sparse_features:",
        "  s:",
        "    value_feature: v",
        "    index_features: [i]",
        "    dense_shape: [10]",
        "weighted_features:",
        "  w:",
        "    feature: v",
        "    weight_feature: i",
        "rules:",
        "  positive:",
        '    sql: "v > 0"',
        "    features: [v]",
        "    severity: warning",
    ]
    assert Schema.from_yaml(text) == schema


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("features:\n  a:\n    type: INT\n    min_count: 1.5\n", r"min_count is a whole number; got 1.5 \(.*line 4"),
        (
            "features:\n  a:\n    type: INT\n    value_counts: [{min: 2, max: 1}]\n",
            r"value_counts is not above.*line 4",
        ),
        ("features:\n  a:\n    type: INT\n    value_counts: [3]\n", "An entry of value_counts is a mapping.*line 4"),
        ("features:\n  a:\n    type: STRUCT\n    features:\n      b:\n        typ: INT\n", r"line 6, feature 'a\.b'"),
        ("features:\n  a:\n    type: STRING\n    domain: jobs\n", r"string_domains; got jobs \(.*line 2, feature 'a'"),
        (
            "features:\n  a:\n    type: STRUCT\n    features:\n      b: {type: STRING, domain: jobs}\n",
            r"line 5, feature 'a\.b'",
        ),
        ("features:\n  a: {type: INT, group_required: true}\n", "fields of a struct.*line 2, feature 'a'"),
        ("string_domains:\n  jobs: [a, a]\n", r"line 2, string domain 'jobs'"),
        ("string_domains:\n  jobs: a\n", r"The domain 'jobs' is a list.*line 2"),
        ("rules:\n  r:\n    over: rows\n", r"A rule has sql; got none \(.*line 3, rule 'r'\). Add sql"),
        ("rules:\n  r: {sql: a, over: row}\n", "Did you mean 'rows'"),
        ("rules:\n  r: {sql: a, features: [b]}\n", r"got b \(.*line 2, rule 'r'\)"),
        ("sparse_features:\n  s: {value_feature: a, index_features: [b]}\n", r"got a \(.*line 2, sparse feature 's'\)"),
        ("dataset_constraints:\n  min_examples: 3\n", "Did you mean 'min_examples_count'"),
        (
            "dataset_constraints: {min_examples_count: 3, max_examples_count: 1}\n",
            "number of rows is not above.*line 1",
        ),
        ("features:\n  a: &x\n    type: STRUCT\n    features:\n      b: *x\n", "few aliases|40 deep"),
        ("features: {a: {type: INT, min_fraction: " + "9" * 400 + "}}", "share between 0 and 1; got inf"),
        ("features: {a: {type: INT, min_count: " + "9" * 5000 + "}}", "min_count is a whole number; got inf"),
    ],
)
def test_complaints_about_the_other_parts_name_the_place(text: str, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        Schema.from_yaml(text, file="schema.yaml")


def test_a_bomb_of_structs_is_refused_at_once() -> None:
    lines = ["features:", "  a0: &a0 {type: INT}"]
    lines += [
        f"  a{i}: &a{i} {{type: STRUCT, features: {{{', '.join(f'f{j}: *a{i - 1}' for j in range(9))}}}}}"
        for i in range(1, 30)
    ]
    with pytest.raises(SchemaError, match="few aliases"):
        Schema.from_yaml("\n".join(lines))


def test_deep_structs_are_refused() -> None:
    text = "".join(
        f"{'  ' * (2 * i + 1)}a: \n{'  ' * (2 * i + 2)}type: STRUCT\n{'  ' * (2 * i + 2)}features:\n" for i in range(60)
    )
    with pytest.raises(SchemaError, match="40 deep"):
        Schema.from_yaml(f"features:\n{text}")


def test_shared_lists_may_be_aliases() -> None:
    text = "features:\n  a: {type: STRING, values: &v [x, y]}\n  b: {type: STRING, values: *v}\n"
    assert Schema.from_yaml(text)["b"].values == ("x", "y")


@pytest.mark.parametrize("size", [1_000, 1_024, 5_000])
def test_names_too_long_for_a_plain_key(size: int) -> None:
    long, quoted = "n" * size, "ä: " * (size // 3)
    note = Annotation((), ("Ask Ada.",))
    inner = Feature(quoted, "INT", annotation=note)
    schema = Schema(
        (
            Feature(long, "STRUCT", features=(inner,), annotation=note),
            Feature("v", "STRING", domain=long),
            Feature("i", "INT"),
        ),
        string_domains={long: ("a", "b"), quoted: ()},
        sparse_features=(SparseFeature(quoted, "v", ("i",), dense_shape=(10,)),),
        weighted_features=(WeightedFeature(long + "w", "v", "i"),),
        rules=(Rule(long, "v > 0", features=("v",)),),
    )
    text = schema.to_yaml()
    assert Schema.from_yaml(text) == schema
    assert Schema.from_yaml(text).to_yaml() == text
