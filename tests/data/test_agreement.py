"""Sources that are read into one snapshot agree on their columns' types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from headrace.data import as_source, csv, same_types
from headrace.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


def types(source: object) -> dict[str, str]:
    return {field.name: str(field.type) for field in as_source(source).dataset().schema}


def test_the_first_source_decides(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("zip,n\nA1,1\nB2,2\n")
    (tmp_path / "b.csv").write_text("zip,n\n123,3\n456,4\n")
    agreed = same_types({"a": csv(tmp_path / "a.csv"), "b": csv(tmp_path / "b.csv")})
    assert types(agreed["b"]) == types(agreed["a"]) == {"zip": "string", "n": "int64"}
    assert agreed["b"].dataset().to_table().column("zip").to_pylist() == ["123", "456"]


def test_fractions_anywhere_make_fractions_everywhere(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n\n1\n2\n")
    (tmp_path / "b.csv").write_text("n\n1.5\n2\n")
    agreed = same_types({"a": csv(tmp_path / "a.csv"), "b": csv(tmp_path / "b.csv")})
    assert types(agreed["a"]) == types(agreed["b"]) == {"n": "double"}


def test_columns_of_one_source_alone_are_left(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n\n1\n")
    (tmp_path / "b.csv").write_text("n,label\n1,yes\n")
    agreed = same_types({"a": csv(tmp_path / "a.csv"), "b": csv(tmp_path / "b.csv")})
    assert types(agreed["b"]) == {"n": "int64", "label": "string"}


def test_typed_sources_that_disagree_are_refused() -> None:
    numbers, words = as_source(pa.table({"n": [1]})), as_source(pa.table({"n": ["one"]}))
    with pytest.raises(DataError, match="'n' must have the same type in all sources") as caught:
        same_types({"a": numbers, "b": words})
    assert caught.value.got == "int64 in 'a' and string in 'b'"
