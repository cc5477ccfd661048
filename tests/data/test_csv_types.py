from __future__ import annotations

import math
import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.data import Cleaning
from headrace.data.csv_types import ColumnTypes, convert

NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(repr),
    st.floats(width=32).map(lambda value: f"{value:+.3e}"),
    st.sampled_from(
        [
            "007",
            "+5",
            "-0",
            "1.",
            ".5",
            ".",
            "",
            "e5",
            "1e",
            "0x1F",
            "1_0",
            "--1",
            "nan",
            "INF",
            "-infinity",
            "1e999",
            "٣",
        ]
    ),
)
WORDS = st.sampled_from(
    ["true", "False", "yes", "2020-01-02", "2020-02-30", "2020-01-02 03:04:05", "2020-01-02T03:04Z", "word"]
)
TEXTS = st.lists(st.none() | NUMBERS | WORDS, max_size=15)


def number(text: str) -> float | None:
    """Read a decimal number as Python does."""
    if not re.fullmatch(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:nan|inf|infinity))", text):
        return None
    return float(text)


def integer(text: str) -> int | None:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        return None
    return int(text) if -(2**63) <= int(text) < 2**63 else None


@settings(deadline=None, max_examples=300)
@given(texts=TEXTS)
@pytest.mark.parametrize(("kind", "reader"), [("float64", number), ("int64", integer)])
def test_numbers_are_those_that_python_reads(kind: str, reader: Any, texts: list[str | None]) -> None:
    values, bad = convert(pa.array(texts, pa.string()), kind)
    wanted = [None if text is None else reader(text) for text in texts]
    found = values.to_pylist()
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        both_nan = isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other)
        assert both_nan or one == other
        assert type(one) is type(other)
    flags = [False] * len(texts) if bad is None else bad.to_pylist()
    assert flags == [text is not None and value is None for text, value in zip(texts, wanted, strict=True)]


@settings(deadline=None)
@given(texts=TEXTS, cut=st.integers(0, 15))
def test_how_the_rows_are_cut_makes_no_difference(texts: list[str | None], cut: int) -> None:
    def tally(*parts: list[str | None]) -> tuple[dict[str, str], tuple[str, ...]]:
        total = ColumnTypes({"a": None, "b": "int64"}, Cleaning())
        for part in parts:
            one = ColumnTypes({"a": None, "b": "int64"}, Cleaning())
            one.update(pa.table({"a": pa.array(part, pa.string()), "b": pa.array(part, pa.string())}))
            total.merge(one)
        return total.result(), total.unclean()

    assert tally(texts) == tally(texts[:cut], texts[cut:]) == tally(texts[cut:], texts[:cut])


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("2020-01-02T03:04:05+02:00", "timestamp", "2020-01-02 01:04:05"),
        ("2020-01-02", "timestamp", "2020-01-02 00:00:00"),
        ("2020-01-02 03:04:05.000001", "timestamp", "2020-01-02 03:04:05.000001"),
        ("2020-02-30", "date32", "None"),
        ("02/03/2020", "timestamp", "None"),
        ("TRUE", "bool", "True"),
        ("0", "bool", "False"),
        ("2", "bool", "None"),
    ],
)
def test_single_values(text: str, kind: str, value: str) -> None:
    values, bad = convert(pa.array([text, "2020-01-01", None]), kind)
    assert str(values[0].as_py()) == value
    assert (bad is not None and bad[0].as_py()) == (value == "None")


def test_a_number_of_very_many_digits_is_not_an_int64() -> None:
    values, bad = convert(pa.array(["9" * 10_000, "0" * 10_000 + "7"]), "int64")
    assert values.to_pylist() == [None, 7]
    assert bad is not None
    assert bad.to_pylist() == [True, False]
