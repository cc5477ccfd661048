from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from headrace.errors import DataError
from headrace.statistics import CommonStatistics
from headrace.statistics.column_states import STATE_VERSION, dump_column, load_column
from headrace.statistics.columns import ColumnSettings, accumulator_for

COMMON = CommonStatistics(0, 0)
ASSETS = Path(__file__).parent / "assets"
SMALL = ColumnSettings(num_top_values=5, exact_numbers=40, exact_strings=30, heavy_strings=10, weighted=True)


def columns(size: int = 400) -> dict[str, pa.Array]:
    random = np.random.default_rng(11)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    numbers = random.zipf(1.6, size)
    return {
        "float": pa.array(random.normal(size=size)),
        "int": pa.array(numbers % 30),
        "uint": pa.array(numbers.astype(np.uint64) + np.uint64(2**63)),
        "string": pa.array([f"v{number % 90}" for number in numbers]),
        "few strings": pa.array([f"ä{number % 7}" for number in numbers]),
        "bytes": pa.array([f"{number}".encode() for number in numbers]),
        "bool": pa.array(numbers % 2 == 0),
        "time": pa.array([start + timedelta(seconds=int(number)) for number in numbers], pa.timestamp("us", "UTC")),
    }


def accumulated(values: pa.Array) -> Any:
    accumulator = accumulator_for(values.type, SMALL)
    accumulator.update(values, np.arange(len(values)) % 4 / 2)
    return accumulator


@pytest.mark.parametrize("name", columns())
def test_states_and_pickles_come_back(name: str) -> None:
    values = columns()[name]
    accumulator = accumulated(values)
    again = load_column(dump_column(accumulator))
    assert type(again) is type(accumulator)
    assert again.result(COMMON) == accumulator.result(COMMON)
    assert pickle.loads(pickle.dumps(accumulator)).result(COMMON) == accumulator.result(COMMON)
    # What has come back goes on as what was saved.
    for one in (again, accumulator):
        one.merge(accumulated(values.slice(0, 100)))
    assert again.result(COMMON) == accumulator.result(COMMON)


@pytest.mark.parametrize("name", columns())
def test_nothing_seen_comes_back_too(name: str) -> None:
    empty = accumulator_for(columns()[name].type)
    assert load_column(dump_column(empty)).result(COMMON) == empty.result(COMMON)


@pytest.mark.parametrize("file", sorted(ASSETS.glob("column-states-*.json")), ids=lambda file: file.stem)
def test_states_that_were_written_before_can_be_read(file: Path) -> None:
    kept = json.loads(file.read_text())
    assert kept
    for one in kept.values():
        found = load_column(bytes.fromhex(one["state"])).result(COMMON)
        assert json.loads(msgspec.json.encode(found)) == one["result"]


def test_a_state_is_kept_of_each_kind_and_version() -> None:
    kept = {file.stem.rpartition("-v")[2] for file in ASSETS.glob("column-states-*.json")}
    assert kept == {str(version + 1) for version in range(STATE_VERSION)}


@pytest.mark.parametrize("data", [b"", b"short", b"\x05" + bytes(7) + b"no zstd", bytes(40)])
def test_what_is_no_state_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match="bytes that headrace wrote"):
        load_column(data)


def test_a_later_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.statistics.column_states.STATE_VERSION", STATE_VERSION + 1)
    later = dump_column(accumulated(columns()["int"]))
    monkeypatch.undo()
    with pytest.raises(DataError, match=f"version {STATE_VERSION + 1}"):
        load_column(later)


def test_other_accumulators_have_no_state() -> None:
    class Own:
        pass

    with pytest.raises(DataError, match="got Own"):
        dump_column(Own())  # type: ignore[arg-type]
