"""Tests of words that are kept on disk."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from headrace.data import kept_batches
from headrace.transform.tokens import split_texts
from headrace.transform.word_store import StoredWords, TemporaryWords

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.transform.word_store import WordStore

TEXTS = [pa.array(["a b a", None, "", "c"]), pa.array(["b  b"]), pa.array([], pa.string())]
LISTS = [[["a", "b", "a"], None, [], ["c"]], [["b", "", "b"]], []]
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


def in_plain_words(column: pa.Array) -> list[object]:
    return [None if row is None else [item["word"] for item in row] for row in column.to_pylist()]


def read(store: WordStore) -> list[object] | None:
    found = store.read(NAME)
    return None if found is None else [in_plain_words(column) for column in found]


@pytest.fixture(params=["stored", "temporary"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> WordStore:
    return StoredWords(tmp_path / "words") if request.param == "stored" else TemporaryWords()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_column_comes_back_as_it_was(store: WordStore) -> None:
    assert read(store) is None
    write(store)
    assert read(store) == LISTS
    assert read(store) == LISTS


def test_what_is_not_whole_is_not_there(store: WordStore, tmp_path: Path) -> None:
    write(store, whole=False)
    assert read(store) is None
    assert files(tmp_path) == []


def test_no_more_is_written_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_batches, "DISK_BYTES", columns()[0].nbytes)
    store = TemporaryWords()
    write(store)
    assert read(store) is None


def test_stored_words_are_there_for_another_process(tmp_path: Path) -> None:
    store = StoredWords(tmp_path)
    write(store)
    assert read(pickle.loads(pickle.dumps(store))) == LISTS


def test_temporary_words_are_not() -> None:
    store = TemporaryWords()
    write(store)
    other = pickle.loads(pickle.dumps(store))
    write(other)
    assert read(other) is None


def test_a_store_for_reading_is_not_written_to(tmp_path: Path) -> None:
    write(StoredWords(tmp_path).for_reading())
    assert files(tmp_path) == []
    write(StoredWords(tmp_path))
    assert read(StoredWords(tmp_path).for_reading()) == LISTS


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = StoredWords(tmp_path / "file")
    write(store)
    assert read(store) is None


def test_a_damaged_file_is_not_there(tmp_path: Path) -> None:
    store = StoredWords(tmp_path)
    write(store)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    for size in (0, 5, *range(20, len(whole), 37), len(whole) - 1):
        path.write_bytes(whole[:size])
        assert read(store) is None
    path.write_bytes(b"what is this")
    assert read(store) is None
    path.write_bytes(whole)
    assert read(store) == LISTS
