"""Tests of words that are kept on disk."""

from __future__ import annotations

import gc
import pickle
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from headrace.transform.tokens import split_texts
from headrace.transform.word_store import WordStore

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = [pa.array(["a b a", None, "", "c"]), pa.array(["b  b"]), pa.array([], pa.string())]
NAME = "0123abcd"


def columns() -> list[pa.Array]:
    return [split_texts(texts, b" ").array(texts) for texts in TEXTS]


def write(store: WordStore, *, whole: bool = True) -> None:
    writer = store.writer(NAME)
    for column in columns():
        writer.write(column)
    if whole:
        writer.close()
    writer.give_up()


@pytest.mark.parametrize("compression", [None, "lz4"])
def test_a_column_comes_back_as_it_was(tmp_path: Path, compression: str | None) -> None:
    store = WordStore(tmp_path / "words", compression=compression)
    assert store.read(NAME) is None
    write(store)
    found = store.read(NAME)
    assert found is not None
    lists = [column.to_pylist() for column in found]
    assert lists == [[["a", "b", "a"], None, [], ["c"]], [["b", "", "b"]], []]
    other = pickle.loads(pickle.dumps(store)).read(NAME)
    assert other is not None
    assert [column.to_pylist() for column in other] == lists


def test_what_is_not_whole_is_not_there(tmp_path: Path) -> None:
    store = WordStore(tmp_path)
    write(store, whole=False)
    assert store.read(NAME) is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_no_more_is_written_than_may_be(tmp_path: Path) -> None:
    store = WordStore(tmp_path, most=columns()[0].nbytes)
    write(store)
    assert store.read(NAME) is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = WordStore(tmp_path / "file")
    write(store)
    assert store.read(NAME) is None


def test_a_damaged_file_is_not_there(tmp_path: Path) -> None:
    store = WordStore(tmp_path)
    write(store)
    (path,) = tmp_path.rglob("*.words")
    path.write_bytes(b"what is this")
    assert store.read(NAME) is None


def test_temporary_files_go_with_their_store() -> None:
    store = WordStore.temporary()
    write(store)
    assert store.read(NAME) is not None
    folder = store.directory
    assert folder.exists()
    del store
    gc.collect()
    assert not folder.exists()
