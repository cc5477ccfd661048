from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import duckdb
import pytest

from headrace.data import Unreadable, csv
from headrace.data.csv_shards import CsvShard

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 300_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return about 20 MB with quotes over two lines, a comment and rows that cannot be read, here and there."""
    path = tmp_path_factory.mktemp("large") / "large.csv"
    with path.open("w") as file:
        file.write("id,text,value\n")
        for index in range(ROWS):
            if index % 50_000 == 49_999:
                file.write(f"{index},too short\n")
            elif index % 70_000 == 69_999:
                file.write(f'{index},words,many\n# a comment with a " in it\n')
            else:
                text = (
                    f'"line {index}\nand ""more"", of the same"'
                    if index % 10 == 0
                    else f"just some longer text {index}"
                )
                file.write(f"{index},{text},{index / 8}\n")
    return path


def test_a_large_file_has_several_shards_and_every_row(large: Path) -> None:
    dataset = csv(large, comment="#").dataset()
    assert len(dataset.shards) >= 2
    assert [str(kind) for kind in dataset.schema.types] == ["int64", "string", "double"]
    table = dataset.to_table()
    unreadable: list[Unreadable] = []
    for shard in dataset.shards:
        assert isinstance(shard, CsvShard)
        assert len(pickle.dumps(shard)) < 2_000
        list(shard.read_reporting(unreadable.append))
    bad = [index for index in range(ROWS) if index % 50_000 == 49_999 or index % 70_000 == 69_999]
    assert table.column("id").to_pylist() == [index for index in range(ROWS) if index not in set(bad)]
    assert table.column("text")[0].as_py() == 'line 0\nand "more", of the same'
    lines = large.read_text().split("\n")
    assert [int(lines[row.row - 1].split(",")[0]) for row in unreadable] == bad
    for columns in (["id"], ["text"], ["value", "id"]):
        assert dataset.to_table(columns).equals(table.select(columns))


def test_duckdb_reads_the_same(flights_dir: Path) -> None:
    path = flights_dir / "weather.csv"
    table = csv(path, null_values=["", "NA"]).dataset().to_table()
    names = [name for name in table.column_names if name != "time_hour"]
    query = f"select * exclude (time_hour) from read_csv('{path}', nullstr=['', 'NA'])"
    theirs = duckdb.sql(query).fetchall()
    assert list(zip(*(table.column(name).to_pylist() for name in names), strict=True)) == theirs
    assert table.num_rows > 20_000
