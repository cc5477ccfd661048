from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from headrace.data import csv
from headrace.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "The file is empty"),
        ("\n\n", {}, "The file is empty"),
        ("", {"names": ["a"]}, "The file is empty"),
        ("a;b;c\n1;2;3\n", {}, r"The header has 1 column; the separator is ',';.*Did you mean separator=';'\?"),
        ("a\tb\n1\t2\n", {}, r"Did you mean separator='\\t'\?"),
        (
            "1;2;3\n4;5;6\n",
            {"names": ["a", "b", "c"]},
            r"No row can be read: names has 3 columns.*'1;2;3'.*separator=';'",
        ),
        ("1,2,3\n4,5,6\n", {"names": ["a", "b"]}, r"3 columns instead of 2 in every row.*Check names: 2 are given"),
        ("a,b,a\n1,2,3\n", {}, r"names of a header are distinct; got 'a' more than once .*bad\.csv"),
        ("a,,c\n1,2,3\n", {}, "an empty name for column 2"),
        ("a,b\n1,2\n", {"names": ["a", "b"]}, "the first line repeats them"),
        ("a,b\n1,2\n", {"types": {"agee": "int"}}, "types name a column"),
        (b"caf\xe9,b\n1,2\n", {}, "The header is not UTF-8"),
    ],
)
def test_files_that_are_wrong_as_a_whole(
    tmp_path: Path, text: str | bytes, options: dict[str, Any], message: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=message) as caught:
        csv(path, **options).dataset()
    assert "bad.csv" in str(caught.value)


def test_names_are_stripped_and_may_be_quoted(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('a, "b",  c d ,"e, f"\n1,2,3,4\n')
    assert csv(path).dataset().columns == ["a", '"b"', "c d", "e, f"]


def test_one_column_may_hold_other_separators(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a;b\n1;2;3\n4\n")
    assert csv(path).dataset().to_table().to_pydict() == {"a;b": ["1;2;3", "4"]}
