"""Anomalies from messages of TensorFlow Metadata."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from headrace.errors import DataError, SchemaError
from headrace.schema import Schema
from headrace.schema.messages import merge_patch, patched, plain_lists, residue, text_of
from headrace.schema.tfmd import from_proto as schema_from_proto
from headrace.validation.anomalies import Anomalies, Anomaly
from headrace.validation.tfmd_writing import REASONS, anomalies_message, info_message, serialized, steps_to

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["RULES", "add_overlay", "baseline_of", "message_anomalies", "without_overlay"]

_OVERLAY = "headrace/anomalies"
_OVERLAY_RULE = f"The annotation {_OVERLAY} is what headrace writes"
_SPLIT = "data"
# A feature's place in the message (None: the data set), and a reason's type and description.
_Label: TypeAlias = tuple[str | None, str, str]
_Known: TypeAlias = tuple[_Label, dict[str, Any]]
_Entry: TypeAlias = tuple[str | None, str, str, dict[str, Any]]
# The rule of types that no rule is written as, or several are.
RULES: dict[str, str] = {
    "BOOL_TYPE_BIG_INT": "bool_values",
    "BOOL_TYPE_BYTES_NOT_INT": "type",
    "BOOL_TYPE_BYTES_NOT_STRING": "type",
    "BOOL_TYPE_FLOAT_NOT_INT": "type",
    "BOOL_TYPE_FLOAT_NOT_STRING": "type",
    "BOOL_TYPE_INT_NOT_STRING": "type",
    "BOOL_TYPE_SMALL_INT": "bool_values",
    "BOOL_TYPE_STRING_NOT_INT": "type",
    "BOOL_TYPE_UNEXPECTED_FLOAT": "bool_values",
    "COMPARATOR_TREATMENT_DATA_MISSING": "missing_values",
    "DERIVED_FEATURE_BAD_LIFECYCLE": "derived_column",
    "ENUM_TYPE_BYTES_NOT_STRING": "type",
    "ENUM_TYPE_FLOAT_NOT_STRING": "type",
    "ENUM_TYPE_INT_NOT_STRING": "type",
    "FEATURE_TYPE_LOW_FRACTION_PRESENT": "missing_values",
    "FEATURE_TYPE_LOW_UNIQUE": "few_unique",
    "FEATURE_TYPE_NOT_PRESENT": "missing_values",
    "FEATURE_TYPE_NO_VALUES": "few_values",
    "FEATURE_TYPE_UNEXPECTED_REPEATED": "nestedness",
    "FLOAT_TYPE_BIG_FLOAT": "range",
    "FLOAT_TYPE_NON_STRING": "type",
    "FLOAT_TYPE_NOT_FLOAT": "type",
    "FLOAT_TYPE_SMALL_FLOAT": "range",
    "FLOAT_TYPE_STRING_NOT_FLOAT": "type",
    "INT_TYPE_BIG_INT": "range",
    "INT_TYPE_INT_EXPECTED": "type",
    "INT_TYPE_NOT_INT_STRING": "type",
    "INT_TYPE_NOT_STRING": "type",
    "INT_TYPE_SMALL_INT": "range",
    "INT_TYPE_STRING_EXPECTED": "type",
    "STRING_TYPE_NOW_FLOAT": "type",
    "STRING_TYPE_NOW_INT": "type",
    "UNEXPECTED_DATA_TYPE": "type",
    "UNKNOWN_TYPE": "other",
}
_BY_TYPE: dict[str, list[str]] = {}
for _name, _type in REASONS.items():
    _BY_TYPE.setdefault(_type, []).append(_name)
_SHORT = {rule.replace("_", " "): rule for rule in REASONS}
_DISTANCES = {"linf": 1, "jensen_shannon": 2, "normalized_abs_difference": 3}
_STEP = re.compile(r"\(((?:[^)]|\)\))*)\)(?:\.|$)|([^.()]+)(?:\.|$)")


def message_anomalies(message: Any, pb: Any, split: str | None = None) -> Anomalies:
    """Return the anomalies of a message ``Anomalies``.

    Raises
    ------
    DataError
        If it contradicts itself.
    """
    given = pb.Anomalies()
    given.CopyFrom(message)
    baseline, overlay = without_overlay(baseline_of(given))
    name = split if split is not None else overlay.split
    found = _with_overlay(_known(given), overlay.anomalies, name)
    try:
        schema = schema_from_proto(baseline)[0]
    except SchemaError:
        # It may be what the anomalies are about.
        schema = Schema()
    written = anomalies_message(found, schema, pb)
    for field in (
        "baseline",
        "baseline_v1",
        "anomaly_name_format",
        "anomaly_info",
        "dataset_anomaly_info",
        "data_missing",
    ):
        given.ClearField(field)
    if list(given.drift_skew_info) == list(written.drift_skew_info):
        given.ClearField("drift_skew_info")
    left = text_of(given, one_line=True)
    return Anomalies(tuple(found), (name,), {name: left} if left else {})


def baseline_of(message: Any) -> Any:
    """Return the schema of a message; older ones have it in another field."""
    return message.baseline_v1 if message.HasField("baseline_v1") else message.baseline


# ---- what both say


def _known(message: Any) -> list[_Known]:
    """Return the fields of an anomaly for each reason, in the order of the schema's features."""
    measured = {
        (tuple(info.path.step), way, one.type): one.value
        for info in message.drift_skew_info
        for way in ("drift", "skew")
        for one in getattr(info, f"{way}_measurements")
    }
    infos: dict[str | None, tuple[tuple[str, ...], Any]] = {}
    if message.HasField("dataset_anomaly_info"):
        infos[None] = (), message.dataset_anomaly_info
    places = {feature.name: place for place, feature in enumerate(baseline_of(message).feature)}
    exact = message.anomaly_name_format == type(message).SERIALIZED_PATH
    by_steps = sorted(
        ((tuple(info.path.step) or _steps(key, exact=exact), info) for key, info in message.anomaly_info.items()),
        key=lambda item: (places.get(item[0][0], len(places)), item[0]),
    )
    for steps, info in by_steps:
        if serialized(steps) in infos:
            raise DataError("Each feature of anomalies of TFX stands once", got=f"{'.'.join(steps)!r} twice")
        infos[serialized(steps)] = steps, info
    found = [one for key, (steps, info) in infos.items() for one in _info(key, steps, info, measured)]
    if message.data_missing and not any(values["rule"] == "no_data" for label, values in found if label[0] is None):
        label = (None, "NO_DATA_IN_SPAN", "There are no rows.")
        found.insert(0, (label, {"feature": None, "rule": "no_data", "severity": "error", "message": label[2]}))
    return found


def _info(key: str | None, steps: tuple[str, ...], given: Any, measured: Mapping[Any, float]) -> list[_Known]:
    """Return the fields of an anomaly for each reason of one feature, or of the data set."""
    info = type(given)()
    info.CopyFrom(given)
    # The key says what the path says.
    info.ClearField("path")
    if not info.reason:
        info.reason.add(description=info.description)
    found: list[_Known] = []
    for reason in info.reason:
        kind: str = type(info).Type.Name(reason.type)
        description = reason.description or reason.short_description or info.description or f"TFX says {kind}."
        rule, fraction = _rule(kind, reason, steps, measured)
        values: dict[str, Any] = {"feature": ".".join(steps) if steps else None, "rule": rule}
        values["severity"] = "error" if info.severity == type(info).ERROR else "warning"
        values["message"] = description
        if len(steps) > 1 or "." in "".join(steps):
            values["path"] = list(steps)
        if rule == "other":
            values["name"] = kind
        if fraction is not None:
            values["fraction"] = fraction
        found.append(((key, kind, reason.description), values))
    _keep(info, found)
    return found


def _keep(info: Any, found: Sequence[_Known]) -> None:
    """Add what writing the anomalies would not give, as text."""
    written = type(info)()
    info_message([msgspec.convert(values | {"split": ""}, Anomaly) for _, values in found], written)
    for reason, other in zip(info.reason, written.reason, strict=True):
        if reason.type != other.type:
            other.ClearField("type")
    left = residue(info, written)
    if info.severity == type(info).UNKNOWN:
        left.severity = type(info).UNKNOWN
    reasons = list(left.reason) or [type(info).Reason()] * len(found)
    left.ClearField("reason")
    for place, (_, values) in enumerate(found):
        kept = type(info)()
        if not place and left.ListFields():
            kept.CopyFrom(left)
            # So many reasons it is about.
            kept.reason.extend([reasons[0], *(type(info).Reason() for _ in reasons[1:])])
        elif reasons[place].ListFields():
            kept.reason.add().CopyFrom(reasons[place])
        if kept.ListFields():
            values["tfx"] = text_of(kept, one_line=True)


def _rule(kind: str, reason: Any, steps: tuple[str, ...], measured: Mapping[Any, float]) -> tuple[str, float | None]:
    """Return the rule of a reason, and the distance where it is about one."""
    short = _SHORT.get(reason.short_description, "")
    rules = _BY_TYPE.get(kind, ["other"])
    if REASONS.get(short) == kind:
        rule = short
    elif kind in RULES:
        rule = RULES[kind]
    elif len(rules) == 1:
        rule = rules[0]
    else:
        rule = _compared(rules, reason, steps, measured)
    way, _, distance = rule.partition("_")
    fraction = measured.get((steps, way, _DISTANCES.get(distance)))
    return rule, fraction if fraction is not None and math.isfinite(fraction) else None


def _compared(rules: Sequence[str], reason: Any, steps: tuple[str, ...], measured: Mapping[Any, float]) -> str:
    """Return which rule of those that compare with other data is meant: one type stands for two."""
    by_way = {"skew" if rule.startswith("skew") else rule.rpartition("_")[2]: rule for rule in rules}
    text = f"{reason.short_description} {reason.description}".lower()
    for way, word in (("skew", "serving"), ("version", "version")):
        if way in by_way and word in text:
            return by_way[way]
    if "previous" not in text and any((steps, "skew", kind) in measured for kind in _DISTANCES.values()):
        drifts = any((steps, "drift", kind) in measured for kind in _DISTANCES.values())
        return by_way.get("skew", rules[0]) if not drifts else rules[0]
    return rules[0]


def _steps(key: str, *, exact: bool) -> tuple[str, ...]:
    """Return the path that a key says: the steps of a serialized one, otherwise the name of a column."""
    if not exact:
        return (key,)
    found, place = [], 0
    while place < len(key):
        step = _STEP.match(key, place)
        if step is None:
            return (key,)
        found.append(step[2] if step[2] is not None else step[1].replace("))", ")"))
        place = step.end()
    return tuple(found) or (key,)


# ---- what headrace says beyond TensorFlow Metadata


def add_overlay(found: Sequence[Anomaly], schema: Schema, split: str, message: Any) -> None:
    """Write what reading the message back would miss, into an annotation of its schema."""
    known = _known(message)
    pools: dict[str | None, list[_Known]] = {}
    for one in known:
        pools.setdefault(one[0][0], []).append(one)
    entries: list[Any] = []
    order = []
    for anomaly, steps in zip(found, steps_to(found, schema), strict=True):
        wanted: dict[str, Any] = plain_lists(msgspec.to_builtins(anomaly))
        del wanted["split"]
        label, values = pools[serialized(steps) if steps else None].pop(0)
        order.append(label)
        entries.append([*label, merge_patch(values, wanted)])
    overlay: dict[str, Any] = {} if split == _SPLIT else {"split": split}
    if any(entry[-1] for entry in entries) or order != [label for label, _ in known]:
        overlay["anomalies"] = entries
    if overlay:
        text = json.dumps(overlay, ensure_ascii=False)
        message.baseline.annotation.extra_metadata.add(type_url=_OVERLAY, value=text.encode())


def without_overlay(baseline: Any) -> tuple[Any, _Overlay]:
    """Return a schema without the annotation that headrace writes, and what that says.

    Raises
    ------
    DataError
        If it is not what headrace writes.
    """
    schema = type(baseline)()
    schema.CopyFrom(baseline)
    overlay = _Overlay()
    for index in reversed(range(len(schema.annotation.extra_metadata))):
        if schema.annotation.extra_metadata[index].type_url == _OVERLAY:
            try:
                overlay = msgspec.convert(json.loads(schema.annotation.extra_metadata[index].value), _Overlay)
            except (ValueError, RecursionError) as error:
                raise DataError(_OVERLAY_RULE, got=str(error)) from error
            del schema.annotation.extra_metadata[index]
    if schema.HasField("annotation") and not schema.annotation.ListFields():
        schema.ClearField("annotation")
    return schema, overlay


class _Overlay(msgspec.Struct):
    split: str = _SPLIT
    anomalies: list[_Entry] = []


def _with_overlay(known: Sequence[_Known], entries: Sequence[_Entry], split: str) -> list[Anomaly]:
    """Return the anomalies, in the order of the entries; those that no entry is about come last."""
    pools: dict[_Label, list[dict[str, Any]]] = {}
    for label, values in known:
        pools.setdefault(label, []).append(values)
    chosen = []
    for key, kind, description, patch in entries:
        if pools.get((key, kind, description)):
            chosen.append(patched(pools[key, kind, description].pop(0), patch))
    # Not pool by pool: the reasons of a feature keep their order.
    left = {id(values) for pool in pools.values() for values in pool}
    chosen += [values for _, values in known if id(values) in left]
    try:
        return [msgspec.convert({"feature": None} | values | {"split": split}, Anomaly) for values in chosen]
    except (msgspec.ValidationError, RecursionError) as error:
        raise DataError(_OVERLAY_RULE, got=str(error)) from error
