from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.statistics.cuts import CUTS, split

from headrace.statistics import CommonStatistics
from headrace.statistics.columns import ColumnSettings, accumulator_for
from headrace.statistics.strings import StringAccumulator

if TYPE_CHECKING:
    from headrace.statistics import StringStatistics

COMMON = CommonStatistics(0, 0)
TEXT = st.text(st.characters(codec="utf-8"), max_size=6)


@settings(deadline=None, max_examples=150)
@given(st.lists(TEXT | st.none(), max_size=60), CUTS, st.booleans(), st.booleans())
def test_strings_are_counted_exactly_while_few(
    values: list[str | None], cuts: list[int], backwards: bool, encoded: bool
) -> None:
    parts = split(values, cuts)
    total = StringAccumulator()
    for part in reversed(parts) if backwards else parts:
        one = StringAccumulator()
        array = pa.array(part, pa.string())
        one.update(array.dictionary_encode() if encoded else array)
        total.merge(one)
    stats = total.result(COMMON)
    present = [value for value in values if value is not None]
    counts = Counter(present)
    assert {entry.value: entry.frequency for entry in stats.top_values} == counts
    assert [entry.frequency for entry in stats.top_values] == sorted(counts.values(), reverse=True)
    assert stats.unique == len(counts)
    assert stats.complete
    assert stats.unique_exact
    if present:
        assert stats.avg_length == pytest.approx(sum(map(len, present)) / len(present))
        assert (stats.min_length, stats.max_length) == (min(map(len, present)), max(map(len, present)))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 2000), max_size=6), st.integers(10, 400))
def test_heavy_strings_stay_within_the_bound(seed: int, cuts: list[int], distinct: int) -> None:
    ids = np.random.default_rng(seed).zipf(1.3, 2000) % distinct
    values = [f"v{i}" for i in ids]
    total = StringAccumulator(ColumnSettings(exact_strings=60, heavy_strings=20))
    for part in split(values, cuts):
        one = StringAccumulator(ColumnSettings(exact_strings=60, heavy_strings=20))
        for start in range(0, len(part), 100):
            one.update(pa.array(part[start : start + 100], pa.string()))
        total.merge(one)
    stats = total.result(COMMON)
    truth = Counter(values)
    exact = len(truth) <= 60
    assert stats.unique_exact == stats.complete == exact
    assert stats.unique == len(truth)
    assert stats.frequency_error <= (0 if exact else 2 * len(values) / 21)
    listed = {entry.value: entry.frequency for entry in stats.top_values}
    assert set(listed) <= set(truth)
    for value, count in truth.items():
        if value in listed:
            assert count - stats.frequency_error <= listed[value] <= count
            assert exact or listed[value] > max(stats.frequency_error, 1)
        else:
            assert count <= max(2 * stats.frequency_error, 1)


def test_many_strings_are_estimated() -> None:
    total = StringAccumulator()
    for start in range(0, 120_000, 40_000):
        total.update(pa.array([f"user {i}" for i in range(start, start + 40_000)]))
    stats = total.result(COMMON)
    assert not stats.unique_exact
    assert abs(stats.unique / 120_000 - 1) < 0.03
    assert len(stats.top_values) <= 1000


def test_odd_strings() -> None:
    accumulator = StringAccumulator()
    accumulator.update(pa.nulls(3))
    encoded = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None]), pa.array(["a", None, "a"]))
    accumulator.update(encoded)
    accumulator.update(pa.array(["é", "a"], pa.string_view()))
    stats: StringStatistics = accumulator.result(COMMON)
    assert {entry.value: entry.frequency for entry in stats.top_values} == {"a": 3, "é": 1}


def described(values: pa.Array, **sizes: int) -> StringStatistics:
    accumulator = StringAccumulator(ColumnSettings(**sizes))  # type: ignore[arg-type]
    accumulator.update(values)
    return accumulator.result(COMMON)


def test_what_occurs_once_is_never_called_frequent() -> None:
    total = StringAccumulator()
    for start in range(0, 400_000, 50_000):
        one = StringAccumulator()
        one.update(pa.array([f"id-{number}" for number in range(start, start + 50_000)]))
        total.merge(one)
    stats = total.result(COMMON)
    assert stats.top_values == ()
    assert stats.rank_histogram == ()
    assert not stats.complete
    assert abs(stats.unique / 400_000 - 1) < 4 * stats.unique_error
    assert stats.frequency_error <= 2 * 400_000 / 10_001


def test_the_frequent_are_found_among_ids() -> None:
    random = np.random.default_rng(5)
    total = StringAccumulator()
    truth: Counter[str] = Counter()
    for start in range(0, 600_000, 60_000):
        ids = [f"id-{number}" for number in range(start, start + 60_000)]
        for value, share in (("often", 0.02), ("now and then", 0.004)):
            for at in np.flatnonzero(random.random(60_000) < share):
                ids[at] = value
        truth.update(ids)
        one = StringAccumulator()
        one.update(pa.array(ids))
        total.merge(one)
    stats = total.result(COMMON)
    assert [entry.value for entry in stats.top_values] == ["often", "now and then"]
    for entry in stats.top_values:
        assert truth[entry.value] - stats.frequency_error <= entry.frequency <= truth[entry.value]


def test_bytes_as_texts() -> None:
    accumulator = accumulator_for(pa.binary(), ColumnSettings(text_in_bytes=True))
    accumulator.update(pa.array([b"ok", b"\xff\xfe", "größe".encode(), None, b"\xff\xfe"]))
    stats = accumulator.result(COMMON)
    assert isinstance(accumulator, StringAccumulator)
    assert stats == StringAccumulator.result(accumulator, COMMON)
    assert stats.invalid_utf8_count == 2
    assert {entry.value: entry.frequency for entry in stats.top_values} == {"ok": 1, "größe": 1}
    assert (stats.min_length, stats.max_length, stats.avg_length) == (2, 5, 3.5)


def test_texts_that_a_file_only_says_are_texts() -> None:
    raw = pa.array([b"a", b"\x80", b"a"])
    broken = pa.StringArray.from_buffers(3, raw.buffers()[1], raw.buffers()[2])
    stats = described(broken)
    assert (stats.invalid_utf8_count, stats.unique) == (1, 1)


def test_lengths_are_in_characters() -> None:
    stats = described(pa.array(["", "🦊🦉🐝", "x" * 100_000, "e\u0301"]))
    assert (stats.min_length, stats.max_length) == (0, 100_000)
    assert stats.avg_length == pytest.approx((0 + 3 + 100_000 + 2) / 4)


def test_ranks() -> None:
    values = [f"v{rank}" for rank in range(5) for _ in range(10 - rank)]
    stats = described(pa.array(values), num_top_values=2, num_rank_histogram_buckets=4)
    assert [entry.value for entry in stats.top_values] == ["v0", "v1"]
    assert not stats.complete
    ranks = [(one.low_rank, one.high_rank, one.sample_count, one.label) for one in stats.rank_histogram]
    assert ranks == [(0, 0, 10.0, "v0"), (1, 1, 9.0, "v1"), (2, 2, 8.0, "v2"), (3, 4, 13.0, None)]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "c", "ä"]) | st.none(), st.integers(0, 5)), max_size=60),
    CUTS,
    st.booleans(),
)
def test_weights_add_up(rows: list[tuple[str | None, int]], cuts: list[int], encoded: bool) -> None:
    total = StringAccumulator(ColumnSettings(weighted=True))
    for part in split(rows, cuts):
        one = StringAccumulator(ColumnSettings(weighted=True))
        array = pa.array([value for value, _ in part], pa.string())
        one.update(
            array.dictionary_encode() if encoded else array, np.array([weight for _, weight in part], np.float64)
        )
        total.merge(one)
    stats = total.result(COMMON).weighted
    assert stats is not None
    sums: Counter[str] = Counter()
    for value, weight in rows:
        if value is not None:
            sums[value] += weight
    assert {entry.value: entry.frequency for entry in stats.top_values} == dict(sums)
    order = [(-entry.frequency, entry.value) for entry in stats.top_values]
    assert order == sorted(order)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 3000), max_size=5), st.permutations(range(6)))
def test_any_cut_and_order_keeps_what_is_exact(seed: int, cuts: list[int], order: list[int]) -> None:
    values = [f"v{number}" for number in np.random.default_rng(seed).zipf(1.5, 3000) % 700]
    settings = ColumnSettings(exact_strings=100, heavy_strings=30)
    whole = StringAccumulator(settings)
    whole.update(pa.array(values))
    parts = [StringAccumulator(settings) for _ in order]
    for at, part in zip(order, split(values, cuts), strict=False):
        parts[at].update(pa.array(part, pa.string()))
    total = StringAccumulator(settings)
    for one in parts:
        total.merge(one)
    a, b = whole.result(COMMON), total.result(COMMON)
    same = ("unique", "unique_exact", "avg_length", "min_length", "max_length", "invalid_utf8_count")
    assert [getattr(a, name) for name in same] == [getattr(b, name) for name in same]
    truth = Counter(values)
    for stats in (a, b):
        for entry in stats.top_values:
            assert truth[entry.value] - stats.frequency_error <= entry.frequency <= truth[entry.value]
