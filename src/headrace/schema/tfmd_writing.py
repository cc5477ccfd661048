"""Messages of TensorFlow Metadata, from the parts of a schema."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from headrace.schema.feature import Feature
    from headrace.schema.schema import Schema

__all__ = ["DISTANCES", "feature_message", "schema_message", "single"]

_INT64 = 2**63
_SEMANTIC = ("url", "mid", "time_of_day")
DISTANCES = (
    ("linf", "infinity_norm"),
    ("jensen_shannon", "jensen_shannon_divergence"),
    ("normalized_abs_difference", "normalized_abs_difference"),
)


def feature_message(feature: Feature, pb: Any) -> Any:
    """Return the message of a feature, without the fields of a struct."""
    message = pb.Feature(name=feature.name)
    message.type = {"INT": 2, "BOOL": 2, "TIMESTAMP": 2, "FLOAT": 3, "STRUCT": 4}.get(feature.type, 1)
    if feature.min_fraction:
        message.presence.min_fraction = feature.min_fraction
    if feature.min_count:
        _whole_number(message.presence, "min_count", feature.min_count)
    if feature.group_required and not message.HasField("presence"):
        message.group_presence.required = True
    if feature.shape is not None:
        message.shape.SetInParent()
        for size in feature.shape:
            _whole_number(message.shape.dim.add(), "size", size)
    for counts in feature.value_counts:
        target = message.value_count if len(feature.value_counts) == 1 else message.value_counts.value_count.add()
        target.SetInParent()
        _bounds(target, counts)
    _domain(message, feature)
    if feature.min_domain_mass != 1.0:
        message.distribution_constraints.min_domain_mass = feature.min_domain_mass
    for key in ("drift", "skew"):
        comparator = getattr(feature, key)
        for ours, theirs in DISTANCES:
            threshold = comparator and getattr(comparator, ours)
            if threshold is not None:
                getattr(getattr(message, f"{key}_comparator"), theirs).threshold = threshold
    message.in_environment.extend(feature.in_environment)
    message.not_in_environment.extend(feature.not_in_environment)
    if feature.lifecycle_stage is not None:
        message.lifecycle_stage = pb.LifecycleStage.Value(feature.lifecycle_stage)
    if feature.annotation is not None:
        message.annotation.tag.extend(feature.annotation.tags)
        message.annotation.comment.extend(feature.annotation.comments)
    if feature.unique_constraints is not None:
        message.unique_constraints.SetInParent()
        _bounds(message.unique_constraints, feature.unique_constraints)
    for name in feature.derived_from:
        message.validation_derived_source.source_path.add(step=[name])
    return message


def _domain(message: Any, feature: Feature) -> None:
    language, time, image = feature.natural_language_domain, feature.time_domain, feature.image_domain
    if feature.domain is not None:
        message.domain = feature.domain
    elif feature.values is not None:
        message.string_domain.SetInParent()
        message.string_domain.value.extend(feature.values)
    elif feature.bool_domain is not None:
        _given(message.bool_domain, feature.bool_domain)
    elif time is not None:
        _given(message.time_domain, msgspec.structs.replace(time, integer_format=None))
        if time.integer_format is not None:
            message.time_domain.integer_format = message.time_domain.IntegerTimeFormat.Value(
                time.integer_format.upper()
            )
    elif image is not None:
        _given(message.image_domain, image)
    elif language is not None:
        _language(message.natural_language_domain, language)
    elif feature.semantic_domain in _SEMANTIC:
        getattr(message, f"{feature.semantic_domain}_domain").SetInParent()
    elif feature.type == "INT" and (feature.min is not None or feature.max is not None or feature.is_categorical):
        _bounds(message.int_domain, feature)
        if feature.is_categorical:
            message.int_domain.is_categorical = True
    elif feature.type == "FLOAT":
        _float_domain(message, feature)
    elif feature.type == "BOOL":
        message.bool_domain.SetInParent()
    elif feature.type == "TIMESTAMP":
        message.time_domain.integer_format = message.time_domain.IntegerTimeFormat.Value("UNIX_MICROSECONDS")


def _float_domain(message: Any, feature: Feature) -> None:
    if not feature.allow_nan:
        message.float_domain.disallow_nan = True
    if not feature.allow_infinity:
        message.float_domain.disallow_inf = True
    if feature.embedding_dim is not None:
        message.float_domain.is_embedding = True
        _whole_number(message.float_domain, "embedding_dim", feature.embedding_dim)
    for key in ("min", "max"):
        bound = getattr(feature, key)
        if bound is not None:
            # TensorFlow Metadata has float32 here; a wider number would become an infinity, or an error.
            number = single(bound)
            if number is not None:
                setattr(message.float_domain, key, number)


def _language(message: Any, language: Any) -> None:
    message.SetInParent()
    if language.vocabulary is not None:
        message.vocabulary = language.vocabulary
    for key in ("min_coverage", "min_avg_token_length"):
        number = single(getattr(language, key))
        if number is not None:
            setattr(message.coverage, key, number)
    for token in language.tokens:
        constraint = message.token_constraints.add(string_value=token.token)
        for ours, theirs in (("min_per_row", "min_per_sequence"), ("max_per_row", "max_per_sequence")):
            _whole_number(constraint, theirs, getattr(token, ours))
        for ours in ("min_fraction", "max_fraction"):
            number = single(getattr(token, ours))
            if number is not None:
                setattr(constraint, f"{ours}_of_sequences", number)


def schema_message(schema: Schema, pb: Any) -> Any:
    """Return the message of all but the features."""
    message = pb.Schema()
    for name, values in schema.string_domains.items():
        message.string_domain.add(name=name, value=values)
    message.default_environment.extend(schema.default_environments)
    for sparse in schema.sparse_features:
        target = message.sparse_feature.add(name=sparse.name)
        target.value_feature.name = sparse.value_feature
        for index in sparse.index_features:
            target.index_feature.add(name=index)
        if sparse.is_sorted:
            target.is_sorted = True
        if sparse.dense_shape is not None:
            target.dense_shape.SetInParent()
            for size in sparse.dense_shape:
                _whole_number(target.dense_shape.dim.add(), "size", size)
        if sparse.lifecycle_stage is not None:
            target.lifecycle_stage = pb.LifecycleStage.Value(sparse.lifecycle_stage)
    for weighted in schema.weighted_features:
        target = message.weighted_feature.add(name=weighted.name)
        target.feature.step.append(weighted.feature)
        target.weight_feature.step.append(weighted.weight_feature)
        if weighted.lifecycle_stage is not None:
            target.lifecycle_stage = pb.LifecycleStage.Value(weighted.lifecycle_stage)
    limits = schema.dataset_constraints
    if limits is not None:
        message.dataset_constraints.SetInParent()
        for key in ("min_examples_count", "max_examples_count"):
            _whole_number(message.dataset_constraints, key, getattr(limits, key))
        for key in ("num_examples_drift", "num_examples_version"):
            comparator = getattr(limits, key)
            if comparator is not None:
                _given(getattr(message.dataset_constraints, f"{key}_comparator"), comparator)
    if schema.annotation is not None:
        message.annotation.tag.extend(schema.annotation.tags)
        message.annotation.comment.extend(schema.annotation.comments)
    return message


def _given(message: Any, part: msgspec.Struct) -> None:
    """Copy the fields of the same names that are there."""
    message.SetInParent()
    for key in part.__struct_fields__:
        value = getattr(part, key)
        if isinstance(value, int):
            _whole_number(message, key, value)
        elif isinstance(value, float) and type(message).__name__ == "ImageDomain":
            setattr(message, key, single(value))
        elif value is not None:
            setattr(message, key, value)


def _bounds(message: Any, part: Any) -> None:
    _whole_number(message, "min", part.min)
    _whole_number(message, "max", part.max)


def _whole_number(message: Any, key: str, number: Any) -> None:
    """Set an int64; what does not fit is left to the overlay."""
    if isinstance(number, int) and -_INT64 <= number < _INT64:
        setattr(message, key, number)


def single(number: float | None) -> float | None:
    """Return a number as float32; None where there is none so large."""
    if number is None:
        return None
    try:
        return float(struct.unpack("<f", struct.pack("<f", number))[0])
    except OverflowError:
        return None
