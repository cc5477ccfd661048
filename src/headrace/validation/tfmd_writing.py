"""Anomalies as messages of TensorFlow Metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.errors import DataError
from headrace.schema.messages import TextError, apply, parse_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.schema import Feature, Schema
    from headrace.validation.anomalies import Anomaly

__all__ = ["MEASURED", "REASONS", "anomalies_message", "info_message", "serialized", "steps_to"]

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
    "other": "UNKNOWN_TYPE",
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
MEASURED = {
    "linf": "L_INFTY",
    "jensen_shannon": "JENSEN_SHANNON_DIVERGENCE",
    "normalized_abs_difference": "NORMALIZED_ABSOLUTE_DIFFERENCE",
}


def steps_to(found: Sequence[Anomaly], schema: Schema) -> list[tuple[str, ...]]:
    """Return the path to the feature of each anomaly; empty where it is about the data set."""
    steps_of = {".".join(steps): steps for steps, _ in schema.walk()}
    return [
        anomaly.steps if anomaly.path or anomaly.feature is None else steps_of.get(anomaly.feature, anomaly.steps)
        for anomaly in found
    ]


def anomalies_message(found: Sequence[Anomaly], schema: Schema, pb: Any, *, tfx: str = "") -> Any:
    """Return the message without its schema: what is said of each feature, of the data set, and of distances."""
    message = pb.Anomalies(anomaly_name_format=pb.Anomalies.SERIALIZED_PATH)
    if tfx:
        apply(message, parsed(tfx, pb.Anomalies()))
    known = {steps for steps, _ in schema.walk()}
    by_feature: dict[tuple[str, ...], list[Anomaly]] = {}
    for anomaly, steps in zip(found, steps_to(found, schema), strict=True):
        by_feature.setdefault(steps, []).append(anomaly)
    for steps, some in by_feature.items():
        info = message.anomaly_info[serialized(steps)] if steps else message.dataset_anomaly_info
        if steps:
            info.path.step.extend(steps)
        info_message(some, info, schema.at(steps) if steps in known else None)
        if not steps and any(anomaly.rule == "no_data" for anomaly in some):
            message.data_missing = True
        if steps in known:
            _measurements(some, schema, steps, message, pb)
    return message


def info_message(found: Sequence[Anomaly], info: Any, feature: Feature | None = None) -> None:
    """Write what is found of one feature, as the schema has it, or of the data set."""
    kind = type(info)
    info.severity = kind.ERROR if any(anomaly.severity == "error" for anomaly in found) else kind.WARNING
    for anomaly in found:
        reason = info.reason.add(type=kind.Type.Value(_type(anomaly, feature)))
        reason.short_description = anomaly.rule.replace("_", " ")
        reason.description = f"{anomaly.message} {anomaly.suggestion}".strip()
    several = len(info.reason) > 1
    info.short_description = "Multiple errors" if several else info.reason[0].short_description
    info.description = " ".join(reason.description for reason in info.reason)
    for anomaly, reason in zip(found, info.reason, strict=True):
        if not anomaly.tfx:
            continue
        kept = parsed(anomaly.tfx, kind())
        if kept.reason:
            apply(reason, kept.reason[0])
        # What was said of all reasons together holds while they are together.
        if not kept.reason or len(kept.reason) == len(found):
            kept.ClearField("reason")
            apply(info, kept)


def _type(anomaly: Anomaly, feature: Feature | None) -> str:
    """Return the type of a reason; a range has one for each of its ends."""
    wider = anomaly.suggested
    if anomaly.rule != "range" or feature is None or wider is None or feature.type not in {"INT", "FLOAT"}:
        return REASONS.get(anomaly.rule, "UNKNOWN_TYPE")
    end = "SMALL" if wider.max == feature.max else "BIG"
    return f"{feature.type}_TYPE_{end}_{feature.type}"


def parsed(text: str, message: Any) -> Any:
    """Return the message with what the text of a field ``tfx`` says.

    Raises
    ------
    DataError
        If it is no such text.
    """
    try:
        parse_text(text, message)
    except TextError as error:
        raise DataError("tfx is text of TensorFlow Metadata", got=str(error)) from error
    return message


def _measurements(found: Sequence[Anomaly], schema: Schema, steps: Sequence[str], message: Any, pb: Any) -> None:
    """Write the distances that TensorFlow Metadata knows, unless they are there."""
    target = next((info for info in message.drift_skew_info if list(info.path.step) == list(steps)), None)
    feature = schema.at(steps)
    for anomaly in found:
        key, _, distance = anomaly.rule.partition("_")
        comparator = {"drift": feature.drift, "skew": feature.skew}.get(key)
        if distance not in MEASURED or comparator is None or anomaly.fraction is None:
            continue
        if target is None:
            target = message.drift_skew_info.add()
            target.path.step.extend(steps)
        measured = getattr(target, f"{key}_measurements")
        kind = pb.DriftSkewInfo.Measurement.Type.Value(MEASURED[distance])
        if all(other.type != kind for other in measured):
            measured.add(type=kind, value=anomaly.fraction, threshold=getattr(comparator, distance))


def serialized(steps: Sequence[str]) -> str:
    """Return a path as one text: steps with dots or brackets stand in brackets, in which a closing one is doubled."""
    return ".".join(f"({step.replace(')', '))')})" if set(step) & set(".()") or not step else step for step in steps)
