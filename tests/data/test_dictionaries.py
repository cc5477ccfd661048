from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.data import counted, csv, dictionary_encoded, parquet

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 30_000
TABLE = pa.table(
    {
        "few": [None if i % 11 == 0 else f"word {i % 9}" for i in range(ROWS)],
        "many": [f"{i * 7919 % ROWS:x} and some more letters {i}" for i in range(ROWS)],
        "ids": [f"{i}" for i in range(ROWS)],
        "large": pa.array([f"word {i % 5}" for i in range(ROWS)], pa.large_string()),
        "number": pa.array(range(ROWS), pa.int32()),
        "list": [[f"word {i % 3}"] for i in range(ROWS)],
    }
)


def test_few_distinct_texts_stay_dictionaries(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "x.parquet", row_group_size=10_000)
    plain = parquet(tmp_path / "x.parquet").dataset()
    encoded = dictionary_encoded(plain)
    assert encoded.schema == plain.schema
    words = pa.dictionary(pa.int32(), pa.string())
    batch = next(encoded.batches())
    assert [field.type == words for field in batch.schema] == [True, False, False, True, False, False]
    tables = [pa.Table.from_batches([batch]).cast(plain.schema) for batch in encoded.batches()]
    assert pa.concat_tables(tables).equals(plain.to_table())


def test_through_what_wraps_shards(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "x.parquet")
    dataset = dictionary_encoded(counted(parquet(tmp_path / "x.parquet").dataset().select(["number", "few"])))
    batch = next(dataset.batches(["few", "number"]))
    assert batch.schema.names == ["few", "number"]
    assert pa.types.is_dictionary(batch.schema.field("few").type)
    assert batch.column("few").to_pylist()[:3] == [None, "word 1", "word 2"]


def test_a_plain_file_needs_no_casting(tmp_path: Path) -> None:
    pq.write_table(TABLE.select(["few", "many"]), tmp_path / "x.parquet")
    batch = next(dictionary_encoded(parquet(tmp_path / "x.parquet").dataset()).batches())
    assert [pa.types.is_dictionary(kind) for kind in batch.schema.types] == [True, False]


def test_files_without_dictionaries_and_other_sources_are_as_they_were(tmp_path: Path) -> None:
    pq.write_table(TABLE.select(["few"]), tmp_path / "x.parquet", use_dictionary=False)
    (tmp_path / "x.csv").write_text("a\nx\n")
    for source in (parquet(tmp_path / "x.parquet"), csv(tmp_path / "x.csv")):
        dataset = source.dataset()
        assert dictionary_encoded(dataset).to_table().equals(dataset.to_table())
