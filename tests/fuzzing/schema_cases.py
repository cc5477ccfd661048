"""Schemas that are broken, as YAML and as text of TensorFlow Metadata: understood, or refused as a SchemaError."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from tests.fuzzing.cases import Case, Finding, Verdict, mutated, token_soup

from headrace.errors import SchemaError
from headrace.schema import Schema

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["check_pbtxt", "check_yaml", "make_pbtxt", "make_yaml"]

YAML = (
    """\
# About all of it.
default_environments: [train, serving]
dataset_constraints: {min_examples_count: 10, num_examples_drift: {min_fraction_threshold: 0.5}}
features:
  # years
  age:
    type: INT
    min_fraction: 1.0
    min: 0
    max: 120
    drift: {jensen_shannon: 0.1}
    tags: [a, "b c"]
  job:  # what one does
    type: STRING
    min_fraction: 0.5
    values: [clerk, "é", "x # y", "no"]
    min_domain_mass: 0.9
    not_in_environment: [serving]
    null_values: ["", "?"]
    strip: true
  color:
    type: STRING
    domain: colors
  pixels:
    type: FLOAT
    min_fraction: 0.0
    value_counts: [{min: 1, max: 4}]
    allow_nan: true
    min: -.inf
    max: 1e5
  inner:
    type: STRUCT
    features:
      a:
        type: INT
        group_required: true
      b:
        type: STRUCT
        features:
          c:
            type: BYTES
            image_domain: {minimum_supported_image_fraction: 0.5}
string_domains:
  colors: [red, blue]
""",
    """\
features:
  i: {type: INT, is_categorical: true, unique: true}
  v: {type: FLOAT, shape: [3, 4], embedding_dim: 4}
  t: {type: STRING, time_domain: {string_format: "%Y-%m-%d"}, lifecycle_stage: ALPHA}
  u: {type: STRING, semantic_domain: url, unique_constraints: {min: 1, max: 9}}
  n:
    type: STRING
    natural_language_domain: {vocabulary: words, min_coverage: 0.5, tokens: [{token: a, min_per_row: 1}]}
string_domains: {words: [a, b]}
sparse_features:
  s: {value_feature: v, index_features: [i], is_sorted: true, dense_shape: [10]}
weighted_features:
  w: {feature: u, weight_feature: v}
rules:
  adults: {sql: "i >= 0", features: [i], severity: warning, max_fraction: 0.1}
  many: {sql: "num_examples > 3", over: statistics, description: "a: b"}
comments: ["  odd", ""]
tfx: "generate_legacy_feature_spec: true"
""",
    "features: {}\n",
    "features:\n  'a':\n    type: INT\n    bool_domain: {true_value: 'y', false_value: \"n\"}\n",
)
YAML_TOKENS = (
    *(b"&a ", b"*a", b"!!binary ", b"!!str ", b"!x ", b"<<: ", b"? ", b"- ", b"{", b"}", b"[", b"]", b": ", b":", b","),
    *(
        b'"',
        b"'",
        b"|\n",
        b">-\n",
        b"%YAML 1.1\n",
        b"---\n",
        b"...\n",
        b"\t",
        b"#",
        b" # x\n",
        b"\\",
        b"\n",
        b"\r",
        b" ",
    ),
    *(b"\n  ", b"\0", b"\xef\xbb\xbf", b"\xff", b"\xc2\x85", "\u2028".encode(), b"\xed\xa0\x80", b"\x7f", b"\\ud800"),
    *(b"9" * 400, b"9" * 5000, b"1e400", b".nan", b".inf", b"-1", b"0x1F", b"1_000", b"null", b"~", b"true", b"yes"),
    *(b"2020-01-02", b"12:30:45", b"features:", b"type: INT", b"type: STRUCT", b"min: 1", b"values: []", b"max: 0"),
    *(b"[" * 300, b"{a: " * 300, b"- " * 300, b"\n  a: &a [*a, *a]", b"features: &f {a: {type: STRUCT, features: *f}}"),
    *(b"tfx: 'x: 1'", b"comments: [a]", b"tags: []", b"\n# a comment", b"? [a]\n: b", b"!!python/object:os.system x"),
    *(b"\\U0001F600", b"\\x00", b"domain: colors", b"lifecycle_stage: NONE", b"drift: {psi: .nan}", b"null_values: ~"),
)
PBTXT = (
    """\
feature {
  name: "age"
  type: INT
  presence { min_fraction: 1.0 min_count: 1 }
  value_count { min: 1 max: 1 }
  int_domain { min: 0 max: 120 }
  drift_comparator { jensen_shannon_divergence { threshold: 0.1 } }
}
feature {
  name: "job"
  type: BYTES
  domain: "jobs"
  not_in_environment: "SERVING"
  annotation { tag: "a" comment: "b" }
}
feature {
  name: "inner"
  type: STRUCT
  struct_domain { feature { name: "x" type: FLOAT group_presence { required: true }
    shape { dim { size: 3 } } float_domain { min: 0.5 } } }
  lifecycle_stage: ALPHA
}
string_domain { name: "jobs" value: "clerk" value: "\\303\\251" }
default_environment: "TRAINING"
default_environment: "SERVING"
sparse_feature { name: "s" index_feature { name: "age" } value_feature { name: "job" } is_sorted: true }
dataset_constraints { min_examples_count: 5 }
""",
    """\
string_domain { name: "v" value: "w" }
feature { name: "a" type: BYTES natural_language_domain { vocabulary: "v" } unique_constraints { min: 1 max: 5 } }
feature { name: "b" type: FLOAT float_domain { min: -inf max: 1e3 disallow_nan: true } value_counts {
  value_count { min: 1 } value_count { max: 3 } } }
feature { name: "c" type: BYTES deprecated: true bool_domain { true_value: "y" } in_environment: "X" }
feature { name: "d" type: INT time_domain { integer_format: UNIX_SECONDS } skew_comparator { infinity_norm {
  threshold: 0.01 } } }
feature { name: "e" type: BYTES image_domain { } }
feature { name: "f" type: BYTES mid_domain { } distribution_constraints { min_domain_mass: 0.5 } }
weighted_feature { name: "w" feature { step: "d" } weight_feature { step: "b" } }
tensor_representation_group { key: "" value { tensor_representation { key: "x" value {
  dense_tensor { column_name: "a" } } } } }
""",
)
PBTXT_TOKENS = (
    *(b"{", b"}", b"<", b">", b"[", b"]", b":", b'"', b"'", b"\\", b"\n", b"#", b",", b";", b"-", b"\0", b"\xff"),
    *(b"9" * 400, b"1e400", b"nan", b"inf", b"-1", b"0x1F", b"18446744073709551615", b"9223372036854775807", b"true"),
    *(b"feature {", b'name: "x"', b"type: STRUCT", b"type: TYPE_UNKNOWN", b"struct_domain { feature { " * 60),
    *(b"int_domain { min: 5 max: 1 }", b"float_domain { }", b'domain: "none"', b"shape { dim { size: -1 } }"),
    *(
        b'annotation { extra_metadata { type_url: "headrace/overlay" value: "{\\"min\\": null}" } }',
        b"deprecated: true",
    ),
    *(b'extra_metadata { type_url: "headrace/overlay" value: "[1]" }', b"value_count { min: 3 max: 1 }", b'"\\377"'),
    *(
        b"[type.googleapis.com/x.Y] { a: 1 }",
        b"presence { min_fraction: 2 }",
        b"presence { min_count: -1 }",
        b"lifecycle_stage: 99",
    ),
    *(b'value: "\\ud800"', b'name: ""', b"string_domain { }", b"tensor_representation_group { }", b"feature { }"),
    *(b"type: 77", b"universal_stats {", b"drift_comparator { infinity_norm { threshold: nan } }", b"validity { }"),
)


def _lines(rng: random.Random, data: bytes) -> bytes:
    """Change whole lines."""
    lines = data.split(b"\n")
    for _ in range(rng.choice([1, 1, 1, 2])):
        index = rng.randrange(len(lines))
        what = rng.choice(["in", "out", "twice", "drop", "swap"])
        if what == "in":
            lines[index] = b" " * rng.randint(1, 3) + lines[index]
        elif what == "out":
            lines[index] = lines[index].lstrip()
        elif what == "twice":
            lines.insert(rng.randrange(len(lines)), lines[index])
        elif what == "drop" and len(lines) > 1:
            del lines[index]
        elif what == "swap":
            other = rng.randrange(len(lines))
            lines[index], lines[other] = lines[other], lines[index]
    return b"\n".join(lines)


def _make(rng: random.Random, target: str, texts: Sequence[str], tokens: Sequence[bytes]) -> Case:
    data = rng.choice(texts).encode()
    if rng.random() < 0.4:
        data = _lines(rng, data)
    if rng.random() < 0.1:
        data += rng.choice(texts).encode()
    if rng.random() < 0.8:
        data = mutated(rng, data, tokens, rng.choice([1, 1, 1, 4]))
    if rng.random() < 0.03:
        data = token_soup(rng, tokens)
    return Case(target, data[: 1 << 16], f".{target}")


def make_yaml(rng: random.Random) -> Case:
    return _make(rng, "yaml", YAML, YAML_TOKENS)


def make_pbtxt(rng: random.Random) -> Case:
    return _make(rng, "pbtxt", PBTXT, PBTXT_TOKENS)


def _through_yaml(schema: Schema) -> None:
    text = schema.to_yaml()
    try:
        again = Schema.from_yaml(text)
    except SchemaError as error:
        raise Finding(f"its own YAML is refused: {error}") from error
    if again != schema:
        raise Finding(f"its own YAML is another schema: {schema} or {again}")
    if again.to_yaml() != text:
        raise Finding("its YAML differs when it is written again")


def _through_pbtxt(schema: Schema) -> None:
    try:
        text = schema.to_pbtxt()
        again = Schema.from_pbtxt(text + "\n")
    except SchemaError as error:
        if error.rule == "tfx is text of TensorFlow Metadata":
            # Which is looked at no earlier.
            return
        raise Finding(f"its own pbtxt is refused: {error}") from error
    if again != schema:
        raise Finding(f"its own pbtxt is another schema: {schema} or {again}")


def check_yaml(case: Case, folder: Path, rng: random.Random) -> Verdict:
    path = folder / "fuzzed.yaml"
    path.write_bytes(case.data)
    try:
        schema = Schema.load(path)
    except SchemaError as error:
        str(error)
        return Verdict(f"refused: {error.rule[:40]}")
    _through_yaml(schema)
    if rng.random() < 0.1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            _through_pbtxt(schema)
    return Verdict("read", len(schema))


def check_pbtxt(case: Case, folder: Path, rng: random.Random) -> Verdict:
    path = folder / "fuzzed.pbtxt"
    path.write_bytes(case.data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            schema = Schema.from_pbtxt(path)
        except SchemaError as error:
            str(error)
            return Verdict(f"refused: {error.rule[:40]}")
        _through_pbtxt(schema)
    _through_yaml(schema)
    return Verdict("read", len(schema))
