"""The parts of a schema, as plain values, from messages of TensorFlow Metadata."""

from __future__ import annotations

from typing import Any, get_args

from headrace.errors import SchemaError
from headrace.schema.domains import LifecycleStage
from headrace.schema.tfmd_writing import DISTANCES, single

__all__ = ["feature_values", "schema_values", "short"]

_STAGES = get_args(LifecycleStage)
_TOKEN_FIELDS = (
    ("min_per_sequence", "min_per_row"),
    ("max_per_sequence", "max_per_row"),
    ("min_fraction_of_sequences", "min_fraction"),
    ("max_fraction_of_sequences", "max_fraction"),
)


def feature_values(message: Any, pb: Any) -> dict[str, Any]:
    """Return the fields of a feature that a message gives, without the overlay and the fields of structs."""
    values: dict[str, Any] = {"name": message.name, "type": _type(message)}
    if message.presence.min_fraction:
        values["min_fraction"] = message.presence.min_fraction
    if message.presence.min_count:
        values["min_count"] = message.presence.min_count
    if message.group_presence.required:
        values["group_required"] = True
    if message.HasField("shape") and all(dim.HasField("size") and dim.size >= 0 for dim in message.shape.dim):
        values["shape"] = [dim.size for dim in message.shape.dim]
    if message.HasField("value_count"):
        values["value_counts"] = [_set(message.value_count, "min", "max")]
    elif message.value_counts.value_count:
        values["value_counts"] = [_set(one, "min", "max") for one in message.value_counts.value_count]
    _domain_understood(message, values)
    mass = message.distribution_constraints.min_domain_mass
    if mass != 1.0 and ("values" in values or "domain" in values):
        values["min_domain_mass"] = mass
    for key in ("drift", "skew"):
        comparator = getattr(message, f"{key}_comparator")
        found = {}
        for ours, theirs in DISTANCES:
            distance = getattr(comparator, theirs)
            fits = ours != "linf" or values["type"] == "STRING" or "bool_domain" in values or "is_categorical" in values
            if distance.HasField("threshold") and fits:
                found[ours] = distance.threshold
        if found:
            values[key] = found
    for key in ("in_environment", "not_in_environment"):
        if getattr(message, key):
            values[key] = list(getattr(message, key))
    stage = pb.LifecycleStage.Name(message.lifecycle_stage)
    if stage in _STAGES:
        values["lifecycle_stage"] = stage
    elif message.deprecated:
        values["lifecycle_stage"] = "DEPRECATED"
    if message.annotation.tag or message.annotation.comment:
        values["annotation"] = _annotation(message.annotation)
    if message.HasField("unique_constraints"):
        values["unique_constraints"] = _set(message.unique_constraints, "min", "max")
    if message.validation_derived_source.source_path:
        values["derived_from"] = [".".join(path.step) for path in message.validation_derived_source.source_path]
    return values


def _type(message: Any) -> str:
    domain = message.WhichOneof("domain_info")
    binary = domain in ("image_domain", "audio_domain", "video_domain", "content_chunk_domain")
    kinds = {1: "BYTES" if binary else "STRING", 2: "INT", 3: "FLOAT", 4: "STRUCT"}
    if message.type in kinds:
        return kinds[message.type]
    implied = {"int_domain": "INT", "float_domain": "FLOAT", "struct_domain": "STRUCT", "string_domain": "STRING"}
    if domain not in implied:
        raise SchemaError(
            "A feature has a type", got="none", where=f"feature {message.name!r}", fix="Add type: BYTES or another type"
        )
    return implied[domain]


def _domain_understood(message: Any, values: dict[str, Any]) -> None:
    kind = values["type"]
    domain = message.WhichOneof("domain_info")
    part = getattr(message, domain) if domain is not None else None
    if kind == "FLOAT":
        allowed = {
            "allow_nan": not message.float_domain.disallow_nan,
            "allow_infinity": not message.float_domain.disallow_inf,
        }
        values |= {key: True for key, value in allowed.items() if value}
    if domain == "domain":
        values["domain"] = message.domain
    elif domain == "string_domain" and kind == "STRING":
        values["values"] = list(message.string_domain.value)
    elif domain == "int_domain" and kind == "INT":
        values |= _set(part, "min", "max")
        if message.int_domain.is_categorical:
            values["is_categorical"] = True
    elif domain == "float_domain" and kind == "FLOAT":
        values |= {key: short(number) for key, number in _set(part, "min", "max").items()}
        if message.float_domain.is_embedding and message.float_domain.HasField("embedding_dim"):
            values["embedding_dim"] = message.float_domain.embedding_dim
    elif domain == "bool_domain" and kind in ("INT", "FLOAT", "STRING"):
        values["bool_domain"] = _set(part, "true_value", "false_value")
    elif domain == "time_domain" and kind in ("INT", "STRING"):
        values["time_domain"] = _set(part, "string_format")
        if message.time_domain.integer_format:
            unit = message.time_domain.IntegerTimeFormat.Name(message.time_domain.integer_format)
            values["time_domain"]["integer_format"] = unit.lower()
    elif domain == "image_domain" and kind == "BYTES":
        values["image_domain"] = _set(part, "max_image_byte_size")
        fraction = _set(part, "minimum_supported_image_fraction")
        values["image_domain"] |= {key: short(number) for key, number in fraction.items()}
    elif domain == "natural_language_domain" and kind == "STRING":
        values["natural_language_domain"] = _language_understood(part)
    elif domain in ("url_domain", "mid_domain") and kind == "STRING":
        values["semantic_domain"] = domain.removesuffix("_domain")
    elif domain == "time_of_day_domain" and kind in ("INT", "STRING"):
        values["semantic_domain"] = "time_of_day"


def _language_understood(message: Any) -> dict[str, Any]:
    found = _set(message, "vocabulary")
    if message.HasField("vocabulary"):
        numbers = _set(message.coverage, "min_coverage", "min_avg_token_length")
        found |= {key: short(number) for key, number in numbers.items()}
    tokens = message.token_constraints
    if tokens and all(token.HasField("string_value") for token in tokens):
        found["tokens"] = []
        for token in tokens:
            one: dict[str, Any] = {"token": token.string_value}
            for theirs, ours in _TOKEN_FIELDS:
                if token.HasField(theirs):
                    number = getattr(token, theirs)
                    one[ours] = short(number) if isinstance(number, float) else number
            found["tokens"].append(one)
    return found


def schema_values(message: Any, pb: Any) -> dict[str, Any]:
    """Return the fields of a schema that a message gives, without the overlay and the features."""
    values: dict[str, Any] = {}
    if message.string_domain:
        values["string_domains"] = {domain.name: list(domain.value) for domain in message.string_domain}
    if message.default_environment:
        values["default_environments"] = list(message.default_environment)
    for sparse in message.sparse_feature:
        one: dict[str, Any] = {"name": sparse.name, "value_feature": sparse.value_feature.name}
        one["index_features"] = [index.name for index in sparse.index_feature]
        if sparse.is_sorted:
            one["is_sorted"] = True
        dims = sparse.dense_shape.dim
        if sparse.HasField("dense_shape") and all(dim.HasField("size") and dim.size >= 0 for dim in dims):
            one["dense_shape"] = [dim.size for dim in dims]
        values.setdefault("sparse_features", []).append(one | _stage(sparse, pb))
    for weighted in message.weighted_feature:
        one = {"name": weighted.name, "feature": ".".join(weighted.feature.step)}
        one["weight_feature"] = ".".join(weighted.weight_feature.step)
        values.setdefault("weighted_features", []).append(one | _stage(weighted, pb))
    if message.HasField("dataset_constraints"):
        limits = message.dataset_constraints
        values["dataset_constraints"] = _set(limits, "min_examples_count", "max_examples_count")
        for key in ("num_examples_drift", "num_examples_version"):
            if limits.HasField(f"{key}_comparator"):
                comparator = getattr(limits, f"{key}_comparator")
                values["dataset_constraints"][key] = _set(
                    comparator, "min_fraction_threshold", "max_fraction_threshold"
                )
    if message.annotation.tag or message.annotation.comment:
        values["annotation"] = _annotation(message.annotation)
    return values


def _stage(message: Any, pb: Any) -> dict[str, Any]:
    stage = pb.LifecycleStage.Name(message.lifecycle_stage)
    if stage in _STAGES:
        return {"lifecycle_stage": stage}
    return {"lifecycle_stage": "DEPRECATED"} if getattr(message, "deprecated", False) else {}


def _annotation(message: Any) -> dict[str, Any]:
    found = {"tags": list(message.tag), "comments": list(message.comment)}
    return {key: values for key, values in found.items() if values}


def _set(message: Any, *keys: str) -> dict[str, Any]:
    """Return the fields that are set."""
    return {key: getattr(message, key) for key in keys if message.HasField(key)}


def short(number: float) -> float:
    """Return the shortest decimal that is the same float32, as 0.1 for 0.10000000149011612."""
    for digits in range(6, 10):
        short = float(f"{number:.{digits}g}")
        if single(short) == number:
            return short
    return number
