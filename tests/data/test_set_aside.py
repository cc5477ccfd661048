"""Rows that cannot be read are counted, and said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from headrace.data import (
    Dataset,
    RowsSetAsideWarning,
    SetAside,
    Unreadable,
    as_source,
    counted,
    csv,
    json_lines,
    set_aside_in,
    snapshot,
    sql,
    warn_of_rows,
)

if TYPE_CHECKING:
    from pathlib import Path


def _mostly_numbers(folder: Path) -> Path:
    file = folder / "a.csv"
    file.write_text("x,s\n" + "".join(f"{at if at % 60 else 'NA'},{'ab'[at % 2]}\n" for at in range(300)))
    return file


def _counts(dataset: Dataset, columns: list[str] | None = None) -> tuple[int, SetAside]:
    rows, aside = 0, SetAside()
    for batch in counted(dataset).batches(columns):
        rows += batch.num_rows
        aside += set_aside_in(batch) or SetAside()
    return rows, aside


@pytest.mark.parametrize("columns", [None, ["x"], ["s"]])
def test_rows_read_and_rows_left_out_add_up_whatever_is_read(tmp_path: Path, columns: list[str] | None) -> None:
    rows, aside = _counts(csv(_mostly_numbers(tmp_path)).dataset(), columns)
    assert (rows, aside.rows) == (295, 5)
    assert [one.row for one in aside.first] == [2, 62, 122]
    assert "'NA' is not of type int64" in aside.first[0].reason


def test_nothing_is_left_out_where_the_text_means_missing(tmp_path: Path) -> None:
    assert _counts(csv(_mostly_numbers(tmp_path), null_values=["NA"]).dataset()) == (300, SetAside())
    assert _counts(as_source({"x": [1, 2]}).dataset()) == (2, SetAside())


def test_a_selection_of_columns_still_says_what_it_leaves_out(tmp_path: Path) -> None:
    selected = csv(_mostly_numbers(tmp_path)).dataset().select(["s"])
    assert _counts(selected)[1].rows == 5
    report = snapshot(selected, tmp_path / "snapshot")
    assert (report.rows_read, report.rows_set_aside) == (295, 5)


def test_the_warning_stands_at_the_line_that_asked() -> None:
    with pytest.warns(RowsSetAsideWarning, match=r"2 of 10 rows .* a\.csv, row 3: odd") as caught:
        warn_of_rows(SetAside(2, (Unreadable("a.csv", 3, "odd"),)), 8)
    assert caught[0].filename == __file__


def test_there_is_no_warning_where_all_rows_are_read() -> None:
    warn_of_rows(SetAside(), 8)


def test_null_values_are_advised_only_where_there_are_some(tmp_path: Path) -> None:
    _, aside = _counts(csv(_mostly_numbers(tmp_path)).dataset().select(["x"]))
    with pytest.warns(RowsSetAsideWarning, match="name it in null_values"):
        warn_of_rows(SetAside() + aside + aside, 295)
    lines = [json.dumps({"x": at if at % 60 else "NA"}) for at in range(300)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), "utf-8")
    for source in (json_lines(tmp_path / "a.jsonl"), json_lines(tmp_path / "a.jsonl", types={"x": "int64"})):
        _, aside = _counts(source.dataset())
        assert aside.rows == 5
        with pytest.warns(RowsSetAsideWarning) as caught:
            warn_of_rows(aside, 295)
        assert "name it in" not in str(caught[0].message)
    database = create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE t (x INTEGER)"))
        connection.execute(text("INSERT INTO t VALUES (1), ('NA')"))
    database.dispose()
    _, aside = _counts(sql("t", f"sqlite:///{tmp_path / 'a.db'}").dataset())
    assert "'NA' is not of type int64" in aside.first[0].reason
    with pytest.warns(RowsSetAsideWarning) as caught:
        warn_of_rows(aside, 1)
    assert "name it in" not in str(caught[0].message)
