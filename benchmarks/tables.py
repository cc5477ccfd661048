"""Tables as usual in the field, of 21 columns and as many rows as wanted, made once and kept.

They lie in ``$HEADRACE_BENCH``, or in ``headrace-benchmarks`` of the folder for temporary files.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

__all__ = ["ROW_GROUP", "csv_table", "parquet_table", "part", "words"]

ROW_GROUP = 131_072


def folder() -> Path:
    """Return the folder of the tables."""
    named = os.environ.get("HEADRACE_BENCH")
    place = Path(named) if named else Path(tempfile.gettempdir()) / "headrace-benchmarks"
    place.mkdir(parents=True, exist_ok=True)
    return place


def words(count: int, seed: int = 1) -> pa.StringArray:
    """Return made-up words of three to nine letters."""
    random = np.random.default_rng(seed)
    letters = np.frombuffer(b"eeeaaoiiunrrttllsscdpmhgbfywkvxzjq", np.uint8)
    lengths = random.integers(3, 10, count)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    data = random.choice(letters, int(offsets[-1]))
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(data))


def part(start: int, rows: int) -> pa.Table:
    """Return rows ``start`` to ``start + rows - 1``; the same rows whatever else is made."""
    random = np.random.default_rng([7, start])
    vocabulary = words(20_000)

    def missing(share: float) -> Any:
        return random.random(rows) < share

    def category(count: int, prefix: str, skew: float = 1.0) -> pa.Array:
        ranks = np.arange(1, count + 1) ** -skew
        chosen = np.searchsorted(np.cumsum(ranks / ranks.sum()), random.random(rows)).clip(0, count - 1)
        names = pa.array([f"{prefix}{number}" for number in range(count)])
        return names.take(pa.array(chosen))

    lengths = random.poisson(7, rows) + 1
    rank = (20_000 * random.random(int(lengths.sum())) ** 3).astype(np.int64)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    texts = pc.binary_join(pa.ListArray.from_arrays(offsets, vocabulary.take(pa.array(rank))), " ")
    normal = random.normal(size=rows)
    small = random.integers(0, 100, rows)
    return pa.table(
        {
            "normal": normal,
            "lognormal": random.lognormal(0.0, 2.0, rows),
            "uniform": random.random(rows),
            "pareto": random.pareto(1.5, rows),
            "sparse": pa.array(random.normal(10.0, 3.0, rows), mask=missing(0.3)),
            "small": small,
            "wide": random.integers(-(2**39), 2**39, rows),
            "zeros": np.where(random.random(rows) < 0.9, 0, random.integers(0, 5_000, rows)),
            "time": 1_600_000_000 + random.integers(0, 100_000_000, rows),
            "holes": pa.array(random.integers(0, 10_000, rows), mask=missing(0.05)),
            "two": category(2, "yes/no "),
            "five": category(5, "region "),
            "sixteen": category(16, "education "),
            "fifty": category(50, "state "),
            "thousand": category(1_000, "airport "),
            "many": category(100_000, "product ", 0.0),
            "id": pc.binary_join_element_wise(
                "user-", pa.array(np.arange(start, start + rows) * 2_654_435_761 % 2**40).cast(pa.string()), ""
            ),
            "text": texts,
            "rare": pc.if_else(pa.array(missing(0.2)), None, category(200, "code ")),
            "zip": pc.utf8_lpad(pa.array(random.integers(500, 99_950, rows)).cast(pa.string()), 5, "0"),
            "label": (normal + small / 50 + random.normal(size=rows) > 1.0).astype(np.int64),
        }
    )


def parquet_table(rows: int) -> Path:
    """Return a Parquet file: zstd, row groups of 131,072."""
    path = folder() / f"table-{rows}.parquet"
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        with pq.ParquetWriter(unfinished, part(0, 1).schema, compression="zstd") as writer:
            for start in range(0, rows, ROW_GROUP):
                writer.write_table(part(start, min(ROW_GROUP, rows - start)), row_group_size=ROW_GROUP)
        unfinished.rename(path)
    return path


def csv_table(rows: int) -> Path:
    """Return a CSV file of the same rows."""
    path = folder() / f"table-{rows}.csv"
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        with (
            pq.ParquetFile(parquet_table(rows)) as file,
            pacsv.CSVWriter(
                unfinished, file.schema_arrow, write_options=pacsv.WriteOptions(quoting_style="none")
            ) as writer,
        ):
            for batch in file.iter_batches():
                writer.write_batch(batch)
        unfinished.rename(path)
    return path
