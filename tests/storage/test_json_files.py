from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors import DataError, ModelError
from headrace.storage import file_in, from_json, read_json, to_json, to_plain, write_json

if TYPE_CHECKING:
    from pathlib import Path

RULE = "A fruit bowl is a JSON file"


class Bowl(msgspec.Struct, frozen=True):
    name: str
    weights: tuple[float, ...] = ()


@settings(deadline=None)
@given(st.text(), st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_what_was_written_is_read(name: str, weights: list[float]) -> None:
    bowl = Bowl(name, tuple(weights))
    assert from_json(Bowl, to_json(bowl), rule=RULE) == bowl
    assert json.loads(to_json(bowl)) == to_plain(bowl) == {"name": name, "weights": weights}


def test_files_are_indented_and_end_with_a_line(tmp_path: Path) -> None:
    file = file_in(tmp_path, "bowl.json")
    write_json(file, Bowl("blue", (1.5,)))
    assert file.read_text() == '{\n "name": "blue",\n "weights": [\n  1.5\n ]\n}\n'
    assert file_in(file, "bowl.json") == file
    assert read_json(Bowl, file, rule=RULE) == Bowl("blue", (1.5,))


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"A fruit bowl.*No such file.*bowl\.json.*Buy one") as caught:
        read_json(Bowl, tmp_path / "bowl.json", rule=RULE, error=ModelError, fix="Buy one")
    assert isinstance(caught.value.__cause__, FileNotFoundError)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"name": 3}', b'{"name": "\xff"}', b"[" * 100_000])
def test_a_broken_file_is_named(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "bowl.json"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"A fruit bowl.*bowl\.json"):
        read_json(Bowl, file, rule=RULE)
