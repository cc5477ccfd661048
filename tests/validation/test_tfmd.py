from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from headrace.errors import UsageError
from headrace.schema import Comparator, Feature, Schema
from headrace.schema.tfmd import to_proto
from headrace.validation import Anomalies, Anomaly, Rule
from headrace.validation.tfmd import REASONS, anomalies_from_proto, anomalies_to_pbtxt, anomalies_to_proto

KINDS = anomalies_pb2.AnomalyInfo.Type
SCHEMA = Schema(
    (
        Feature("age", "INT", 1.0, drift=Comparator(jensen_shannon=0.1)),
        Feature("job", "STRING", values=("a",)),
        Feature("p", "STRUCT", features=(Feature("a.b", "INT"),)),
    )
)
FOUND = Anomalies(
    (
        Anomaly("age", "missing_values", "error", "train", "age is missing in 3 rows.", rows=3, suggestion="Mend it."),
        Anomaly("age", "drift_jensen_shannon", "warning", "train", "age has drifted.", fraction=0.25),
        Anomaly("job", "domain_values", "warning", "train", "job has other values."),
        Anomaly("p.a.b", "type", "error", "train", "It is text."),
        Anomaly("new", "column_new", "warning", "train", "It is new."),
        Anomaly(None, "no_data", "error", "train", "There are no rows."),
        Anomaly("job", "type", "error", "eval", "job is a number."),
    ),
    ("train", "eval"),
)


def test_every_rule_has_a_type_of_tfx() -> None:
    assert set(get_args(Rule)) <= set(REASONS)
    assert set(REASONS.values()) <= set(anomalies_pb2.AnomalyInfo.Type.keys())


def test_anomalies_are_written_as_tfx_writes_them() -> None:
    message = anomalies_to_proto(FOUND, SCHEMA, split="train", overlay=False)
    kinds = anomalies_pb2.AnomalyInfo
    assert sorted(message.anomaly_info) == ["age", "job", "new", "p.(a.b)"]
    age = message.anomaly_info["age"]
    assert [reason.type for reason in age.reason] == [
        kinds.FEATURE_TYPE_LOW_FRACTION_PRESENT,
        kinds.COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH,
    ]
    assert (age.severity, age.short_description) == (kinds.ERROR, "Multiple errors")
    assert age.description == "age is missing in 3 rows. Mend it. age has drifted."
    job = message.anomaly_info["job"]
    assert (job.severity, job.short_description, job.description) == (
        kinds.WARNING,
        "domain values",
        "job has other values.",
    )
    assert list(message.anomaly_info["p.(a.b)"].path.step) == ["p", "a.b"]
    assert message.data_missing
    assert message.dataset_anomaly_info.severity == kinds.ERROR
    assert message.baseline == to_proto(SCHEMA)
    (info,) = message.drift_skew_info
    assert list(info.path.step) == ["age"]
    (measured,) = info.drift_measurements
    assert (measured.type, measured.value, measured.threshold) == (2, 0.25, 0.1)


@pytest.mark.parametrize(
    ("name", "wider", "kind"),
    [
        ("i", {"max": 9}, "INT_TYPE_BIG_INT"),
        ("i", {"min": -9}, "INT_TYPE_SMALL_INT"),
        ("x", {"max": 9.5, "min": -9.5}, "FLOAT_TYPE_BIG_FLOAT"),
        ("x", {"min": -9.5}, "FLOAT_TYPE_SMALL_FLOAT"),
        ("x", None, "UNKNOWN_TYPE"),
    ],
)
def test_each_end_of_a_range_has_a_type(name: str, wider: dict[str, float] | None, kind: str) -> None:
    schema = Schema((Feature("i", "INT", min=0, max=1), Feature("x", "FLOAT", min=0.5, max=1.5)))
    suggested = None if wider is None else msgspec.structs.replace(schema[name], **wider)
    anomalies = Anomalies((Anomaly(name, "range", "error", "train", "So.", suggested=suggested),), ("train",))
    message = anomalies_to_proto(anomalies, schema)
    assert [KINDS.Name(reason.type) for reason in message.anomaly_info[name].reason] == [kind]
    assert anomalies_from_proto(message) == anomalies


def test_the_text_can_be_read() -> None:
    text = anomalies_to_pbtxt(FOUND, SCHEMA, split="eval")
    message = text_format.Parse(text, anomalies_pb2.Anomalies())
    assert list(message.anomaly_info) == ["job"]
    assert not message.data_missing
    assert message.baseline.feature[0].type == schema_pb2.INT


def test_a_message_is_about_one_data_set() -> None:
    with pytest.raises(UsageError, match="none named"):
        anomalies_to_pbtxt(FOUND, SCHEMA)
    with pytest.raises(UsageError, match="Did you mean 'train'"):
        anomalies_to_pbtxt(FOUND, SCHEMA, split="trian")
    assert not anomalies_to_proto(Anomalies((), ("only",)), SCHEMA).anomaly_info
