"""Anomalies as TensorFlow Metadata has them; needs tensorflow-metadata (extra ``tfx``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.errors import UsageError, did_you_mean, import_extra
from headrace.schema.messages import text_of
from headrace.schema.tfmd import to_proto as schema_to_proto

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.schema import Schema
    from headrace.validation.anomalies import Anomalies, Anomaly

__all__ = ["REASONS", "anomalies_to_pbtxt", "anomalies_to_proto"]

_MODULE = "tensorflow_metadata.proto.v0.anomalies_pb2"
# The nearest type of AnomalyInfo by rule. UNKNOWN_TYPE is what TensorFlow Metadata has no word for: the description
# says it.
REASONS: dict[str, str] = {
    "bool_values": "BOOL_TYPE_UNEXPECTED_STRING",
    "column_missing": "SCHEMA_MISSING_COLUMN",
    "column_new": "SCHEMA_NEW_COLUMN",
    "custom": "CUSTOM_VALIDATION",
    "derived_column": "DERIVED_FEATURE_INVALID_SOURCE",
    "domain_values": "ENUM_TYPE_UNEXPECTED_STRING_VALUES",
    "drift_chi_squared": "UNKNOWN_TYPE",
    "drift_hellinger": "UNKNOWN_TYPE",
    "drift_jensen_shannon": "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH",
    "drift_kolmogorov_smirnov": "UNKNOWN_TYPE",
    "drift_linf": "COMPARATOR_L_INFTY_HIGH",
    "drift_no_data": "COMPARATOR_CONTROL_DATA_MISSING",
    "drift_normalized_abs_difference": "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH",
    "drift_psi": "UNKNOWN_TYPE",
    "drift_wasserstein": "UNKNOWN_TYPE",
    "duplicate_column": "UNKNOWN_TYPE",
    "embedding_dim": "EMBEDDING_SHAPE_INVALID",
    "few_examples": "DATASET_LOW_NUM_EXAMPLES",
    "few_examples_drift": "COMPARATOR_LOW_NUM_EXAMPLES",
    "few_examples_version": "COMPARATOR_LOW_NUM_EXAMPLES",
    "few_present": "FEATURE_TYPE_LOW_NUMBER_PRESENT",
    "few_unique": "FEATURE_TYPE_LOW_UNIQUE",
    "few_values": "FEATURE_TYPE_LOW_NUMBER_VALUES",
    "group_missing": "FEATURE_TYPE_LOW_FRACTION_PRESENT",
    "image_kind": "LOW_SUPPORTED_IMAGE_FRACTION",
    "image_size": "MAX_IMAGE_BYTE_SIZE_EXCEEDED",
    "infinite": "FLOAT_TYPE_HAS_INF",
    "invalid_utf8": "ENUM_TYPE_INVALID_UTF8",
    "leakage": "UNKNOWN_TYPE",
    "location": "NLP_WRONG_LOCATION",
    "many_examples": "DATASET_HIGH_NUM_EXAMPLES",
    "many_examples_drift": "COMPARATOR_HIGH_NUM_EXAMPLES",
    "many_examples_version": "COMPARATOR_HIGH_NUM_EXAMPLES",
    "many_unique": "FEATURE_TYPE_HIGH_UNIQUE",
    "many_values": "FEATURE_TYPE_HIGH_NUMBER_VALUES",
    "missing_values": "FEATURE_TYPE_LOW_FRACTION_PRESENT",
    "nan": "FLOAT_TYPE_HAS_NAN",
    "needs_rows": "STATS_NOT_AVAILABLE",
    "nestedness": "VALUE_NESTEDNESS_MISMATCH",
    "no_data": "NO_DATA_IN_SPAN",
    "number_in_text": "UNEXPECTED_DATA_TYPE",
    "range": "UNKNOWN_TYPE",
    "semantic_domain": "UNKNOWN_TYPE",
    "semantic_suggestion": "SEMANTIC_DOMAIN_UPDATE",
    "shape": "INVALID_FEATURE_SHAPE",
    "skew_chi_squared": "UNKNOWN_TYPE",
    "skew_hellinger": "UNKNOWN_TYPE",
    "skew_jensen_shannon": "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH",
    "skew_kolmogorov_smirnov": "UNKNOWN_TYPE",
    "skew_linf": "COMPARATOR_L_INFTY_HIGH",
    "skew_no_data": "COMPARATOR_CONTROL_DATA_MISSING",
    "skew_normalized_abs_difference": "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH",
    "skew_psi": "UNKNOWN_TYPE",
    "skew_wasserstein": "UNKNOWN_TYPE",
    "sparse_length": "SPARSE_FEATURE_LENGTH_MISMATCH",
    "sparse_missing_index": "SPARSE_FEATURE_MISSING_INDEX",
    "sparse_missing_value": "SPARSE_FEATURE_MISSING_VALUE",
    "time_format": "UNKNOWN_TYPE",
    "token_fraction_high": "SEQUENCE_VALUE_TOO_LARGE_FRACTION",
    "token_fraction_low": "SEQUENCE_VALUE_TOO_SMALL_FRACTION",
    "token_length": "FEATURE_COVERAGE_TOO_SHORT_AVG_TOKEN_LENGTH",
    "token_too_few": "SEQUENCE_VALUE_TOO_FEW_OCCURRENCES",
    "token_too_many": "SEQUENCE_VALUE_TOO_MANY_OCCURRENCES",
    "type": "UNEXPECTED_DATA_TYPE",
    "unique": "FEATURE_TYPE_LOW_UNIQUE",
    "vocabulary_coverage": "FEATURE_COVERAGE_TOO_LOW",
    "weighted_length": "WEIGHTED_FEATURE_LENGTH_MISMATCH",
    "weighted_missing_value": "WEIGHTED_FEATURE_MISSING_VALUE",
    "weighted_missing_weight": "WEIGHTED_FEATURE_MISSING_WEIGHT",
}
_MEASURED = {
    "linf": "L_INFTY",
    "jensen_shannon": "JENSEN_SHANNON_DIVERGENCE",
    "normalized_abs_difference": "NORMALIZED_ABSOLUTE_DIFFERENCE",
}


def anomalies_to_pbtxt(anomalies: Anomalies, schema: Schema, *, split: str | None = None) -> str:
    """Return the text form of ``anomalies_pb2.Anomalies``, as TFX's ExampleValidator writes it.

    Parameters
    ----------
    anomalies
        The anomalies.
    schema
        The schema that the data was checked against.
    split
        The data set, since a message is about one; it may be left out where there is one.

    Raises
    ------
    MissingExtraError
        If tensorflow-metadata is not installed.
    UsageError
        If there are several data sets and none is named, or there is none of this name.
    """
    return text_of(anomalies_to_proto(anomalies, schema, split=split))


def anomalies_to_proto(anomalies: Anomalies, schema: Schema, *, split: str | None = None) -> Any:
    """Return the message ``anomalies_pb2.Anomalies``; see :func:`anomalies_to_pbtxt`."""
    pb = import_extra(_MODULE, "tfx")
    if split is None and len(anomalies.splits) == 1:
        (split,) = anomalies.splits
    if split is None or split not in anomalies.splits:
        raise UsageError(
            "Anomalies of TFX are about one data set",
            got="none named" if split is None else split,
            fix=did_you_mean(split or "", anomalies.splits),
        )
    message = pb.Anomalies(anomaly_name_format=pb.Anomalies.SERIALIZED_PATH)
    message.baseline.CopyFrom(schema_to_proto(schema))
    steps_of = {".".join(steps): steps for steps, _ in schema.walk()}
    by_feature: dict[str | None, list[Anomaly]] = {}
    for anomaly in anomalies:
        if anomaly.split == split:
            by_feature.setdefault(anomaly.feature, []).append(anomaly)
    for feature, found in by_feature.items():
        steps = steps_of.get(feature, (feature,)) if feature is not None else ()
        info = message.dataset_anomaly_info if feature is None else message.anomaly_info[_serialized(steps)]
        info.path.step.extend(steps)
        _info(found, info, pb)
        if feature is None and any(anomaly.rule == "no_data" for anomaly in found):
            message.data_missing = True
        if feature in steps_of:
            _measurements(found, schema, steps, message, pb)
    return message


def _info(found: Sequence[Anomaly], info: Any, pb: Any) -> None:
    kind = pb.AnomalyInfo
    info.severity = kind.ERROR if any(anomaly.severity == "error" for anomaly in found) else kind.WARNING
    for anomaly in found:
        reason = info.reason.add(type=kind.Type.Value(REASONS.get(anomaly.rule, "UNKNOWN_TYPE")))
        reason.short_description = anomaly.rule.replace("_", " ")
        reason.description = f"{anomaly.message} {anomaly.suggestion}".strip()
    several = len(info.reason) > 1
    info.short_description = "Multiple errors" if several else info.reason[0].short_description
    info.description = " ".join(reason.description for reason in info.reason)


def _measurements(found: Sequence[Anomaly], schema: Schema, steps: Sequence[str], message: Any, pb: Any) -> None:
    """Write the distances that TensorFlow Metadata knows."""
    target = None
    feature = schema.at(steps)
    for anomaly in found:
        key, _, distance = anomaly.rule.partition("_")
        comparator = {"drift": feature.drift, "skew": feature.skew}.get(key)
        if distance not in _MEASURED or comparator is None or anomaly.fraction is None:
            continue
        if target is None:
            target = message.drift_skew_info.add()
            target.path.step.extend(steps)
        getattr(target, f"{key}_measurements").add(
            type=pb.DriftSkewInfo.Measurement.Type.Value(_MEASURED[distance]),
            value=anomaly.fraction,
            threshold=getattr(comparator, distance),
        )


def _serialized(steps: Sequence[str]) -> str:
    """Return a path as one text: steps with dots or brackets stand in brackets, in which a closing one is doubled."""
    return ".".join(f"({step.replace(')', '))')})" if set(step) & set(".()") or not step else step for step in steps)
