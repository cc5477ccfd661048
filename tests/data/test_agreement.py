"""Sources that are read into one snapshot agree on their columns' types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from sqlalchemy import create_engine, text

from headrace.data import as_source, csv, json_lines, same_types, sql, tfrecord, write_tfrecord
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


def test_json_takes_the_types_of_the_first_source(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"zip": "A1", "day": "2026-01-01", "n": 1}\n')
    (tmp_path / "b.jsonl").write_text(
        '{"zip": 123, "day": "soon", "n": 1.5}\n{"zip": 4, "day": "2026-01-02", "n": 2}\n'
    )
    agreed = same_types({"a": json_lines(tmp_path / "a.jsonl"), "b": json_lines(tmp_path / "b.jsonl")})
    assert types(agreed["b"]) == types(agreed["a"]) == {"zip": "string", "day": "date32[day]", "n": "double"}
    assert agreed["b"].dataset().to_table().column("zip").to_pylist() == ["4"], "a day that is none is set aside"


def test_structs_that_differ_are_refused_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"home": {"zip": "A1"}}\n')
    (tmp_path / "b.jsonl").write_text('{"home": {"zip": "A1", "floor": 3}}\n')
    with pytest.raises(DataError, match="Read all files as one source") as caught:
        same_types({"a": json_lines(tmp_path / "a.jsonl"), "b": json_lines(tmp_path / "b.jsonl")})
    assert caught.value.got is not None
    assert "floor: int64" in caught.value.got


def test_tfrecord_takes_the_types_of_the_first_source(tmp_path: Path) -> None:
    write_tfrecord(tmp_path / "a.tfrecord", {"n": [1, 2], "l": [[1, 2], [3]]})
    write_tfrecord(tmp_path / "b.tfrecord", {"n": [1.5, 2.5], "l": [[0.5], [0.5, 1.5]]})
    agreed = same_types({"a": tfrecord(tmp_path / "a.tfrecord"), "b": tfrecord(tmp_path / "b.tfrecord")})
    assert types(agreed["a"]) == types(agreed["b"]) == {"l": "list<item: double>", "n": "double"}
    assert agreed["a"].dataset().to_table().to_pydict() == {"l": [[1.0, 2.0], [3.0]], "n": [1.0, 2.0]}


def test_lists_and_single_values_of_tfrecord_are_refused(tmp_path: Path) -> None:
    write_tfrecord(tmp_path / "a.tfrecord", {"n": [1, 2]})
    write_tfrecord(tmp_path / "b.tfrecord", {"n": [[1, 2], [3]]})
    with pytest.raises(DataError, match="scalars=False"):
        same_types({"a": tfrecord(tmp_path / "a.tfrecord"), "b": tfrecord(tmp_path / "b.tfrecord")})


def test_databases_take_the_types_of_the_first_source(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    database = create_engine(url)
    with database.begin() as connection:
        for statement in (
            "CREATE TABLE a (zip TEXT)",
            "INSERT INTO a VALUES ('A1')",
            "CREATE TABLE b (zip INTEGER)",
            "INSERT INTO b VALUES (123)",
        ):
            connection.execute(text(statement))
    database.dispose()
    agreed = same_types({"a": sql("a", url), "b": sql("b", url)})
    assert types(agreed["b"]) == {"zip": "string"}
    assert agreed["b"].dataset().to_table().to_pydict() == {"zip": ["123"]}


def test_databases_that_carry_types_are_cast_in_the_query(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute("CREATE TABLE a AS SELECT 'A1' AS zip; CREATE TABLE b AS SELECT 123 AS zip")
    url = f"duckdb:///{tmp_path / 'a.duckdb'}"
    with pytest.raises(DataError, match="Cast zip in the query"):
        same_types({"a": sql("a", url), "b": sql("b", url)})
    cast = sql("SELECT zip::VARCHAR AS zip FROM b", url)
    assert types(same_types({"a": sql("a", url), "b": cast})["b"]) == {"zip": "string"}
