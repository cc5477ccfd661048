"""Statistics that show all there is to see, made by hand."""

from __future__ import annotations

import math
import random
from itertools import pairwise

from headrace.statistics import (
    BoolStatistics,
    Bucket,
    BytesStatistics,
    CommonStatistics,
    CrossFeatureStatistics,
    CustomStatistic,
    DatasetStatistics,
    FeatureStatistics,
    Histogram,
    LabelStatistics,
    NumericStatistics,
    RankBucket,
    SemanticGuess,
    Statistics,
    StringStatistics,
    StructStatistics,
    TimestampStatistics,
    ValencyStatistics,
    ValueCount,
    WeightedCommonStatistics,
    WeightedNumericStatistics,
    WeightedStringStatistics,
)

HOSTILE = "</script><script>alert('x')</script>"
NAMES = (
    HOSTILE,
    "\"quotes' & <b>",
    "\u202eright to left",
    "שלום עולם",
    "emoji 🦉🏳️‍🌈",
    " blanks ",
    "a" * 200,
    "line\nbreak",
    "",
)


def equal_width(values: list[float], buckets: int = 10) -> Histogram:
    low, high = min(values), max(values)
    edges = [low + (high - low) * at / buckets for at in range(buckets + 1)]
    counts = [0.0] * buckets
    for value in values:
        counts[min(buckets - 1, int((value - low) / (high - low) * buckets) if high > low else 0)] += 1
    return Histogram("STANDARD", tuple(Bucket(a, b, c) for (a, b), c in zip(pairwise(edges), counts, strict=True)))


def percentiles(values: list[float], steps: int = 100) -> tuple[float, ...]:
    ordered = sorted(values)
    return tuple(ordered[min(len(ordered) - 1, at * len(ordered) // steps)] for at in range(steps + 1))


def numbers(values: list[float], *, missing: int = 0, weighted: bool = False, lists: int = 0) -> NumericStatistics:
    quantiles = percentiles(values)
    tenths = Histogram("QUANTILES", tuple(Bucket(a, b, len(values) / 10) for a, b in pairwise(quantiles[::10])))
    mean = sum(values) / len(values)
    rows = len(values) // lists if lists else len(values)
    levels = (
        ValencyStatistics(rows, missing, 0, 2 * lists, float(lists), rows * lists),
        ValencyStatistics(rows * lists, 3, 1, 9, 4.5, 4 * rows * lists),
    )
    return NumericStatistics(
        CommonStatistics(
            rows,
            missing,
            max_num_values=2 * lists or 1,
            avg_num_values=float(lists or 1),
            tot_num_values=len(values) if lists else None,
            levels=levels if lists else (),
            weighted=WeightedCommonStatistics(rows * 1.5, missing * 3.0, 1.0, rows * 1.5) if weighted else None,
        ),
        mean=mean,
        std_dev=math.sqrt(sum((value - mean) ** 2 for value in values) / len(values)),
        num_zeros=values.count(0.0),
        num_nan=0,
        num_infinite=0,
        min=min(values),
        median=quantiles[50],
        max=max(values),
        quantiles=quantiles,
        histograms=(equal_width(values), tenths),
        unique=len(set(values)),
        weighted=WeightedNumericStatistics(mean + 1, 2.0, quantiles[60], (equal_width(values[::2]),))
        if weighted
        else None,
    )


def strings(counts: dict[str, int], *, missing: int = 0, weighted: bool = False) -> StringStatistics:
    top = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    total = sum(counts.values())
    values = tuple(ValueCount(value, count) for value, count in top)
    return StringStatistics(
        CommonStatistics(
            total,
            missing,
            weighted=WeightedCommonStatistics(total * 2.0, missing * 1.0, 1.0, total * 2.0) if weighted else None,
        ),
        unique=len(counts),
        top_values=values[:80],
        avg_length=7.25,
        min_length=0,
        max_length=200,
        complete=len(values) <= 80,
        rank_histogram=tuple(
            RankBucket(at, min(at + 9, len(top) - 1), float(sum(count for _, count in top[at : at + 10])))
            for at in range(0, len(top), 10)
        ),
        weighted=WeightedStringStatistics(
            tuple(ValueCount(v, c * (3.0 if at else 1.0)) for at, (v, c) in enumerate(top[:9]))
        )
        if weighted
        else None,
    )


def dataset(name: str, seed: int, *, shift: float = 0.0, weighted: bool = True) -> DatasetStatistics:
    chance = random.Random(seed)
    rows = 1000
    bell = [round(chance.gauss(40 + shift, 12), 2) for _ in range(rows)]
    tail = [0.0 if chance.random() < 0.7 else round(chance.lognormvariate(5, 2), 3) for _ in range(rows)]
    words = dict.fromkeys(("red", "green", "blue", "", " red", "violet"), 0)
    for _ in range(rows - 40):
        words[chance.choices(list(words), [50 - shift, 30, 10 + shift, 4, 1, 5])[0]] += 1
    ids = {f"id-{seed}-{at:05d}": 1 for at in range(rows)}
    zipf = {f"word{at}": 1 + 4000 // (at + 1) for at in range(400)}
    seconds = [1_357_000_000 + 2_500_000 * seed + at * 3600.0 for at in range(rows)]
    everywhere = CommonStatistics(rows, 0)
    features = [
        FeatureStatistics(
            "bell",
            "FLOAT",
            numbers(bell, missing=13, weighted=weighted),
            label=LabelStatistics(0.12, 0.2, 0.71),
            custom_stats=(CustomStatistic("kurtosis", 3.02), CustomStatistic("note", {"a": [1, "</script>"]})),
        ),
        FeatureStatistics("tail", "FLOAT", numbers(tail, weighted=weighted), label=LabelStatistics(0.02, 0.03, 0.55)),
        FeatureStatistics("count", "INT", numbers([float(int(value)) for value in bell])),
        FeatureStatistics("fixed", "INT", numbers([7.0] * rows), semantics=(SemanticGuess("constant", 1.0),)),
        FeatureStatistics(
            "colour",
            "STRING",
            string_stats=strings(words, missing=40, weighted=weighted),
            label=LabelStatistics(0.3, 0.4, 0.8),
            strip=True,
            null_values=("?", "NA"),
        ),
        FeatureStatistics("id", "STRING", string_stats=strings(ids), semantics=(SemanticGuess("identifier", 1.0),)),
        FeatureStatistics(
            "text", "STRING", string_stats=strings(zipf), semantics=(SemanticGuess("natural_language", 0.93),)
        ),
        FeatureStatistics(
            "approved_at_text",
            "STRING",
            string_stats=strings({f"2013-01-{day:02d}": 30 for day in range(1, 29)}),
            semantics=(SemanticGuess("date_text", 1.0, detail="%Y-%m-%d"), SemanticGuess("duplicate", 0.99, of="at")),
            label=LabelStatistics(0.97, 0.99, 0.999, leakage=True, reason="Alone it predicts 99.9 % of the labels."),
        ),
        FeatureStatistics("married", "BOOL", bool_stats=BoolStatistics(everywhere, 620, 380, 900.0, 100.0)),
        FeatureStatistics(
            "at",
            "TIMESTAMP",
            timestamp_stats=TimestampStatistics(
                everywhere,
                "2013-01-01T00:00:00",
                "2013-02-11T15:00:00.250000",
                "2013-01-21T19:00:00",
                (equal_width(seconds),),
                ordered=True,
                unique=rows,
                largest_gap=93600.0,
                gap_after="2013-01-07T03:00:00",
                median_gap=3600.0,
            ),
        ),
        FeatureStatistics(
            "photo",
            "BYTES",
            bytes_stats=BytesStatistics(everywhere, 998, 20480.5, 12, 65000, unique_exact=False, unique_error=0.008),
        ),
        FeatureStatistics("address", "STRUCT", struct_stats=StructStatistics(CommonStatistics(900, 100))),
        FeatureStatistics(
            "address.scores",
            "FLOAT",
            numbers(bell * 3, missing=20, lists=3),
            path=("address", "scores"),
        ),
    ]
    features += [FeatureStatistics(odd, "STRING", string_stats=strings(dict.fromkeys(NAMES, 9))) for odd in NAMES]
    cross = [
        CrossFeatureStatistics("bell", "tail", rows, correlation=-0.42, covariance=-3000.5),
        CrossFeatureStatistics("bell", "count", rows, correlation=0.999, covariance=144.1),
        CrossFeatureStatistics("tail", "count", rows, correlation=-0.41),
        CrossFeatureStatistics("colour", "approved_at_text", 960, cramers_v=0.61, lift=(("red", "2013-01-02", 4.2),)),
        CrossFeatureStatistics("colour", "bell", 950, correlation_ratio=0.3),
        CrossFeatureStatistics(HOSTILE, "colour", 950, cramers_v=0.1, lift=((HOSTILE, "red", 1.5),)),
    ]
    return DatasetStatistics(
        name,
        rows,
        tuple(features),
        num_set_aside=3,
        set_aside=(f"people.csv, row 17: too few fields {HOSTILE}",),
        weighted_num_examples=1520.0 if weighted else None,
        cross_features=tuple(cross),
        sample_rate=0.5,
        custom_stats=(CustomStatistic("entropy", 4.2),),
    )


def everything(*names: str) -> Statistics:
    """Return data sets that drift apart, the last of which lacks a feature."""
    made = [dataset(name, at, shift=4.0 * at) for at, name in enumerate(names)]
    if len(made) > 1:
        last = made[-1]
        kept = tuple(feature for feature in last.features if feature.name != "photo")
        made[-1] = DatasetStatistics(last.name, last.num_examples, kept, cross_features=last.cross_features)
    return Statistics(tuple(made))
