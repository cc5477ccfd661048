from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.data import RowsSetAsideWarning
from headrace.errors import DataError, UsageError
from headrace.schema import Feature, Schema
from headrace.statistics import (
    StatisticsAccumulator,
    StatsOptions,
    accumulate_statistics,
    generate_statistics,
    load_state,
    merge_states,
    save_state,
)
from headrace.statistics.packing import pack, unpack

if TYPE_CHECKING:
    from tests.conftest import CensusSource


def day(seed: int, rows: int = 3_000) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "n": rng.integers(-5, 2**40, rows),
            "x": pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.2),
            "w": rng.integers(1, 4, rows),
            "s": [f"k{n}" for n in rng.integers(0, 40, rows)],
            "b": rng.random(rows) < 0.5,
            "t": pa.array(rng.integers(0, 10**15, rows), pa.timestamp("us")),
            "raw": [bytes([n]) for n in rng.integers(0, 9, rows).tolist()],
            "l": pa.array([[{"a": int(n)}] * (n % 3) if n else None for n in rng.integers(0, 5, rows)]),
            "number": [str(n) for n in rng.integers(0, 9, rows)],
        }
    )


OPTIONS = StatsOptions(
    weight_feature="w",
    slices=["b", {"n": [(0, 2**39), (2**39, None)]}],
    schema=Schema((Feature("number", "INT", drift=None),)),
)


def test_a_new_day_costs_one_day(tmp_path: Path) -> None:
    for at in range(3):
        save_state(accumulate_statistics(day(at), name="days", options=OPTIONS), tmp_path / f"{at}.state")
    days = [load_state(tmp_path / f"{at}.state") for at in range(3)]
    merged = merge_states(*days).statistics()
    whole = generate_statistics(pa.concat_tables([day(at) for at in range(3)]), name="days", options=OPTIONS)
    assert merged.names == whole.names
    for one, other in zip(merged, whole, strict=True):
        assert (one.num_examples, one.weighted_num_examples) == (other.num_examples, other.weighted_num_examples)
        for name in ("s", "b", "raw"):
            assert one[name].string_stats == other[name].string_stats
            assert one[name].bool_stats == other[name].bool_stats
            assert one[name].bytes_stats == other[name].bytes_stats
        for name in ("n", "x", "l.a", "number"):
            mine, theirs = one[name].num_stats, other[name].num_stats
            assert mine is not None
            assert theirs is not None
            assert mine.common_stats == theirs.common_stats
            assert mine.quantiles == theirs.quantiles
            assert mine.mean == pytest.approx(theirs.mean)
    assert days[0].num_examples == 3_000


def test_states_stay_as_they_are_when_merged(tmp_path: Path) -> None:
    one = accumulate_statistics(day(0), options=OPTIONS)
    before = one.statistics()
    merge_states(one, accumulate_statistics(day(1), options=OPTIONS))
    assert one.statistics() == before
    save_state(one, tmp_path / "one")
    loaded = load_state(tmp_path / "one")
    assert loaded.statistics() == before
    # A state that was read goes with one that was not.
    assert merge_states(loaded, one).num_examples == 6_000
    assert [feature.semantics for feature in loaded.result().features] == [
        feature.semantics for feature in before.datasets[0].features
    ]


def test_a_real_day(census_source: CensusSource, tmp_path: Path) -> None:
    accumulator = accumulate_statistics(census_source("adult.data"), name="census")
    save_state(accumulator, tmp_path / "census")
    assert load_state(tmp_path / "census").statistics() == accumulator.statistics()
    assert (tmp_path / "census").stat().st_size < 500_000


KEPT = Path(__file__).with_name("assets") / "data-set-v1.state"
KEPT_TABLE = pa.table(
    {
        "n": [3, None, -7, 3],
        "x": [0.5, 1.5, None, float("nan")],
        "w": [1.0, 2.0, 0.5, 4.0],
        "s": ["b", "a", None, "b"],
        "t": pa.array([0, 10**6, 2 * 10**6, None], pa.timestamp("us")),
        "l": pa.array([[{"a": 1}, {"a": None}], [], None, [{"a": 2}]]),
    }
)
KEPT_OPTIONS = StatsOptions(
    weight_feature="w", slices=["s", {"n": [(0, None)]}], schema=Schema((Feature("s", "STRING"),))
)


def test_a_file_of_the_first_version_stays_readable() -> None:
    # Written once by save_state(accumulate_statistics(KEPT_TABLE, name="kept", options=KEPT_OPTIONS), KEPT).
    loaded = load_state(KEPT)
    fresh = accumulate_statistics(KEPT_TABLE, name="kept", options=KEPT_OPTIONS)
    assert loaded.statistics() == fresh.statistics()
    assert merge_states(loaded, fresh).num_examples == 8


def test_rows_that_were_set_aside_are_remembered(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x\n" + "".join(f"{at if at % 60 else 'NA'}\n" for at in range(300)))
    with pytest.warns(RowsSetAsideWarning):
        save_state(accumulate_statistics(file), tmp_path / "state")
    loaded = load_state(tmp_path / "state")
    merged = merge_states(loaded, loaded).result()
    assert merged.num_set_aside == 10
    assert merged.set_aside[0] == loaded.result().set_aside[0]


def test_states_of_different_things_are_not_merged() -> None:
    table = pa.table({"x": [1]})
    one = accumulate_statistics(table)
    with pytest.raises(UsageError, match="'x': int64 and double"):
        merge_states(one, accumulate_statistics(pa.table({"x": [1.0]})))
    with pytest.raises(UsageError, match="num_top_values: 1000 and 5"):
        merge_states(one, accumulate_statistics(table, options=StatsOptions(num_top_values=5)))
    with pytest.raises(UsageError, match="At least one state"):
        merge_states()


def test_what_needs_all_rows_or_is_the_users_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="all rows at once"):
        accumulate_statistics(day(0), options=StatsOptions(cross_features=True))
    options = StatsOptions(slice_functions=[lambda batch: [True] * batch.num_rows])
    with pytest.raises(UsageError, match="slice_functions"):
        save_state(accumulate_statistics(day(0), options=options), tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_files_that_are_no_states_say_so(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with pytest.raises(DataError, match="No such file"):
        load_state(path)
    path.write_bytes(b"PAR1")
    with pytest.raises(DataError, match="another file"):
        load_state(path)
    save_state(StatisticsAccumulator(pa.schema([("x", pa.int64())])), path)
    whole = path.read_bytes()
    for cut in (30, 60, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(DataError, match="headrace wrote"):
            load_state(path)
    held = unpack(whole[26:])
    for changed, said in (
        ({**held, "version": 9}, "version 9"),
        ({**held, "options": {**held["options"], "num_top_values": 0}}, "num_top_values is 1 or more"),
        ({**held, "options": {**held["options"], "other": 0}}, "without its parts"),
        ({**held, "state": {}}, "without its parts"),
        ({**held, "columns": pa.schema([("y", pa.int64())]).serialize().to_pybytes()}, "columns that it says"),
        ([1], "without its parts"),
    ):
        path.write_bytes(whole[:26] + pack(changed))
        with pytest.raises(DataError, match=said):
            load_state(path)


@given(st.integers(0, 2_000), st.integers(0, 255))
@settings(max_examples=60, deadline=None)
def test_damage_is_an_error_or_harmless(at: int, byte: int) -> None:
    data = bytearray(pack({"state": StatisticsAccumulator(pa.schema([("x", pa.int64())])).state()}))
    data[at % len(data)] = byte
    # Damage may leave another state, and raises nothing but this.
    with contextlib.suppress(DataError):
        unpack(bytes(data))


def test_values_arrays_and_tables_come_back() -> None:
    held = {"n": [None, True, -3, 2.5, "é", b"\x00"], "f": np.float32(1.5), "t": pa.table({"x": [[1], None]})}
    assert unpack(pack(held)) == held
    for dtype in ("<u8", ">f4", "|b1", "<M8[us]"):
        array = np.arange(2).astype(dtype)
        found = unpack(pack(array))
        assert (found == array).all()
        assert found.dtype == array.dtype.newbyteorder("=")
        found[0] = found[1]


def test_a_length_that_cannot_be_is_not_believed() -> None:
    data = pack([1])
    with pytest.raises(DataError, match="bytes in"):
        unpack((1 << 60).to_bytes(8, "little") + data[8:])
