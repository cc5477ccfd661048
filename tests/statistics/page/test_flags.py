from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from headrace.statistics import CommonStatistics, FeatureStatistics, StringStatistics, ValueCount
from headrace.statistics.page import FLAGS, distinct, flags

if TYPE_CHECKING:
    from tests.statistics.page.conftest import Everything


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bell", {"missing"}),
        ("tail", {"zeros"}),
        ("fixed", {"constant"}),
        ("id", {"cardinality"}),
        ("colour", {"missing"}),
        ("text", set()),
        ("approved_at_text", {"leak", "duplicate"}),
        ("married", set()),
        ("at", set()),
        ("photo", set()),
        ("address", {"missing"}),
    ],
)
def test_each_feature_has_its_flags(everything: Everything, name: str, expected: set[str]) -> None:
    assert set(flags([everything("train")["train"][name]])) == expected


def test_flags_are_of_any_data_set_the_gravest_first(everything: Everything) -> None:
    column = everything("train")["train"]["approved_at_text"]
    assert flags([column, None], anomalous=True) == ("anomaly", "leak", "absent", "duplicate")
    assert list(FLAGS).index("anomaly") < list(FLAGS).index("zeros")


def test_odd_values_are_flagged(everything: Everything) -> None:
    column = everything("train")["train"]["tail"]
    assert column.num_stats is not None
    odd = replace(column, num_stats=replace(column.num_stats, num_nan=1))
    assert "nonfinite" in flags([odd])
    nobody = FeatureStatistics(
        "a", "STRING", string_stats=StringStatistics(CommonStatistics(0, 9), 0, (), None, None, None)
    )
    assert flags([nobody]) == ("empty", "missing")
    top = (ValueCount("a", 4), ValueCount("b", 4))
    mixed = StringStatistics(CommonStatistics(9, 0), 2, top, 1.0, 1, 1, invalid_utf8_count=1)
    assert flags([FeatureStatistics("a", "STRING", string_stats=mixed)]) == ("utf8",)


def test_distinct_says_how_sure_it_is(everything: Everything) -> None:
    data = everything("train")["train"]
    assert distinct(data["photo"]) == (998, False, 0.008)
    assert distinct(data["married"]) == (2, True, 0.0)
    assert distinct(data["at"]) == (1000, True, 0.0)
    assert distinct(data["address"]) is None
