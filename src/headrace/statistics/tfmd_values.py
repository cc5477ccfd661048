"""Statistics as messages of TensorFlow Metadata, and as plain values from them."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from headrace.errors import DataError, import_extra
from headrace.schema.tfmd_reading import short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.statistics.results import DatasetStatistics
    from headrace.statistics.values import (
        BoolStatistics,
        CommonStatistics,
        FeatureStatistics,
        Histogram,
        NumericStatistics,
        RankBucket,
        StringStatistics,
        ValueCount,
        WeightedCommonStatistics,
    )

__all__ = ["dataset_message", "dataset_values", "feature_message", "feature_values"]

_TYPES = {"INT": 0, "BOOL": 0, "TIMESTAMP": 0, "FLOAT": 1, "STRING": 2, "BYTES": 3, "STRUCT": 4}
_NAMES = ("INT", "FLOAT", "STRING", "BYTES", "STRUCT")
_KINDS = ("STANDARD", "QUANTILES")
_WEIGHTS = ("num_non_missing", "num_missing", "avg_num_values", "tot_num_values")
_NUMBERS = ("mean", "std_dev", "median", "min", "max")


# ---- writing


def dataset_message(dataset: DatasetStatistics, message: Any) -> None:
    """Write what is said of the whole data set, and of pairs of its features."""
    message.name = dataset.name
    message.num_examples = dataset.num_examples
    if dataset.weighted_num_examples is not None:
        message.weighted_num_examples = dataset.weighted_num_examples
    for cross in dataset.cross_features:
        target = message.cross_features.add(count=cross.count)
        target.path_x.step.append(cross.path_x)
        target.path_y.step.append(cross.path_y)
        if cross.correlation is not None or cross.covariance is not None:
            target.num_cross_stats.SetInParent()
            for key in ("correlation", "covariance"):
                value = getattr(cross, key)
                # float32 there.
                if value is not None and abs(value) < 3e38:
                    setattr(target.num_cross_stats, key, value)
        for x, y, lift in cross.lift:
            series = target.categorical_cross_stats.lift.lift_series.add(y_string=y)
            series.lift_values.add(x_string=x, lift=lift)


def feature_message(feature: FeatureStatistics, message: Any) -> None:
    """Write the statistics of a feature."""
    message.path.step.extend(feature.steps)
    message.type = _TYPES[feature.type]
    if feature.num_stats is not None:
        _numbers(feature.num_stats, message.num_stats)
    elif feature.string_stats is not None:
        _strings(feature.string_stats, message.string_stats)
    elif feature.bytes_stats is not None:
        stats = feature.bytes_stats
        _common(stats.common_stats, message.bytes_stats.common_stats)
        message.bytes_stats.unique = stats.unique
        for key in ("avg_num_bytes", "min_num_bytes", "max_num_bytes"):
            setattr(message.bytes_stats, key, getattr(stats, key) or 0)
        message.bytes_stats.max_num_bytes_int = stats.max_num_bytes or 0
    elif feature.struct_stats is not None:
        _common(feature.struct_stats.common_stats, message.struct_stats.common_stats)
    elif feature.bool_stats is not None:
        _truth(feature.bool_stats, message.num_stats)
    elif feature.timestamp_stats is not None:
        _common(feature.timestamp_stats.common_stats, message.num_stats.common_stats)
        _histograms(feature.timestamp_stats.histograms, message.num_stats.histograms)
    for custom in feature.custom_stats:
        target = message.custom_stats.add(name=custom.name)
        if isinstance(custom.value, int | float) and not isinstance(custom.value, bool):
            target.num = _float(custom.value)
        else:
            target.str = custom.value if isinstance(custom.value, str) else json.dumps(custom.value, default=str)


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _common(common: CommonStatistics, message: Any) -> None:
    message.SetInParent()
    keys = ["num_non_missing", "num_missing"]
    plain = not common.levels and common.min_num_values == common.max_num_values == 1
    if common.num_non_missing or not plain:
        keys += ["min_num_values", "max_num_values", "avg_num_values"]
        message.tot_num_values = common.num_values
    for key in keys:
        setattr(message, key, getattr(common, key))
    if plain and common.num_non_missing:
        message.presence_and_valency_stats.add(
            num_non_missing=common.num_non_missing,
            num_missing=common.num_missing,
            min_num_values=1,
            max_num_values=1,
            tot_num_values=common.num_values,
        )
    if common.num_values_histogram is not None:
        _histograms([common.num_values_histogram], [message.num_values_histogram])
    if len(common.levels) > 1 and common.levels[0].num_values_histogram is not None:
        _histograms([common.levels[0].num_values_histogram], [message.feature_list_length_histogram])
    for level in common.levels:
        target = message.presence_and_valency_stats.add()
        for key in ("num_non_missing", "num_missing", "min_num_values", "max_num_values", "tot_num_values"):
            setattr(target, key, getattr(level, key))
    if common.weighted is not None:
        _weights(common.weighted, message.weighted_common_stats)
    weighted = [level.weighted for level in common.levels]
    if plain and common.num_non_missing:
        weighted = [common.weighted]
    for weights in weighted:
        # One for each level, or none.
        if weights is not None and None not in weighted:
            _weights(weights, message.weighted_presence_and_valency_stats.add())


def _weights(weights: WeightedCommonStatistics, message: Any) -> None:
    message.SetInParent()
    for key in _WEIGHTS:
        setattr(message, key, getattr(weights, key))


def _numbers(stats: NumericStatistics, message: Any) -> None:
    _common(stats.common_stats, message.common_stats)
    for key in _NUMBERS:
        setattr(message, key, _float(getattr(stats, key) or 0))
    message.num_zeros = stats.num_zeros
    _histograms(stats.histograms, message.histograms, stats.num_nan)
    if stats.weighted is not None:
        target = message.weighted_numeric_stats
        target.SetInParent()
        for key in ("mean", "std_dev", "median"):
            setattr(target, key, getattr(stats.weighted, key) or 0)
        _histograms(stats.weighted.histograms, target.histograms)


def _truth(stats: BoolStatistics, message: Any) -> None:
    _common(stats.common_stats, message.common_stats)
    total = stats.num_true + stats.num_false
    message.num_zeros = stats.num_false
    if total:
        message.mean = stats.num_true / total
        message.std_dev = math.sqrt(message.mean * (1.0 - message.mean))
        message.min = float(not stats.num_false)
        message.max = float(bool(stats.num_true))
        message.median = (stats.num_true > stats.num_false) + (stats.num_true == stats.num_false) / 2


def _strings(stats: StringStatistics, message: Any) -> None:
    _common(stats.common_stats, message.common_stats)
    message.unique = stats.unique
    message.avg_length = stats.avg_length or 0.0
    message.invalid_utf8_count = stats.invalid_utf8_count
    _top(stats.top_values, message.top_values)
    _ranks(stats.rank_histogram, message)
    if stats.weighted is not None:
        message.weighted_string_stats.SetInParent()
        _top(stats.weighted.top_values, message.weighted_string_stats.top_values)
        _ranks(stats.weighted.rank_histogram, message.weighted_string_stats)


def _top(values: Sequence[ValueCount], target: Any) -> None:
    for entry in values:
        target.add(value=entry.value, frequency=entry.frequency)


def _ranks(buckets: Sequence[RankBucket], message: Any) -> None:
    for bucket in buckets:
        message.rank_histogram.buckets.add(
            low_rank=bucket.low_rank,
            high_rank=bucket.high_rank,
            sample_count=bucket.sample_count,
            label=bucket.label or "",
        )


def _histograms(histograms: Sequence[Histogram], targets: Any, num_nan: int = 0) -> None:
    for number, histogram in enumerate(histograms):
        target = targets.add() if hasattr(targets, "add") else targets[number]
        target.type = _KINDS.index(histogram.type)
        target.num_nan = num_nan
        for bucket in histogram.buckets:
            target.buckets.add(
                low_value=bucket.low_value, high_value=bucket.high_value, sample_count=bucket.sample_count
            )


# ---- reading


def dataset_values(message: Any) -> dict[str, Any]:
    """Return what a message says of the whole data set, and of pairs of its features."""
    values: dict[str, Any] = {"name": message.name, "num_examples": message.num_examples}
    if message.weighted_num_examples:
        values["weighted_num_examples"] = message.weighted_num_examples
    crosses = []
    for cross in message.cross_features:
        found: dict[str, Any] = {"path_x": ".".join(cross.path_x.step), "path_y": ".".join(cross.path_y.step)}
        found["count"] = cross.count
        if cross.HasField("num_cross_stats"):
            found["correlation"] = short(cross.num_cross_stats.correlation)
            found["covariance"] = short(cross.num_cross_stats.covariance)
        lifts = [
            [value.x_string or str(value.x_int), series.y_string or str(series.y_int), value.lift]
            for series in cross.categorical_cross_stats.lift.lift_series
            for value in series.lift_values
        ]
        crosses.append(found | {"lift": lifts} if lifts else found)
    return values | {"cross_features": crosses} if crosses else values


def feature_values(message: Any) -> dict[str, Any]:
    """Return the fields of a feature's statistics that a message gives.

    Raises
    ------
    DataError
        If it has no statistics.
    """
    steps = list(message.path.step) or [message.name]
    values: dict[str, Any] = {"name": ".".join(steps)}
    if len(steps) > 1:
        values["path"] = steps
    stats = message.WhichOneof("stats")
    if stats is None:
        raise DataError("A feature has statistics", got="none", where=f"feature {values['name']!r}")
    given = {"num_stats": ("INT", "FLOAT"), "bytes_stats": ("BYTES", "STRING"), "struct_stats": ("STRUCT",)}
    named = _NAMES[message.type] if message.type < len(_NAMES) else ""
    kinds = given.get(stats, ("STRING", "BYTES"))
    values["type"] = named if named in kinds else kinds[0]
    part = getattr(message, stats)
    read = {"num_stats": _read_numbers, "string_stats": _read_strings, "bytes_stats": _read_bytes}
    if stats == "struct_stats":
        values[stats] = {"common_stats": _read_common(part.common_stats)}
    else:
        values[stats] = read[stats](part, values["type"])
    custom = [{"name": one.name, "value": _custom(one)} for one in message.custom_stats]
    return values | {"custom_stats": custom} if custom else values


def _custom(message: Any) -> Any:
    kind = message.WhichOneof("val")
    if kind in (None, "num", "str"):
        return None if kind is None else getattr(message, kind)
    json_format = import_extra("google.protobuf.json_format", "tfx")
    return None if kind == "any" else json_format.MessageToDict(getattr(message, kind))


def _read_common(message: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"num_non_missing": message.num_non_missing, "num_missing": message.num_missing}
    # Written by nobody where there is no value.
    least, most = message.min_num_values, message.max_num_values
    if (least, most) != (1, 1) and (message.num_non_missing or least or most):
        values |= {"min_num_values": least, "max_num_values": most, "avg_num_values": short(message.avg_num_values)}
        values["tot_num_values"] = message.tot_num_values
    if message.HasField("num_values_histogram") and len(values) > 2:
        values["num_values_histogram"] = _read_histogram(message.num_values_histogram)
    levels = message.presence_and_valency_stats
    if len(levels) > 1 or (levels and len(values) > 2):
        values["levels"] = [
            {
                "num_non_missing": level.num_non_missing,
                "num_missing": level.num_missing,
                "min_num_values": level.min_num_values,
                "max_num_values": level.max_num_values,
                "avg_num_values": level.tot_num_values / level.num_non_missing if level.num_non_missing else 0.0,
                "tot_num_values": level.tot_num_values,
            }
            for level in levels
        ]
        if len(levels) > 1 and message.HasField("feature_list_length_histogram"):
            values["levels"][0]["num_values_histogram"] = _read_histogram(message.feature_list_length_histogram)
        if len(message.weighted_presence_and_valency_stats) == len(levels):
            for level, weighted in zip(values["levels"], message.weighted_presence_and_valency_stats, strict=True):
                level["weighted"] = _read_weights(weighted)
    if message.HasField("weighted_common_stats"):
        values["weighted"] = _read_weights(message.weighted_common_stats)
    return values


def _read_weights(message: Any) -> dict[str, float]:
    return {key: getattr(message, key) for key in _WEIGHTS}


def _read_numbers(message: Any, kind: str) -> dict[str, Any]:
    values: dict[str, Any] = {"common_stats": _read_common(message.common_stats), "num_zeros": message.num_zeros}
    histograms = [_read_histogram(histogram) for histogram in message.histograms]
    quantiles, error = _quantiles(histograms)
    values |= {
        "num_nan": max((histogram.num_nan for histogram in message.histograms), default=0),
        "num_infinite": 0,
        "histograms": histograms,
        "quantiles": quantiles,
        "unique": 0,
        "unique_exact": False,
    }
    if error:
        values["rank_error"] = error
    if message.common_stats.num_non_missing:
        values |= {key: getattr(message, key) for key in _NUMBERS}
        if kind == "INT":
            for key in ("min", "max"):
                if math.isfinite(values[key]) and values[key] == int(values[key]):
                    values[key] = int(values[key])
    if message.HasField("weighted_numeric_stats"):
        weighted = message.weighted_numeric_stats
        values["weighted"] = {key: getattr(weighted, key) for key in ("mean", "std_dev", "median")}
        if weighted.histograms:
            values["weighted"]["histograms"] = [_read_histogram(histogram) for histogram in weighted.histograms]
    return values


def _quantiles(histograms: list[dict[str, Any]]) -> tuple[list[float], float]:
    """Return 101 percentiles between the bounds of the buckets, and the share of the largest bucket."""
    for kind in reversed(_KINDS):
        buckets: list[dict[str, float]] = next((one["buckets"] for one in histograms if one["type"] == kind), [])
        total = sum(bucket["sample_count"] for bucket in buckets)
        if not total > 0 or not math.isfinite(total):
            continue
        found = []
        place, below = 0, 0.0
        for percent in range(101):
            rank = total * percent / 100
            while place + 1 < len(buckets) and below + buckets[place]["sample_count"] < rank:
                below += buckets[place]["sample_count"]
                place += 1
            bucket = buckets[place]
            part = (rank - below) / bucket["sample_count"] if bucket["sample_count"] else 0.0
            low, high = bucket["low_value"], bucket["high_value"]
            found.append(low if low == high else low + min(1.0, part) * (high - low))
        return found, max(bucket["sample_count"] for bucket in buckets) / total
    return [], 0.0


def _read_strings(message: Any, _kind: str) -> dict[str, Any]:
    values: dict[str, Any] = {
        "common_stats": _read_common(message.common_stats),
        "unique": message.unique,
        "top_values": [_count(entry) for entry in message.top_values],
    }
    if message.common_stats.num_non_missing:
        values["avg_length"] = short(message.avg_length)
    if message.unique > len(message.top_values):
        values["complete"] = False
    if message.rank_histogram.buckets:
        values["rank_histogram"] = [_rank(bucket) for bucket in message.rank_histogram.buckets]
    if message.invalid_utf8_count:
        values["invalid_utf8_count"] = message.invalid_utf8_count
    if message.HasField("weighted_string_stats"):
        weighted = message.weighted_string_stats
        values["weighted"] = {"top_values": [_count(entry) for entry in weighted.top_values]}
        if weighted.rank_histogram.buckets:
            values["weighted"]["rank_histogram"] = [_rank(bucket) for bucket in weighted.rank_histogram.buckets]
    return values


def _count(entry: Any) -> dict[str, Any]:
    whole = entry.frequency.is_integer()
    return {"value": entry.value, "frequency": int(entry.frequency) if whole else entry.frequency}


def _rank(bucket: Any) -> dict[str, Any]:
    values = {"low_rank": bucket.low_rank, "high_rank": bucket.high_rank, "sample_count": bucket.sample_count}
    return values | {"label": bucket.label or None}


def _read_bytes(message: Any, _kind: str) -> dict[str, Any]:
    values: dict[str, Any] = {"common_stats": _read_common(message.common_stats), "unique": message.unique}
    if message.common_stats.num_non_missing:
        values["avg_num_bytes"] = short(message.avg_num_bytes)
        values["min_num_bytes"] = int(message.min_num_bytes)
        values["max_num_bytes"] = message.max_num_bytes_int or int(message.max_num_bytes)
    return values


def _read_histogram(message: Any) -> dict[str, Any]:
    keys = ("low_value", "high_value", "sample_count")
    return {
        "type": _KINDS[min(message.type, 1)],
        "buckets": [{key: getattr(bucket, key) for key in keys} for bucket in message.buckets],
    }
