from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.statistics import Bucket, CommonStatistics, DatasetStatistics, FeatureStatistics, Histogram, Statistics
from headrace.statistics.page.plain import _histogram, _short, _shorts, aligned, page_data

if TYPE_CHECKING:
    from tests.statistics.page.conftest import Everything


def _read(form: list[Any]) -> list[tuple[float, float, float]]:
    """Return what the script makes of a histogram."""
    edges, counts = form
    if len(edges) == 2 and len(counts) != 1:
        width = (edges[1] - edges[0]) / len(counts)
        edges = [edges[0] + width * at for at in range(len(counts) + 1)]
    counts = counts * (len(edges) - 1) if len(counts) == 1 else counts
    return [(low, high, count) for (low, high), count in zip(pairwise(edges), counts, strict=True)]


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=30, unique=True),
    st.data(),
)
def test_a_histogram_is_read_as_it_was(values: list[float], data: st.DataObject) -> None:
    edges = sorted(values)
    counts = data.draw(st.lists(st.integers(1, 10**6), min_size=len(edges) - 1, max_size=len(edges) - 1))
    buckets = tuple(Bucket(a, b, float(c)) for (a, b), c in zip(pairwise(edges), counts, strict=True))
    read = _read(_histogram(Histogram("STANDARD", buckets)))
    span = edges[-1] - edges[0] + max(abs(edges[0]), abs(edges[-1]))
    for (low, high, count), bucket in zip(read, buckets, strict=True):
        assert low == pytest.approx(bucket.low_value, abs=1e-6 * span)
        assert high == pytest.approx(bucket.high_value, abs=1e-6 * span)
        assert count == pytest.approx(bucket.sample_count, rel=1e-5)


@given(st.floats())
def test_numbers_keep_seven_digits(value: float) -> None:
    short = _short(value)
    if not math.isfinite(value):
        assert short is None
    else:
        assert short == pytest.approx(value, rel=1e-6, abs=1e-300)


def test_moments_of_one_day_stay_apart() -> None:
    seconds = [1_795_201_302.25 + at for at in range(5)]
    assert _shorts(seconds) == seconds


def test_everything_is_plain(everything: Everything) -> None:
    both = everything("train", "test")
    data = page_data(both, baseline=1, distances={"bell": 0.5}, anomalies={"bell": [("error", "is wrong")]})
    assert msgspec.json.decode(msgspec.json.encode(data)) == data
    features = {feature["n"]: feature for feature in data["features"]}
    assert features["bell"]["d"] == 0.5
    assert features["bell"]["a"] == [["error", "is wrong"]]
    assert features["bell"]["f"][0] == "anomaly"
    assert "d" not in features["tail"]
    assert features["photo"]["s"][1] is None
    assert len(features["text"]["s"][0]["top"]) == 50
    # What the top values leave out is in the ranks.
    rest = sum(count for _, _, count in features["text"]["s"][0]["r"])
    assert rest + sum(count for _, count in features["text"]["s"][0]["top"]) == features["text"]["s"][0]["n"]
    assert features["bell"]["m"][1] is None
    assert data["cross"][0][0][:4] == ["bell", "count", "r", 0.999]


def test_features_stand_side_by_side() -> None:
    def column(name: str) -> FeatureStatistics:
        from headrace.statistics import StructStatistics

        return FeatureStatistics(name, "STRUCT", struct_stats=StructStatistics(CommonStatistics(1, 0)))

    one, two = (
        DatasetStatistics("one", 1, (column("a"), column("b"))),
        DatasetStatistics("two", 1, (column("c"), column("a"))),
    )
    found = aligned(Statistics((one, two)))
    assert {name: [part is not None for part in parts] for name, parts in found.items()} == {
        "a": [True, True],
        "b": [True, False],
        "c": [False, True],
    }
