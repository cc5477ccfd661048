from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.data import ReportingShard, Unreadable, csv
from headrace.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_that_shrinks_between_the_passes_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,x\n2,y\n")
    dataset = csv(path).dataset()
    path.write_text("a,b\n1,x\n")
    with pytest.raises(DataError, match=r"has changed while it was read .*x\.csv"):
        dataset.to_table()
    path.unlink()
    with pytest.raises(DataError, match=r"does not exist.*x\.csv"):
        dataset.to_table()


def test_which_rows_are_left_out_does_not_depend_on_the_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n" + "1,x\n" * 30 + "word,y\n" + "2,z\n" * 30)
    dataset = csv(path).dataset()
    assert dataset.to_table(["b"]).column("b").unique().to_pylist() == ["x", "z"]
    assert sum(batch.num_rows for batch in dataset.batches([])) == 60
    assert all(isinstance(shard, ReportingShard) for shard in dataset.shards)


def test_the_text_of_a_long_row_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,x\n" + "y" * 5000 + "\n")
    (shard,) = csv(path).dataset().shards
    assert isinstance(shard, ReportingShard)
    rows: list[Unreadable] = []
    list(shard.read_reporting(rows.append))
    assert rows[0].text == "y" * 1000
    assert str(rows[0]) == f"{path}, row 3: 1 column instead of 2"
