"""The schema.pbtxt of TFX, written by hand from the public definitions of TensorFlow Metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2

from headrace.errors import SchemaError
from headrace.schema import (
    Annotation,
    BoolDomain,
    Comparator,
    DatasetConstraints,
    Feature,
    ImageDomain,
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
)
from headrace.schema.tfmd import from_proto, read_pbtxt, to_proto

if TYPE_CHECKING:
    from pathlib import Path

CENSUS = """
# What TFDV infers of the census, curated.
feature {
  name: "age"
  type: INT
  presence { min_fraction: 1.0 min_count: 1 }
  shape { dim { size: 1 } }
  int_domain { min: 0 max: 120 }
  drift_comparator { jensen_shannon_divergence { threshold: 0.01 } }
}
feature {
  name: "workclass"
  type: BYTES
  value_count { min: 1 max: 1 }
  presence { min_count: 1 }
  domain: "workclass"
  distribution_constraints { min_domain_mass: 0.95 }
  skew_comparator { infinity_norm { threshold: 0.1 } }
}
feature {
  name: "income"
  type: BYTES
  value_count { min: 1 max: 1 }
  presence { min_fraction: 1.0 }
  string_domain { value: "<=50K" value: ">50K" }
  not_in_environment: "SERVING"
}
string_domain { name: "workclass" value: "Private" value: "State-gov" }
default_environment: "TRAINING"
default_environment: "SERVING"
"""

EVERYTHING = r"""
feature {
  name: "fare"
  type: FLOAT
  lifecycle_stage: BETA
  presence { min_fraction: 0.25 min_count: 7 }
  value_count { min: 0 max: 3 }
  float_domain { name: "fares" min: 0.1 max: 99.5 disallow_nan: true is_categorical: true }
  drift_comparator {
    jensen_shannon_divergence { threshold: 0.2 source { type: QUANTILES } }
    normalized_abs_difference { threshold: 0.3 }
  }
  skew_comparator { infinity_norm { threshold: 0.5 } }
  annotation { tag: "money" comment: "In dollars." extra_metadata { type_url: "a/b" value: "\n\001x" } }
}
feature { name: "old" type: INT deprecated: true }
feature { name: "shared" type: INT domain: "small" }
feature { name: "vector" type: FLOAT float_domain { is_embedding: true embedding_dim: 4 embedding_type: "bert" }
  shape { dim { size: 4 name: "width" } } }
feature { name: "unknown_size" type: FLOAT shape { dim { size: 3 } dim { name: "free" } } }
feature { name: "scalar" type: BYTES shape { } }
feature { name: "kind" type: INT int_domain { is_categorical: true } unique_constraints { min: 2 max: 9 } }
feature { name: "flag" type: INT bool_domain { } }
feature { name: "answer" type: BYTES bool_domain { name: "b" true_value: "yes" false_value: "no" } }
feature { name: "ratio" type: FLOAT bool_domain { true_value: "1" } }
feature { name: "nested" type: BYTES
  value_counts { value_count { min: 1 } value_count { min: 2 max: 2 } value_count { } } }
feature { name: "day" type: BYTES time_domain { string_format: "%Y-%m-%d" } }
feature { name: "second" type: INT time_domain { integer_format: UNIX_SECONDS } }
feature { name: "clock" type: BYTES time_of_day_domain { string_format: "%H:%M:%S" } }
feature { name: "packed" type: INT time_of_day_domain { integer_format: PACKED_64_NANOS } }
feature { name: "link" type: BYTES url_domain { } }
feature { name: "entity" type: BYTES mid_domain { } }
feature { name: "photo" type: BYTES image_domain { minimum_supported_image_fraction: 0.9 max_image_byte_size: 1000 } }
feature { name: "sound" type: BYTES audio_domain { } }
feature { name: "film" type: BYTES video_domain { } }
feature { name: "piece" type: BYTES content_chunk_domain { } }
feature {
  name: "text"
  type: BYTES
  natural_language_domain {
    vocabulary: "words"
    coverage { min_coverage: 0.8 min_avg_token_length: 2.5 excluded_string_tokens: "the" oov_string_tokens: "<unk>" }
    token_constraints { string_value: "a" min_per_sequence: 1 max_per_sequence: 3 min_fraction_of_sequences: 0.1
      max_fraction_of_sequences: 0.7 }
    sequence_length_constraints { min_sequence_length: 1 max_sequence_length: 50 excluded_string_value: "<pad>" }
  }
  sequence_metadata { sequential_status: SEQUENTIAL_YES joint_group: "g" sequence_truncation_limit: 10 }
}
feature {
  name: "ids"
  type: INT
  natural_language_domain { token_constraints { int_value: 5 max_per_sequence: 1 } }
}
feature {
  name: "person"
  type: STRUCT
  struct_domain {
    feature { name: "city" type: BYTES group_presence { required: true }
      string_domain { value: "Oslo" is_categorical: CATEGORICAL_YES } }
    feature { name: "inner" type: STRUCT struct_domain { feature { name: "deep" type: INT audio_domain { } } } }
    sparse_feature { name: "thin" index_feature { name: "city" } value_feature { name: "inner" } }
  }
}
feature { name: "index" type: INT value_count { } }
feature { name: "value" type: FLOAT value_count { } in_environment: "LAB" not_in_environment: "SHOP" }
feature {
  name: "brightness"
  type: FLOAT
  lifecycle_stage: VALIDATION_DERIVED
  validation_derived_source {
    deriver_name: "image_quality"
    source_path { step: "photo" }
    source_path { step: "person" step: "city" }
    config { image_quality { model_name: "m" } }
  }
}
sparse_feature {
  name: "sparse" lifecycle_stage: ALPHA index_feature { name: "index" } value_feature { name: "value" }
  is_sorted: true dense_shape { dim { size: 100 name: "n" } } type: FLOAT
}
weighted_feature { name: "weighed" feature { step: "value" } lifecycle_stage: DEBUG_ONLY
  weight_feature { step: "person" step: "inner" step: "deep" } }
string_domain { name: "words" value: "a" value: "b" is_categorical: CATEGORICAL_NO }
int_domain { name: "small" min: 1 max: 3 }
float_domain { name: "unused" min: 1 }
default_environment: "LAB"
default_environment: "SHOP"
annotation { tag: "taxi" comment: "All of it." }
represent_variable_length_as_ragged: true
dataset_constraints {
  min_examples_count: 10
  max_examples_count: 1000
  num_examples_drift_comparator { min_fraction_threshold: 0.5 max_fraction_threshold: 2 }
  num_examples_version_comparator { min_fraction_threshold: 0.9 }
}
tensor_representation_group {
  key: ""
  value { tensor_representation { key: "fare" value {
    dense_tensor { column_name: "fare" shape { } default_value { float_value: 0 } } } } }
}
"""


def parsed(text: str) -> Any:
    return text_format.Parse(text, schema_pb2.Schema())


def test_a_schema_of_tfdv_is_read() -> None:
    schema = Schema.from_pbtxt(CENSUS)
    assert schema == Schema(
        (
            Feature("age", "INT", 1.0, min=0, max=120, min_count=1, shape=(1,), drift=Comparator(jensen_shannon=0.01)),
            Feature(
                "workclass",
                "STRING",
                min_count=1,
                value_counts=(ValueCountRange(1, 1),),
                domain="workclass",
                min_domain_mass=0.95,
                skew=Comparator(linf=0.1),
            ),
            Feature(
                "income",
                "STRING",
                1.0,
                values=("<=50K", ">50K"),
                value_counts=(ValueCountRange(1, 1),),
                not_in_environment=("SERVING",),
            ),
        ),
        string_domains={"workclass": ("Private", "State-gov")},
        default_environments=("TRAINING", "SERVING"),
    )
    assert to_proto(schema) == parsed(CENSUS)
    assert schema.in_environment("SERVING").names == ("age", "workclass")


def everything() -> Any:
    """Return the message as it is written back: shared domains of numbers in place, old fields in the new ones."""
    message = parsed(EVERYTHING)
    by_name = {feature.name: feature for feature in message.feature}
    by_name["shared"].int_domain.CopyFrom(message.int_domain[0])
    message.ClearField("int_domain")
    message.ClearField("float_domain")
    by_name["old"].ClearField("deprecated")
    by_name["old"].lifecycle_stage = schema_pb2.DEPRECATED
    return message


def test_nothing_is_lost_of_a_schema_with_everything() -> None:
    schema, notes = read_pbtxt(EVERYTHING)
    assert to_proto(schema) == everything()
    assert read_pbtxt(schema.to_pbtxt()) == (schema, notes)
    assert Schema.from_yaml(schema.to_yaml()) == schema


def test_everything_has_its_place() -> None:
    schema, _ = read_pbtxt(EVERYTHING)
    plain = {feature.name: feature for feature in schema}
    nan = {"allow_nan": True, "allow_infinity": True}
    expected = [
        Feature(
            "fare",
            "FLOAT",
            0.25,
            min=0.1,
            max=99.5,
            allow_infinity=True,
            min_count=7,
            value_counts=(ValueCountRange(0, 3),),
            drift=Comparator(jensen_shannon=0.2, normalized_abs_difference=0.3),
            lifecycle_stage="BETA",
            annotation=Annotation(("money",), ("In dollars.",)),
        ),
        Feature("old", "INT", lifecycle_stage="DEPRECATED"),
        Feature("shared", "INT", min=1, max=3),
        Feature("vector", "FLOAT", shape=(4,), embedding_dim=4, **nan),  # type: ignore[arg-type]
        Feature("unknown_size", "FLOAT", **nan),  # type: ignore[arg-type]
        Feature("scalar", "STRING", shape=()),
        Feature("kind", "INT", is_categorical=True, unique_constraints=UniqueConstraints(2, 9)),
        Feature("flag", "INT", bool_domain=BoolDomain()),
        Feature("answer", "STRING", bool_domain=BoolDomain("yes", "no")),
        Feature("ratio", "FLOAT", bool_domain=BoolDomain("1"), **nan),  # type: ignore[arg-type]
        Feature("nested", "STRING", value_counts=(ValueCountRange(1), ValueCountRange(2, 2), ValueCountRange())),
        Feature("day", "STRING", time_domain=TimeDomain("%Y-%m-%d")),
        Feature("second", "INT", time_domain=TimeDomain(None, "unix_seconds")),
        Feature("clock", "STRING", semantic_domain="time_of_day"),
        Feature("packed", "INT", semantic_domain="time_of_day"),
        Feature("link", "STRING", semantic_domain="url"),
        Feature("entity", "STRING", semantic_domain="mid"),
        Feature("photo", "BYTES", image_domain=ImageDomain(0.9, 1000)),
        Feature("sound", "BYTES"),
        Feature(
            "text",
            "STRING",
            natural_language_domain=NaturalLanguageDomain(
                "words", 0.8, 2.5, None, (TokenConstraint("a", 1, 3, 0.1, 0.7),)
            ),
        ),
        Feature("ids", "INT"),
        Feature("index", "INT", value_counts=(ValueCountRange(),)),
        Feature(
            "brightness",
            "FLOAT",
            lifecycle_stage="VALIDATION_DERIVED",
            derived_from=("photo", "person.city"),
            **nan,  # type: ignore[arg-type]
        ),
    ]
    for feature in expected:
        assert {**_plain(plain[feature.name]), "tfx": ""} == _plain(feature), feature.name
    assert schema.at("person.city").values == ("Oslo",)
    assert schema.at("person.city").required
    assert schema.at("person.inner.deep").type == "INT"
    assert schema.sparse_features == (
        SparseFeature("sparse", "value", ("index",), is_sorted=True, dense_shape=(100,), lifecycle_stage="ALPHA"),
    )
    assert schema.weighted_features == (WeightedFeature("weighed", "value", "person.inner.deep", "DEBUG_ONLY"),)
    assert schema.dataset_constraints == DatasetConstraints(
        10, 1000, NumExamplesComparator(0.5, 2.0), NumExamplesComparator(0.9)
    )
    assert schema.annotation == Annotation(("taxi",), ("All of it.",))


def _plain(feature: Feature) -> dict[str, Any]:
    return {key: getattr(feature, key) for key in feature.__struct_fields__}


def test_what_headrace_has_no_word_for_is_named() -> None:
    with pytest.warns(UserWarning, match=r"not checked.*sound: audio_domain.*tensor_representation_group") as caught:
        Schema.from_pbtxt(EVERYTHING)
    assert caught[0].filename == __file__
    _, notes = read_pbtxt(EVERYTHING)
    assert {
        "fare: float_domain.name",
        "fare: float_domain.is_categorical",
        "fare: skew_comparator.infinity_norm.threshold",
        "fare: annotation.extra_metadata",
        "unknown_size: shape.dim",
        "ids: natural_language_domain.token_constraints",
        "person.inner.deep: audio_domain",
        "person: struct_domain.sparse_feature",
        "text: sequence_metadata.joint_group",
        "brightness: validation_derived_source.deriver_name",
        "represent_variable_length_as_ragged",
        "string_domain",
    } <= set(notes)
    assert not any(note.startswith(("age", "kind", "link", "day", "photo")) for note in notes)


def test_what_tfx_has_no_word_for_is_written_where_tfx_takes_no_notice() -> None:
    schema = Schema(
        (
            Feature("on", "BOOL", 1.0),
            Feature("at", "TIMESTAMP"),
            Feature("job", "STRING", strip=True, null_values=("?",), drift=Comparator(linf=0.1, psi=0.2)),
            Feature("x", "FLOAT", min=-1e300),
        ),
        rules=(Rule("same", "a = b"),),
    )
    message = parsed(schema.to_pbtxt())
    on, at, job, x = message.feature
    assert (on.type, on.WhichOneof("domain_info")) == (schema_pb2.INT, "bool_domain")
    assert at.time_domain.integer_format == schema_pb2.TimeDomain.UNIX_MICROSECONDS
    assert job.drift_comparator.infinity_norm.threshold == 0.1
    assert not x.float_domain.HasField("min")
    assert [entry.type_url for entry in job.annotation.extra_metadata] == ["headrace/overlay"]
    assert from_proto(message) == (schema, ())


def test_what_can_be_said_in_two_ways_is_written_in_one() -> None:
    old = 'feature { name: "a" type: INT value_counts { value_count { min: 2 } } presence { } annotation { } }'
    schema, notes = read_pbtxt(old)
    assert (schema, notes) == (Schema((Feature("a", "INT", value_counts=(ValueCountRange(2),)),)), ())
    assert to_proto(schema) == parsed('feature { name: "a" type: INT value_count { min: 2 } }')
    assert read_pbtxt('feature { name: "a" type: INT value_counts { } }') == (Schema((Feature("a", "INT"),)), ())


def test_edits_of_tfx_users_count() -> None:
    text = Schema((Feature("job", "STRING", drift=Comparator(linf=0.1, psi=0.2)),)).to_pbtxt()
    edited = Schema.from_pbtxt(text.replace("threshold: 0.1", "threshold: 0.3"))
    assert edited["job"].drift == Comparator(linf=0.3, psi=0.2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("feature {", "line 1"),
        ('feature {\n name: "a"\n colour: 3\n}', r"no field named .colour.*line 3"),
        ('feature { name: "a" }', r"A feature has a type.*feature 'a'"),
        ('feature { name: "a" type: INT int_domain { min: 3 max: 1 } }', r"min is not above max.*feature 'a'"),
        ('feature { name: "a" type: BYTES domain: "b" }', r"string_domains; got b \(feature 'a'\)"),
        ('feature { name: "a" type: INT } feature { name: "a" type: INT }', "'a' twice"),
        (
            'string_domain { name: "a" } string_domain { name: "a" value: "b" }',
            "string domain stands once; got 'a' twice",
        ),
        ('annotation { extra_metadata { type_url: "headrace/overlay" value: "[" } }', "is JSON"),
        ('annotation { extra_metadata { type_url: "headrace/overlay" value: "[]" } }', "JSON object; got list"),
        (
            'annotation { extra_metadata { type_url: "headrace/overlay" value: "{\\"rules\\": 3}" } }',
            "Expected `array`",
        ),
        ('feature { name: "\\377" type: INT }', "text of TensorFlow Metadata"),
    ],
)
def test_complaints_name_the_place(text: str, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        Schema.from_pbtxt(text)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "schema.pbtxt"
    path.write_text(CENSUS, "utf-8")
    assert Schema.from_pbtxt(path) == Schema.from_pbtxt(str(path)) == Schema.from_pbtxt(CENSUS)
    path.write_text("feature { name: 3 }", "utf-8")
    with pytest.raises(SchemaError, match=r"schema\.pbtxt, line 1"):
        Schema.from_pbtxt(path)
    with pytest.raises(SchemaError, match=r"absent\.pbtxt"):
        Schema.from_pbtxt(tmp_path / "absent.pbtxt")


def test_what_was_kept_of_tfx_has_to_stay_readable() -> None:
    with pytest.raises(SchemaError, match=r"tfx is text of TensorFlow Metadata.*feature 'a'"):
        Schema((Feature("a", "INT", tfx="audio_domain {"),)).to_pbtxt()


def test_a_type_may_change_after_the_import() -> None:
    schema, _ = read_pbtxt('feature { name: "a" type: INT int_domain { name: "x" min: 1 } }')
    changed = schema.with_feature(msgspec.structs.replace(schema["a"], type="STRING", min=None, values=("b",)))
    assert Schema.from_pbtxt(changed.to_pbtxt())["a"].values == ("b",)


def test_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(SchemaError, match="valid Unicode"):
        Schema((Feature("a\ud800", "INT"),)).to_pbtxt()


PIECES = [
    *"{}:<>[]#1",
    "feature",
    "name",
    "type",
    "INT",
    "BYTES",
    '"a"',
    "int_domain",
    "min",
    "domain",
    "annotation",
    "\n",
]


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=40) | st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join))
def test_odd_text_is_refused_and_never_crashes(text: str) -> None:
    try:
        schema, _ = read_pbtxt(text)
    except SchemaError:
        return
    assert read_pbtxt(schema.to_pbtxt())[0] == schema
