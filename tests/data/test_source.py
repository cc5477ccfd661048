from __future__ import annotations

import pytest

import headrace.data
from headrace.data import Source, Unreadable, as_source, csv, parquet


def test_an_unreadable_row_says_where_and_why() -> None:
    assert str(Unreadable("x.csv", 3, "1 column instead of 2", "a")) == "x.csv, row 3: 1 column instead of 2"


def test_all_sources_are_sources() -> None:
    assert all(isinstance(source, Source) for source in (csv("x"), parquet("x"), as_source({"a": [1]})))
    assert not isinstance("x.csv", Source)


def test_every_public_name_is_there() -> None:
    for name in headrace.data.__all__:
        assert getattr(headrace.data, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        headrace.data.nothing  # noqa: B018
