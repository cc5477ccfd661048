from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.data import hash_splits
from headrace.data.splits import hash_rows
from headrace.errors import DataError, UsageError

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "i": st.none() | st.integers(-(2**63), 2**63 - 1),
            "f": st.none() | st.floats(),
            "s": st.none() | st.text(max_size=5),
            "b": st.none() | st.booleans(),
        }
    ),
    max_size=20,
)
SCHEMA = pa.schema([("i", pa.int64()), ("f", pa.float64()), ("s", pa.string()), ("b", pa.bool_())])


def batch_of(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


def test_the_hash_is_the_same_for_ever() -> None:
    # These numbers were made once; another platform or version must make them again, or splits would move.
    batch = pa.record_batch(
        {
            "a": pa.array([1, -5, None], pa.int64()),
            "b": ["x", None, "é"],
            "c": [0.5, float("nan"), None],
            "d": [True, False, None],
            "e": pa.array([0, 10, None], pa.timestamp("us")),
            "f": pa.array([0, 10, None], pa.date32()),
        }
    )
    assert hash_rows(batch, batch.schema.names).tolist() == [
        17558265266283368294,
        4853436679487106316,
        14195644387643981250,
    ]


@settings(deadline=None)
@given(rows=ROWS, cut=st.integers(0, 20))
def test_neither_cutting_nor_column_order_matters(rows: list[dict[str, Any]], cut: int) -> None:
    splitter = hash_splits({"a": 1, "b": 1, "c": 3})
    whole = splitter.assign(batch_of(rows))
    parts = [splitter.assign(batch_of(rows[:cut])), splitter.assign(batch_of(rows[cut:]))]
    assert np.concatenate(parts).tolist() == whole.tolist()
    assert splitter.assign(batch_of(rows).select(["s", "b", "i", "f"])).tolist() == whole.tolist()


@settings(deadline=None)
@given(rows=ROWS.filter(bool))
def test_equal_rows_are_in_one_split(rows: list[dict[str, Any]]) -> None:
    splitter = hash_splits({"a": 1, "b": 1})
    twice = splitter.assign(batch_of(rows + rows))
    assert twice[: len(rows)].tolist() == twice[len(rows) :].tolist()


def test_equal_means_equal() -> None:
    def floats(*values: float) -> pa.RecordBatch:
        return pa.record_batch({"f": list(values)})

    hashes = hash_rows(floats(0.0, -0.0, float("nan"), -float("nan")), ["f"])
    assert hashes[0] == hashes[1] != hashes[2] == hashes[3]
    plain = pa.record_batch({"s": ["a", None, "b"]})
    encoded = pa.record_batch({"s": plain.column("s").dictionary_encode()})
    assert hash_rows(plain, ["s"]).tolist() == hash_rows(encoded, ["s"]).tolist()


@pytest.mark.parametrize(
    "column", [list(range(50_000)), [f"user {i}" for i in range(50_000)], [i / 7 for i in range(50_000)]]
)
def test_shares_are_those_asked_for(column: list[Any]) -> None:
    assigned = hash_splits({"train": 8, "eval": 1.5, "test": 0.5}).assign(pa.record_batch({"x": column}))
    shares = np.bincount(assigned, minlength=3) / len(column)
    # Five standard deviations of a binomial share.
    assert np.allclose(shares, [0.8, 0.15, 0.05], atol=5 * np.sqrt(0.25 / len(column)))


def test_by_key_keeps_a_key_together() -> None:
    batch = pa.record_batch({"user": [i % 100 for i in range(5000)], "x": list(range(5000))})
    assigned = hash_splits({"a": 1, "b": 1}, by=["user"]).assign(batch)
    for user in range(100):
        assert len(set(assigned[user::100].tolist())) == 1
    assert set(assigned.tolist()) == {0, 1}


def test_python_hash_seeds_play_no_part() -> None:
    code = (
        "import pyarrow as pa; from headrace.data import hash_splits; "
        "print(hash_splits({'a': 1, 'b': 1}).assign(pa.record_batch({'s': list('abcdefgh')})).tolist())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize(
    ("weights", "by", "message"),
    [
        ({}, None, "At least one split"),
        ({"a": 0}, None, "above 0"),
        ({"a": float("nan")}, None, "above 0"),
        ({"a/b": 1}, None, "name of a folder"),
        ({"a": 1}, [], "at least one column"),
    ],
)
def test_wrong_splits(weights: dict[str, float], by: list[str] | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        hash_splits(weights, by)


def test_an_unknown_key() -> None:
    with pytest.raises(DataError, match=r"got user.*Did you mean 'users'\?"):
        hash_splits({"a": 1}, ["user"]).assign(pa.record_batch({"users": [1]}))
