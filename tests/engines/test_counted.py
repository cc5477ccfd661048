"""A fold that counts what cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from headrace.data import csv
from headrace.engines import LocalEngine, fold_counted

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa


class _Rows:
    def __init__(self) -> None:
        self.rows = 0

    def update(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows

    def merge(self, other: Any) -> None:
        self.rows += other.rows

    def result(self) -> int:
        return self.rows


@pytest.mark.parametrize("workers", [1, 3])
def test_what_is_left_out_of_every_shard_is_counted_in_order(tmp_path: Path, workers: int) -> None:
    for name in "abc":
        (tmp_path / f"{name}.csv").write_text("x,y\n1,2\n1\n3,4\n")
    dataset = csv(tmp_path / "*.csv").dataset()
    total, aside = fold_counted(LocalEngine(workers), dataset, _Rows, columns=["y"])
    assert (total.result(), aside.rows) == (6, 3)
    assert [one.file[-5:] for one in aside.first] == ["a.csv", "b.csv", "c.csv"]
