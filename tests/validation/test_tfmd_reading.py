"""Anomalies of TFX, written by hand from the public definitions of TensorFlow Metadata, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import msgspec
import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import anomalies_pb2

import headrace as hr
from headrace.errors import DataError, SchemaError
from headrace.schema import Comparator, DatasetConstraints, Feature, Schema
from headrace.schema.tfmd import from_proto as schema_from_proto
from headrace.validation import Anomalies, Anomaly, Rule, infer_schema, validate_statistics
from headrace.validation.tfmd import (
    anomalies_from_proto,
    anomalies_to_proto,
    load_anomalies,
    load_baseline,
    save_anomalies,
)
from headrace.validation.tfmd_reading import RULES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CensusSource

KINDS = anomalies_pb2.AnomalyInfo.Type
TAXI = """
baseline {
  feature { name: "tips" type: FLOAT skew_comparator { infinity_norm { threshold: 0.01 } } }
  feature { name: "payment" type: BYTES drift_comparator { infinity_norm { threshold: 0.02 } } }
}
anomaly_name_format: SERIALIZED_PATH
anomaly_info {
  key: "payment"
  value {
    path { step: "payment" }
    severity: ERROR
    short_description: "Multiple errors"
    description: "Examples contain values missing from the schema: Prcard (<1%). The Linfty distance is too high."
    diff_regions { unchanged { left_start: 1 right_start: 1 contents: "a" } }
    reason {
      type: ENUM_TYPE_UNEXPECTED_STRING_VALUES
      short_description: "Unexpected string values"
      description: "Examples contain values missing from the schema: Prcard (<1%)."
    }
    reason {
      type: COMPARATOR_L_INFTY_HIGH
      short_description: "High Linfty distance between current and previous"
      description: "The Linfty distance between current and previous is 0.03 (up to six significant digits)."
    }
  }
}
anomaly_info {
  key: "(trip.start).miles"
  value {
    path { step: "trip.start" step: "miles" }
    severity: WARNING
    short_description: "Out-of-range values"
    description: "Unexpectedly large value: 9."
    reason {
      type: FLOAT_TYPE_BIG_FLOAT
      short_description: "Out-of-range values"
      description: "Unexpectedly large value: 9."
    }
  }
}
anomaly_info {
  key: "tips"
  value {
    path { step: "tips" }
    severity: ERROR
    short_description: "Invalid configuration"
    description: "bool_domain is not for this."
    reason {
      type: BOOL_TYPE_INVALID_CONFIG
      short_description: "Invalid configuration"
      description: "bool_domain is not for this."
    }
  }
}
dataset_anomaly_info {
  severity: WARNING
  short_description: "High num examples in current dataset versus the previous version."
  description: "The ratio is above the threshold."
  reason {
    type: COMPARATOR_HIGH_NUM_EXAMPLES
    short_description: "High num examples in current dataset versus the previous version."
    description: "The ratio is above the threshold."
  }
}
drift_skew_info {
  path { step: "payment" }
  drift_measurements { type: L_INFTY value: 0.03 threshold: 0.02 }
}
drift_skew_info {
  path { step: "tips" }
  skew_measurements { type: L_INFTY value: 0.001 threshold: 0.01 }
}
"""


def parsed(text: str) -> Any:
    return text_format.Parse(text, anomalies_pb2.Anomalies())


def test_each_reason_is_an_anomaly() -> None:
    anomalies = Anomalies.from_pbtxt(TAXI, split="train")
    assert anomalies.splits == ("train",)
    assert [(one.feature, one.rule, one.severity, one.split) for one in anomalies] == [
        (None, "many_examples_version", "warning", "train"),
        ("tips", "other", "error", "train"),
        ("payment", "domain_values", "error", "train"),
        ("payment", "drift_linf", "error", "train"),
        ("trip.start.miles", "range", "warning", "train"),
    ]
    _, other, values, drift, miles = anomalies
    assert (other.name, other.message) == ("BOOL_TYPE_INVALID_CONFIG", "bool_domain is not for this.")
    assert values.message == "Examples contain values missing from the schema: Prcard (<1%)."
    assert drift.fraction == 0.03
    assert miles.path == ("trip.start", "miles")
    assert not anomalies.ok


def test_nothing_of_tfx_is_lost() -> None:
    message = parsed(TAXI)
    anomalies = anomalies_from_proto(message)
    schema = schema_from_proto(message.baseline)[0]
    assert anomalies_to_proto(anomalies, schema) == message
    kept = Anomalies.from_json(anomalies.to_json())
    assert kept == anomalies
    assert anomalies.to_dict()["tfx"]


def test_every_type_has_a_rule_or_keeps_its_name() -> None:
    nameless = set()
    for name in KINDS.keys():  # noqa: SIM118 - no dict
        text = f'anomaly_info {{ key: "x" value {{ reason {{ type: {name} description: "So." }} }} }}'
        (anomaly,) = Anomalies.from_pbtxt(text)
        assert (anomaly.rule == "other") == (anomaly.name == name)
        if anomaly.rule == "other":
            nameless.add(name)
        message = anomalies_to_proto(Anomalies((anomaly,), ("data",)), Schema())
        assert [reason.type for reason in message.anomaly_info["x"].reason] == [KINDS.Value(name)]
    assert nameless == {
        "UNKNOWN_TYPE",
        "MULTIPLE_REASONS",
        "BOOL_TYPE_INVALID_CONFIG",
        "DOMAIN_INVALID_FOR_TYPE",
        "FEATURE_MISSING_NAME",
        "FEATURE_MISSING_TYPE",
        "FEATURE_TYPE_NO_UNIQUE",
        "FLOAT_TYPE_UNKNOWN_TYPE_NUMBER",
        "INT_TYPE_UNKNOWN_TYPE_NUMBER",
        "INVALID_DOMAIN_SPECIFICATION",
        "INVALID_SCHEMA_SPECIFICATION",
        "SCHEMA_TRAINING_SERVING_SKEW",
        "SPARSE_FEATURE_NAME_COLLISION",
        "WEIGHTED_FEATURE_NAME_COLLISION",
    }
    assert set(RULES) <= set(KINDS.keys())
    assert set(RULES.values()) <= set(get_args(Rule))


@pytest.mark.parametrize(
    ("kind", "text", "rule"),
    [
        ("COMPARATOR_L_INFTY_HIGH", "between training and serving", "skew_linf"),
        ("COMPARATOR_L_INFTY_HIGH", "between current and previous", "drift_linf"),
        ("COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH", "serving", "skew_jensen_shannon"),
        ("COMPARATOR_CONTROL_DATA_MISSING", "serving data is missing", "skew_no_data"),
        ("COMPARATOR_CONTROL_DATA_MISSING", "previous data is missing", "drift_no_data"),
        ("COMPARATOR_LOW_NUM_EXAMPLES", "versus the previous span", "few_examples_drift"),
        ("COMPARATOR_LOW_NUM_EXAMPLES", "versus the previous version", "few_examples_version"),
    ],
)
def test_words_tell_drift_from_skew(kind: str, text: str, rule: str) -> None:
    (anomaly,) = Anomalies.from_pbtxt(
        f'anomaly_info {{ key: "x" value {{ reason {{ type: {kind} description: "{text}" }} }} }}'
    )
    assert anomaly.rule == rule


def test_measurements_tell_drift_from_skew() -> None:
    (anomaly,) = Anomalies.from_pbtxt(
        'anomaly_info { key: "x" value { reason { type: COMPARATOR_L_INFTY_HIGH description: "It is too high." } } }'
        'drift_skew_info { path { step: "x" } skew_measurements { type: L_INFTY value: 0.5 threshold: 0.1 } }'
    )
    assert (anomaly.rule, anomaly.fraction) == ("skew_linf", 0.5)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ('anomaly_info { key: "a.b" value { description: "So." } }', ("a.b",)),
        (
            'anomaly_name_format: SERIALIZED_PATH anomaly_info { key: "a.(b.c)" value { description: "So." } }',
            ("a", "b.c"),
        ),
        (
            'anomaly_name_format: SERIALIZED_PATH anomaly_info { key: "(a))b)" value { description: "So." } }',
            ("a)b",),
        ),
        ('anomaly_name_format: SERIALIZED_PATH anomaly_info { key: "a)" value { description: "So." } }', ("a)",)),
    ],
)
def test_keys_without_a_path_and_infos_without_reasons(text: str, steps: tuple[str, ...]) -> None:
    anomalies = Anomalies.from_pbtxt(text)
    (anomaly,) = anomalies
    assert (anomaly.steps, anomaly.rule, anomaly.severity) == (steps, "other", "warning")
    assert (anomaly.name, anomaly.message) == ("UNKNOWN_TYPE", "So.")
    assert anomalies_from_proto(anomalies_to_proto(anomalies, Schema())) == anomalies


def test_missing_data_is_an_anomaly() -> None:
    anomalies = Anomalies.from_pbtxt("data_missing: true")
    assert [(one.feature, one.rule, one.severity) for one in anomalies] == [(None, "no_data", "error")]
    message = anomalies_to_proto(anomalies, Schema())
    assert message.data_missing
    assert anomalies_from_proto(message) == anomalies


def test_of_several_reasons_some_may_go() -> None:
    anomalies = anomalies_from_proto(parsed(TAXI))
    left = [one for one in anomalies if one.rule != "drift_linf"]
    info = anomalies_to_proto(Anomalies(tuple(left), ("data",)), Schema()).anomaly_info["payment"]
    assert info.description == info.reason[0].description == left[2].message
    assert info.reason[0].short_description == "Unexpected string values"


def test_a_broken_schema_does_not_hide_the_anomalies(tmp_path: Path) -> None:
    text = (
        'baseline { feature { name: "x" } feature { name: "x" } }'
        'anomaly_info { key: "x" value { reason { type: INVALID_SCHEMA_SPECIFICATION description: "x twice." } } }'
    )
    (tmp_path / "anomalies.pbtxt").write_text(text)
    (anomaly,) = Anomalies.from_pbtxt(tmp_path / "anomalies.pbtxt")
    assert (anomaly.rule, anomaly.message) == ("other", "x twice.")
    with pytest.raises(SchemaError):
        load_baseline(tmp_path / "anomalies.pbtxt")


def test_older_messages_have_the_schema_elsewhere(tmp_path: Path) -> None:
    message = parsed('baseline_v1 { feature { name: "x" type: INT } }')
    (tmp_path / "old.pb").write_bytes(message.SerializeToString())
    assert load_baseline(tmp_path / "old.pb").names == ("x",)
    assert load_anomalies(tmp_path / "old.pb") == Anomalies((), ("data",))


def test_the_census_there_and_back(census_source: CensusSource, tmp_path: Path) -> None:
    statistics = hr.generate_statistics(census_source("adult.test"), name="test")
    schema = infer_schema(statistics)
    age, work = schema["age"], schema["workclass"]
    schema = msgspec.structs.replace(
        schema,
        features=(
            msgspec.structs.replace(age, type="FLOAT", min=None, max=None),
            msgspec.structs.replace(work, values=("Private",), domain=None, min_fraction=1.0),
            *schema.features[3:],
        ),
    )
    anomalies = validate_statistics(statistics, schema)
    assert {"domain_values", "missing_values", "column_new"} <= {one.rule for one in anomalies}
    for name in ("anomalies.pbtxt", "SchemaDiff.pb"):
        save_anomalies(anomalies, tmp_path / name, schema)
        assert load_anomalies(tmp_path / name) == anomalies
        assert load_baseline(tmp_path / name) == schema
    assert Anomalies.from_pbtxt(str(tmp_path / "anomalies.pbtxt")) == anomalies
    assert Anomalies.from_pbtxt(anomalies.to_pbtxt(schema)) == anomalies


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("anomaly_info {", "Anomalies of TFX are a message"),
        ("what: 3", "line 1"),
        (
            (
                'anomaly_info { key: "a" value { path { step: "x" } } } '
                'anomaly_info { key: "b" value { path { step: "x" } } }'
            ),
            "stands once.*'x' twice",
        ),
        (
            'baseline { annotation { extra_metadata { type_url: "headrace/anomalies" value: "[" } } }',
            "what headrace writes",
        ),
        (
            'baseline { annotation { extra_metadata { type_url: "headrace/anomalies" value: "{\\"split\\": 3}" } } }',
            "what headrace writes",
        ),
    ],
)
def test_what_are_no_anomalies_is_refused(text: str, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        Anomalies.from_pbtxt(text)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.pb"):
        load_anomalies(tmp_path / "absent.pb")
    (tmp_path / "bad.pb").write_bytes(b"\xff")
    with pytest.raises(DataError, match=r"bad\.pb"):
        load_anomalies(tmp_path / "bad.pb")
    for place in (b"The ratio", b"payment", b"BOOL", b"trip.start", b"miles"):
        content = parsed(TAXI.replace("bool_domain", "BOOL")).SerializeToString()
        assert place in content
        (tmp_path / "bad.pb").write_bytes(content.replace(place, b"\xff" + place[1:]))
        with pytest.raises(DataError, match=r"bad\.pb"):
            load_anomalies(tmp_path / "bad.pb")
    (tmp_path / "bad.pbtxt").write_bytes(b"anomaly_info {\nx")
    with pytest.raises(DataError, match=r"bad\.pbtxt, line 2"):
        Anomalies.from_pbtxt(tmp_path / "bad.pbtxt")
    (tmp_path / "empty.pb").write_bytes(b"")
    with pytest.raises(DataError, match="have the schema"):
        load_baseline(tmp_path / "empty.pb")
    with pytest.raises(DataError, match="text of TensorFlow Metadata"):
        anomalies_to_proto(Anomalies((Anomaly("x", "type", "error", "a", "So.", tfx="{"),), ("a",)), Schema())
    with pytest.raises(DataError, match="Unicode"):
        anomalies_to_proto(Anomalies((Anomaly("x", "type", "error", "a", "\ud800"),), ("a",)), Schema())


# ---- any anomalies, any message

TEXT = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(["So.", "type", "a.b", "))("])
SHORT = st.text("ab.()", min_size=1, max_size=4)
SCHEMA = Schema(
    (
        Feature("a", "STRING", drift=Comparator(linf=0.1, jensen_shannon=0.1), skew=Comparator(linf=0.5)),
        Feature("b", "STRUCT", features=(Feature("a", "INT"), Feature("a.b", "INT"))),
    )
)
ANOMALIES = st.builds(
    Anomaly,
    feature=st.sampled_from([None, "a", "b", "b.a", "b.a.b"]) | SHORT,
    rule=st.sampled_from(get_args(Rule)),
    severity=st.sampled_from(["error", "warning"]),
    split=st.sampled_from(["train", "data"]),
    message=TEXT,
    rows=st.none() | st.integers(0, 9),
    fraction=st.none() | st.floats(0, 1),
    examples=st.lists(TEXT, max_size=2).map(tuple),
    suggestion=TEXT,
    suggested=st.none() | st.just(Feature("a", "FLOAT", min=0.5)),
    removes=st.booleans(),
    path=st.sampled_from([(), ("b", "a"), ("b.a", "b")]),
    name=TEXT,
    row_numbers=st.lists(st.integers(0, 9), max_size=2).map(tuple),
    p_value=st.none() | st.floats(0, 1),
    suggested_values=st.lists(TEXT, max_size=2).map(tuple),
    suggested_constraints=st.none() | st.just(DatasetConstraints(3)),
)


@given(found=st.lists(ANOMALIES, max_size=5))
@settings(max_examples=150)
def test_everything_that_headrace_has_comes_back(found: list[Anomaly]) -> None:
    anomalies = Anomalies(tuple(found), ("train", "data"))
    for split in anomalies.splits:
        message = anomalies_to_proto(anomalies, SCHEMA, split=split)
        again = anomalies_from_proto(anomalies_pb2.Anomalies.FromString(message.SerializeToString()))
        assert again == Anomalies(tuple(one for one in found if one.split == split), (split,))


@st.composite
def messages(draw: st.DrawFn) -> Any:
    """Return a message that says everything, as TFX writes it."""
    message = anomalies_pb2.Anomalies(anomaly_name_format=anomalies_pb2.Anomalies.SERIALIZED_PATH)
    message.baseline.feature.add(name="a", type=2)
    steps = st.lists(SHORT, min_size=1, max_size=3).map(tuple)
    for path in draw(st.lists(steps, unique=True, max_size=3)):
        key = ".".join(f"({step.replace(')', '))')})" if set(step) & set(".()") else step for step in path)
        _fill(draw, message.anomaly_info[key])
        message.anomaly_info[key].path.step.extend(path)
        if draw(st.booleans()):
            info = message.drift_skew_info.add()
            info.path.step.extend(path)
            for way in (info.drift_measurements, info.skew_measurements):
                for kind in draw(st.sets(st.integers(1, 3))):
                    way.add(type=kind, value=draw(st.floats(0, 1)), threshold=draw(st.floats(0, 1)))
    if draw(st.booleans()):
        _fill(draw, message.dataset_anomaly_info)
        if any(reason.type == KINDS.Value("NO_DATA_IN_SPAN") for reason in message.dataset_anomaly_info.reason):
            message.data_missing = True
    return message


def _fill(draw: st.DrawFn, info: Any) -> None:
    info.severity = draw(st.integers(0, 2))
    info.description, info.short_description = draw(TEXT), draw(TEXT)
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(KINDS.values()))
        info.reason.add(type=kind, description=draw(TEXT), short_description=draw(TEXT))
    if draw(st.booleans()):
        info.diff_regions.add().added.contents.append(draw(TEXT))


def test_reasons_keep_their_order() -> None:
    message = anomalies_pb2.Anomalies()
    for kind in ("MULTIPLE_REASONS", "UNKNOWN_TYPE", "MULTIPLE_REASONS"):
        message.dataset_anomaly_info.reason.add(type=anomalies_pb2.AnomalyInfo.Type.Value(kind))
    written = anomalies_to_proto(anomalies_from_proto(message), Schema())
    assert [reason.type for reason in written.dataset_anomaly_info.reason] == [
        reason.type for reason in message.dataset_anomaly_info.reason
    ]


@given(message=messages())
@settings(max_examples=200)
def test_everything_that_tfx_has_comes_back(message: Any) -> None:
    anomalies = anomalies_from_proto(message)
    written = anomalies_to_proto(anomalies, schema_from_proto(message.baseline)[0])
    assert written == message
    assert anomalies_from_proto(written) == anomalies
    assert Anomalies.from_json(anomalies.to_json()) == anomalies
