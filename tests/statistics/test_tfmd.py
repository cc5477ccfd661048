"""The statistics of TFX, written by hand from the public definitions of TensorFlow Metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from google.protobuf import text_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import statistics_pb2

import headrace as hr
from headrace.data import write_tfrecord
from headrace.errors import DataError
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
    generate_statistics,
)
from headrace.statistics.tfmd import from_payloads, from_proto, load_statistics, save_statistics, to_proto
from headrace.validation import infer_schema

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CensusSource

TAXI = """
datasets {
  name: "train"
  num_examples: 10
  weighted_num_examples: 12.5
  features {
    path { step: "fare" }
    type: FLOAT
    num_stats {
      common_stats {
        num_non_missing: 8
        num_missing: 2
        min_num_values: 1
        max_num_values: 1
        avg_num_values: 1.0
        tot_num_values: 8
        num_values_histogram { buckets { low_value: 1 high_value: 1 sample_count: 8 } type: QUANTILES }
        presence_and_valency_stats {
          num_non_missing: 8 num_missing: 2 min_num_values: 1 max_num_values: 1 tot_num_values: 8
        }
      }
      mean: 11.5 std_dev: 2.25 num_zeros: 1 min: 0.5 median: 10 max: 30
      histograms {
        num_nan: 3
        buckets { low_value: 0 high_value: 10 sample_count: 4 }
        buckets { low_value: 10 high_value: 30 sample_count: 4 }
      }
      histograms {
        num_nan: 3
        buckets { low_value: 0.5 high_value: 10 sample_count: 4 }
        buckets { low_value: 10 high_value: 30 sample_count: 4 }
        type: QUANTILES
      }
      weighted_numeric_stats { mean: 12 std_dev: 2 median: 11 }
    }
    custom_stats { name: "missing_value" num: 2 }
    custom_stats { name: "note" str: "odd" }
  }
  features {
    path { step: "tips" }
    type: INT
    num_stats {
      common_stats {
        num_non_missing: 10 min_num_values: 0 max_num_values: 3 avg_num_values: 1.2 tot_num_values: 12
        num_values_histogram {
          buckets { high_value: 1 sample_count: 5 }
          buckets { low_value: 1 high_value: 3 sample_count: 5 } type: QUANTILES
        }
        feature_list_length_histogram { buckets { low_value: 1 high_value: 2 sample_count: 10 } type: QUANTILES }
        weighted_common_stats { num_non_missing: 12.5 avg_num_values: 1.1 tot_num_values: 13.75 }
        presence_and_valency_stats { num_non_missing: 10 min_num_values: 1 max_num_values: 2 tot_num_values: 15 }
        presence_and_valency_stats { num_non_missing: 14 num_missing: 1 max_num_values: 2 tot_num_values: 12 }
        weighted_presence_and_valency_stats { num_non_missing: 12.5 avg_num_values: 1.5 tot_num_values: 18.75 }
        weighted_presence_and_valency_stats { num_non_missing: 17.5 num_missing: 1.25 tot_num_values: 13.75 }
      }
      mean: 1 min: -3 max: 7
    }
  }
  features {
    name: "payment"
    type: STRING
    string_stats {
      common_stats {
        num_non_missing: 10 min_num_values: 1 max_num_values: 1 avg_num_values: 1 tot_num_values: 10
        presence_and_valency_stats { num_non_missing: 10 min_num_values: 1 max_num_values: 1 tot_num_values: 10 }
      }
      unique: 3
      top_values { value: "Cash" frequency: 6 }
      top_values { value: "Card" frequency: 3.5 }
      avg_length: 4.1
      rank_histogram {
        buckets { label: "Cash" sample_count: 6 }
        buckets { low_rank: 1 high_rank: 2 sample_count: 4 }
      }
      weighted_string_stats { top_values { value: "Card" frequency: 9 } rank_histogram { buckets { label: "Card" } } }
      vocabulary_file: "words.txt"
      invalid_utf8_count: 1
    }
    validation_derived_source { deriver_name: "d" source_path { step: "x" } }
  }
  features {
    path { step: "trip" }
    type: STRUCT
    struct_stats {
      common_stats {
        num_non_missing: 10 min_num_values: 1 max_num_values: 1 avg_num_values: 1 tot_num_values: 10
        presence_and_valency_stats { num_non_missing: 10 min_num_values: 1 max_num_values: 1 tot_num_values: 10 }
      }
    }
  }
  features {
    path { step: "trip" step: "photo" }
    type: BYTES
    bytes_stats {
      common_stats { num_missing: 10 }
      unique: 4 avg_num_bytes: 2.5 min_num_bytes: 1 max_num_bytes: 8 max_num_bytes_int: 8
    }
  }
  cross_features {
    path_x { step: "fare" }
    path_y { step: "tips" }
    count: 8
    num_cross_stats { correlation: 0.25 covariance: 2.5 }
  }
}
datasets { name: "eval" num_examples: 3 }
"""


def parsed(text: str) -> Any:
    return text_format.Parse(text, statistics_pb2.DatasetFeatureStatisticsList())


def test_everything_has_its_place() -> None:
    statistics, _ = from_proto(parsed(TAXI))
    train = statistics["train"]
    assert statistics.names == ("train", "eval")
    assert (train.num_examples, train.weighted_num_examples) == (10, 12.5)
    assert train.names == ("fare", "tips", "payment", "trip", "trip.photo")
    fare = train["fare"].num_stats
    assert fare is not None
    assert fare.common_stats == CommonStatistics(8, 2)
    assert (fare.mean, fare.std_dev, fare.num_zeros, fare.num_nan) == (11.5, 2.25, 1, 3)
    assert (fare.min, fare.median, fare.max) == (0.5, 10.0, 30.0)
    assert [len(histogram.buckets) for histogram in fare.histograms] == [2, 2]
    assert (fare.quantiles[0], fare.quantiles[50], fare.quantiles[75], fare.quantiles[100]) == (0.5, 10.0, 20.0, 30.0)
    assert fare.rank_error == 0.5
    assert fare.weighted == WeightedNumericStatistics(12.0, 2.0, 11.0)
    assert train["fare"].custom_stats[:2] == (CustomStatistic("missing_value", 2.0), CustomStatistic("note", "odd"))
    tips = train["tips"].num_stats
    assert tips is not None
    assert (tips.min, tips.max, tips.mean) == (-3, 7, 1.0)
    assert (tips.common_stats.min_num_values, tips.common_stats.max_num_values) == (0, 3)
    assert tips.common_stats.avg_num_values == 1.2
    assert tips.common_stats.levels == (
        ValencyStatistics(
            *(10, 0, 1, 2, 1.5, 15),
            Histogram("QUANTILES", (Bucket(1.0, 2.0, 10.0),)),
            WeightedCommonStatistics(12.5, 0.0, 1.5, 18.75),
        ),
        ValencyStatistics(14, 1, 0, 2, 12 / 14, 12, weighted=WeightedCommonStatistics(17.5, 1.25, 0.0, 13.75)),
    )
    assert tips.common_stats.weighted == WeightedCommonStatistics(12.5, 0.0, 1.1, 13.75)
    payment = train["payment"].string_stats
    assert payment is not None
    assert payment.top_values == (ValueCount("Cash", 6), ValueCount("Card", 3.5))
    assert (payment.unique, payment.complete, payment.avg_length, payment.invalid_utf8_count) == (3, False, 4.1, 1)
    assert payment.rank_histogram == (RankBucket(0, 0, 6.0, "Cash"), RankBucket(1, 2, 4.0))
    assert train["trip.photo"].path == ("trip", "photo")
    assert train["trip.photo"].bytes_stats == BytesStatistics(CommonStatistics(0, 10), 4, None, None, None)
    assert train.cross_features == (CrossFeatureStatistics("fare", "tips", 8, 0.25, 2.5),)


def test_nothing_is_lost_on_the_way_back() -> None:
    message = parsed(TAXI)
    statistics, notes = from_proto(message)
    expected = parsed(TAXI)
    expected.datasets[0].features[2].path.step.append("payment")
    assert to_proto(statistics) == expected
    assert from_proto(to_proto(statistics)) == (statistics, notes)
    assert notes == (
        "train: payment: string_stats.vocabulary_file",
        "train: payment: validation_derived_source.deriver_name",
        "train: payment: validation_derived_source.source_path",
        "train: trip.photo: bytes_stats.avg_num_bytes",
        "train: trip.photo: bytes_stats.min_num_bytes",
        "train: trip.photo: bytes_stats.max_num_bytes",
        "train: trip.photo: bytes_stats.max_num_bytes_int",
    )


def test_a_schema_can_be_inferred_from_them() -> None:
    schema = infer_schema(from_proto(parsed(TAXI))[0].only("train"))
    assert schema.paths == ("fare", "tips", "payment", "trip", "trip.photo")
    assert schema["tips"].list_levels == 2


COMMON = CommonStatistics(3, 1)
HISTOGRAM = Histogram("STANDARD", (Bucket(0.0, 1.0, 2.0), Bucket(1.0, float("inf"), 1.0)))
LISTS = CommonStatistics(
    3,
    1,
    0,
    5,
    2.1,
    7,
    num_values_histogram=HISTOGRAM,
    levels=(ValencyStatistics(3, 1, 0, 5, 7 / 3, 7, HISTOGRAM, WeightedCommonStatistics(0.1, 0.2, 0.3, 0.4)),),
    weighted=WeightedCommonStatistics(1.0, 2.0, 3.0, 4.0),
)
FULL = Statistics(
    (
        DatasetStatistics(
            "train",
            4,
            (
                FeatureStatistics(
                    "x",
                    "INT",
                    num_stats=NumericStatistics(
                        COMMON,
                        None,
                        None,
                        0,
                        0,
                        1,
                        None,
                        None,
                        None,
                        (1.0, 2.5),
                        (HISTOGRAM,),
                        3,
                        weighted=WeightedNumericStatistics(None, 1.0, None, (HISTOGRAM,)),
                        top_values=(ValueCount("1", 2),),
                        rank_error=0.1,
                    ),
                    label=LabelStatistics(0.1, 0.2, 0.9, leakage=True, reason="so"),
                    custom_stats=(
                        CustomStatistic("a", 3),
                        CustomStatistic("b", {"c": [1, None]}),
                        CustomStatistic("d", True),
                    ),
                ),
                FeatureStatistics(
                    "big",
                    "INT",
                    num_stats=NumericStatistics(
                        COMMON,
                        1e300,
                        0.1,
                        0,
                        0,
                        0,
                        -(2**63),
                        0.5,
                        2**70,
                        (),
                        (),
                        3,
                        unique_exact=False,
                        unique_error=0.02,
                    ),
                ),
                FeatureStatistics(
                    "s",
                    "STRING",
                    string_stats=StringStatistics(
                        LISTS,
                        3,
                        (ValueCount("é\n", 2), ValueCount("b", 0.5)),
                        1.1,
                        0,
                        9,
                        complete=False,
                        frequency_error=2,
                        rank_histogram=(RankBucket(0, 0, 2.0, "é\n"), RankBucket(1, 2, 1.0)),
                        invalid_utf8_count=1,
                        weighted=WeightedStringStatistics((ValueCount("b", 0.25),)),
                    ),
                    strip=True,
                    null_values=("?",),
                    semantics=(SemanticGuess("url", 0.5, detail="x"),),
                ),
                FeatureStatistics(
                    "empty", "STRING", string_stats=StringStatistics(CommonStatistics(0, 4), 0, (), None, None, None)
                ),
                FeatureStatistics("on", "BOOL", bool_stats=BoolStatistics(COMMON, 2, 1, 0.5, 0.25)),
                FeatureStatistics(
                    "at",
                    "TIMESTAMP",
                    timestamp_stats=TimestampStatistics(
                        COMMON, "2020-01-01T00:00:00", None, histograms=(HISTOGRAM,), ordered=False
                    ),
                ),
                FeatureStatistics("p", "STRUCT", struct_stats=StructStatistics(COMMON)),
                FeatureStatistics(
                    "p.raw", "BYTES", bytes_stats=BytesStatistics(COMMON, 3, 2.2, 1, 2**40), path=("p", "raw")
                ),
            ),
            num_set_aside=2,
            set_aside=("here",),
            weighted_num_examples=2.5,
            cross_features=(
                CrossFeatureStatistics("x", "s", 3, cramers_v=0.5, lift=(("a", "b", 2.5),)),
                CrossFeatureStatistics("x", "big", 3, 0.1, 1e200),
            ),
            slice_key="x=1",
            sample_rate=0.5,
            custom_stats=(CustomStatistic("rows", 4),),
        ),
    )
)


def test_everything_that_headrace_has_comes_back() -> None:
    message = statistics_pb2.DatasetFeatureStatisticsList.FromString(to_proto(FULL).SerializeToString())
    assert from_proto(message) == (FULL, ())


def test_weights_of_each_level_are_written_and_read() -> None:
    column = pa.array([[["a"], ["b", None], None], [], None], pa.list_(pa.list_(pa.string())))
    table = pa.table({"x": column, "w": [0.5, 2.0, 8.0], "y": [1, None, 3]})
    statistics = hr.generate_statistics(table, weight_feature="w")
    lists, plain = to_proto(statistics.only("data"), overlay=False).datasets[0].features[:2]
    found = lists.string_stats.common_stats.weighted_presence_and_valency_stats
    keys = ("num_non_missing", "num_missing", "avg_num_values", "tot_num_values")
    assert [tuple(getattr(one, key) for key in keys) for one in found] == [(2.5, 8.0, 0.6, 1.5), (1.0, 0.5, 1.5, 1.5)]
    (one,) = plain.num_stats.common_stats.weighted_presence_and_valency_stats
    assert one == plain.num_stats.common_stats.weighted_common_stats
    assert from_proto(to_proto(statistics)) == (statistics, ())


def test_weights_of_other_levels_stay_as_they_are() -> None:
    text = TAXI.replace("weighted_presence_and_valency_stats { num_non_missing: 17.5", "#")
    statistics, notes = from_proto(parsed(text))
    assert "train: tips: num_stats.common_stats.weighted_presence_and_valency_stats" in notes
    assert to_proto(statistics).datasets[0].features[1] == parsed(text).datasets[0].features[1]


def test_tfx_sees_truth_as_numbers() -> None:
    (dataset,) = to_proto(FULL, overlay=False).datasets
    assert [feature.type for feature in dataset.features] == [0, 0, 2, 2, 0, 0, 4, 3]
    on = dataset.features[4].num_stats
    assert (on.num_zeros, on.mean, on.min, on.median, on.max) == (1, 2 / 3, 0, 1, 1)
    assert not any(
        custom.name.startswith("headrace") for feature in dataset.features for custom in feature.custom_stats
    )


def test_the_census_there_and_back(census_source: CensusSource, tmp_path: Path) -> None:
    statistics = generate_statistics(census_source("adult.test"), name="test")
    for name in ("stats.pbtxt", "FeatureStats.pb", "stats.tfrecord", "stats_tfrecord", "stats.tfrecords.gz"):
        save_statistics(statistics, tmp_path / name)
        assert load_statistics(tmp_path / name) == statistics
    age = parsed((tmp_path / "stats.pbtxt").read_text("utf-8")).datasets[0].features[0]
    assert list(age.path.step) == ["age"]
    assert age.num_stats.common_stats.num_non_missing == 16281
    assert age.num_stats.mean == pytest.approx(38.767459)


def test_shards_are_joined() -> None:
    whole = parsed(TAXI)
    first, second = parsed(TAXI), parsed(TAXI)
    del first.datasets[0].features[2:]
    del second.datasets[0].features[:2]
    del second.datasets[0].cross_features[:]
    joined = from_payloads([first.SerializeToString(), second.SerializeToString()])
    assert joined == from_proto(whole)


def test_a_file_of_records_has_a_record(tmp_path: Path) -> None:
    save_statistics(FULL, tmp_path / "stats_tfrecord")
    records = hr.tfrecord(tmp_path / "stats_tfrecord", payload="bytes").dataset().to_table()["record"].to_pylist()
    assert [statistics_pb2.DatasetFeatureStatisticsList.FromString(record) for record in records] == [to_proto(FULL)]


def test_files_in_parts_are_joined(tmp_path: Path) -> None:
    first, second = parsed(TAXI), parsed(TAXI)
    del first.datasets[0].features[2:]
    del second.datasets[0].features[:2]
    del second.datasets[0].cross_features[:]
    payloads = [first.SerializeToString(), second.SerializeToString()]
    expected = from_proto(parsed(TAXI))[0]
    write_tfrecord(tmp_path / "both", pa.table({"record": payloads}), payload="bytes")
    assert load_statistics(tmp_path / "both") == expected
    parts = [tmp_path / f"FeatureStats-0000{number}-of-00002.tfrecords.gz" for number in range(2)]
    for path, payload in zip(parts, payloads, strict=True):
        write_tfrecord(path, pa.table({"record": [payload]}), payload="bytes")
    assert load_statistics(tmp_path / "FeatureStats-*.tfrecords.gz") == expected
    (tmp_path / "second.pb").write_bytes(payloads[1])
    assert load_statistics([parts[0], tmp_path / "second.pb"]) == expected


@given(place=st.integers(0, 200), bit=st.integers(0, 7))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_records_are_never_left_out(tmp_path: Path, place: int, bit: int) -> None:
    file = tmp_path / "stats_tfrecord"
    payload = parsed('datasets { name: "train" num_examples: 3 } datasets { name: "eval" }').SerializeToString()
    write_tfrecord(file, pa.table({"record": [payload, payload]}), payload="bytes")
    content = bytearray(file.read_bytes())
    content[place % len(content)] ^= 1 << bit
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"No record of statistics is damaged.*stats_tfrecord, record [12]"):
        load_statistics(file)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"\xff\xff", "DatasetFeatureStatisticsList of TensorFlow Metadata.*message 1"),
        (parsed('datasets { features { name: "xyz" } }').SerializeToString().replace(b"x", b"\xff"), "bad UTF-8"),
        (parsed('datasets { features { name: "x" } }').SerializeToString(), "A feature has statistics.*feature 'x'"),
        (
            parsed(
                'datasets { features { name: "x" num_stats { } custom_stats { name: "headrace/overlay" str: "[" } } }'
            ).SerializeToString(),
            "headrace/overlay is JSON",
        ),
    ],
)
def test_what_is_no_statistics_is_refused(payload: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_payloads([payload])


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.pb"):
        load_statistics(tmp_path / "absent.pb")
    (tmp_path / "bad.pbtxt").write_text("datasets {", "utf-8")
    with pytest.raises(DataError, match=r"bad\.pbtxt"):
        load_statistics(tmp_path / "bad.pbtxt")
    (tmp_path / "bad.pb").write_bytes(b"\xff")
    with pytest.raises(DataError, match=r"bad\.pb, message 1"):
        load_statistics(tmp_path / "bad.pb")
