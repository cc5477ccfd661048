"""Tests of shards whose texts are words already."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace import transform as tft
from headrace.data import parquet
from headrace.errors import DataError, RequestError
from headrace.transform import tokens, word_shards
from headrace.transform.column_parts import split_by_column
from headrace.transform.shard_identity import identity
from headrace.transform.tokens import WORDS
from headrace.transform.word_shards import Words, WordShard, in_words, stamped, word_columns
from headrace.transform.word_store import StoredWords, TemporaryWords

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from headrace.transform.column_parts import Split

ROWS = 20_000


@dataclass(frozen=True)
class Batches:
    """A shard that is cut in another way each time it is read."""

    table: pa.Table
    sizes: tuple[int, ...]

    @property
    def num_rows(self) -> int | None:
        return None

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        table = self.table if columns is None else self.table.select(columns)
        size = self.sizes[0] if columns is None or "text" in columns else self.sizes[1]
        yield from table.to_batches(size)


@dataclass(frozen=True)
class Keyed:
    path: str
    key: str
    num_rows: int | None = None

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        raise NotImplementedError


def texts(rows: int, *, missing: bool = False, seed: int = 0) -> pa.Array:
    rng = np.random.default_rng(seed)
    words = np.array([f"word{number}" for number in range(300)])
    made: list[str | None] = [" ".join(words[rng.integers(0, 300, rng.integers(0, 8))]) for _ in range(rows)]
    if missing:
        made[::7] = [None] * len(made[::7])
    return pa.array(made, pa.string())


def preprocessing_fn(inputs: Mapping[str, Any]) -> dict[str, Any]:
    ids = tft.compute_and_apply_vocabulary(tft.split(inputs["text"], " "), top_k=100, num_oov_buckets=3)
    words, weights = tft.tfidf(ids)
    return {
        "words": tft.pad_lists(words, 4, -1),
        "weights": tft.pad_lists(weights, 4, 0.0),
        "number": tft.fill_missing(tft.scale_to_z_score(inputs["number"]), 0.0),
    }


def written(path: Path, *, missing: bool = False, rows: int = ROWS, seed: int = 0) -> Path:
    number = np.random.default_rng(1).normal(size=rows)
    words = texts(rows, missing=missing, seed=seed)
    pq.write_table(pa.table({"text": words, "number": number}), path, row_group_size=10_000)
    return path


def split_of(graph: tft.TransformGraph) -> Split:
    transform = graph.batch_transform()
    return split_by_column(transform.model, transform.inputs)


@given(sizes=st.tuples(st.integers(1, 60), st.integers(1, 60)), missing=st.booleans(), counted=st.booleans())
def test_reading_again_gives_the_same_rows(sizes: tuple[int, int], missing: bool, counted: bool) -> None:
    table = pa.table({"n": np.arange(90), "text": texts(90, missing=missing)})
    expected = [None if text is None else [*text.split()] for text in table["text"].to_pylist()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_shards, "words_pay", lambda *_: True)
        store = TemporaryWords()
        shard = WordShard(Batches(table, sizes), (("text", None),), counted, b"key", store)
        for columns in (None, ["text", "n"], ["n"], ["text"], ["n", "text"], None):
            found = pa.Table.from_batches(shard.read(columns))
            assert found.column_names == (columns or ["n", "text"])
            if "n" in found.column_names:
                assert found["n"].to_pylist() == list(range(90))
            if "text" in found.column_names:
                for column in found["text"].chunks:
                    check_counts(column, counted=counted)
                lists = found["text"].to_pylist()
                assert [None if row is None else [item["word"] for item in row] for row in lists] == expected


def check_counts(column: pa.Array, *, counted: bool) -> None:
    found = tokens.Tokens.of_array(column)
    whole = column.offsets[0].as_py() == 0 and column.offsets[-1].as_py() == len(column.values)
    assert (found.having is not None) == (counted and whole)
    if found.having is not None:
        rows = [{item["word"] for item in row or ()} for row in column.to_pylist()]
        words = found.words.to_pylist()
        assert found.having.tolist() == [sum(word in row for row in rows) for word in words]


def test_words_that_were_counted_do_for_who_needs_no_counts() -> None:
    store = TemporaryWords()
    table = pa.table({"n": np.arange(ROWS), "text": texts(ROWS)})

    def counts(*, counted: bool) -> bool:
        shard = WordShard(Batches(table, (9_000, 9_000)), (("text", b" "),), counted, b"key", store)
        return all(tokens.Tokens.of_array(batch.column(0)).having is not None for batch in shard.read(["text"]))

    assert [counts(counted=counted) for counted in (False, False, True, True, False)] == [
        False,
        False,
        True,
        True,
        True,
    ]


@pytest.mark.parametrize("missing", [False, True])
def test_a_transform_is_the_same_with_and_without_kept_words(
    tmp_path: Path, missing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = parquet(written(tmp_path / "x.parquet", missing=missing))
    graph = tft.analyze(source, preprocessing_fn)
    assert graph.words is not None
    shards = in_words(source.dataset(), split_of(graph), graph.words).shards
    assert all(WORDS in batch.schema.types for shard in shards for batch in shard.read(["text"]))
    found = graph.transform(source).to_table()
    monkeypatch.setattr(tokens, "LEAST_TEXTS", 1 << 40)
    plain = tft.analyze(source, preprocessing_fn)
    assert [one.value for one in plain.analyzers] == [one.value for one in graph.analyzers]
    plain.words = None
    assert plain.transform(source).to_table().equals(found)


def test_a_cache_keeps_the_words_of_every_day(tmp_path: Path) -> None:
    days = [written(tmp_path / f"{day}.parquet", seed=day) for day in range(3)]
    for count in (1, 2, 3):
        cached = tft.analyze(parquet(days[:count]), preprocessing_fn, cache=tmp_path / "cache")
        assert [one.value for one in cached.analyzers] == [
            one.value if not isinstance(one.value, float) else pytest.approx(one.value, rel=1e-12)
            for one in tft.analyze(parquet(days[:count]), preprocessing_fn).analyzers
        ]
    kept = list((tmp_path / "cache" / "words").rglob("*.words"))
    assert len(kept) == sum(len(parquet(day).dataset().shards) for day in days)
    whole = cached.transform(parquet(days[0])).to_table()
    other = written(tmp_path / "other.parquet", rows=ROWS + 1)
    cached.transform(parquet(other))
    assert list((tmp_path / "cache" / "words").rglob("*.words")) == kept
    cached.words = None
    assert cached.transform(parquet(days[0])).to_table().equals(whole)


def test_shards_that_differ_in_a_field_of_their_own_are_different(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("there is a file")
    assert stamped(Keyed(str(path), "a")) != stamped(Keyed(str(path), "b"))
    assert identity(Keyed(str(path), "a")) != identity(Keyed(str(path), "b"))
    one, two = (
        WordShard(Keyed(str(path), "a"), (("text", None),), False, key, TemporaryWords()) for key in (b"one", b"two")
    )
    assert identity(one) == identity(two)


def test_texts_of_a_changed_file_are_split_anew(tmp_path: Path) -> None:
    path = written(tmp_path / "x.parquet")
    graph = tft.analyze(parquet(path), preprocessing_fn)
    pq.write_table(pa.table({"text": texts(ROWS, seed=5), "number": np.zeros(ROWS)}), path, row_group_size=10_000)
    os.utime(path, ns=(1, 1))
    found = graph.transform(parquet(path)).to_table()
    graph.words = None
    assert graph.transform(parquet(path)).to_table().equals(found)


def test_rows_that_do_not_belong_together_are_an_error() -> None:
    store = TemporaryWords()
    table = pa.table({"n": np.arange(ROWS), "text": texts(ROWS)})
    [*WordShard(Batches(table, (9_000, 9_000)), (("text", b" "),), False, b"key", store).read()]
    shorter = WordShard(Batches(table.slice(5), (9_000, 9_000)), (("text", b" "),), False, b"key", store)
    with pytest.raises(DataError, match="has changed"):
        [*shorter.read(["n", "text"])]


def test_texts_that_do_not_repeat_stay_as_they_are(tmp_path: Path) -> None:
    store = StoredWords(tmp_path)
    table = pa.table({"text": [f"a{number} b{number}" for number in range(ROWS)]})
    shard = WordShard(Batches(table, (9_000, 9_000)), (("text", b" "),), False, b"key", store)
    assert pa.Table.from_batches(shard.read()).equals(table)
    assert not [*tmp_path.rglob("*.words")]


def test_texts_that_are_needed_for_more_than_their_words_stay(tmp_path: Path) -> None:
    def function(inputs: Mapping[str, Any]) -> dict[str, Any]:
        words = tft.split(inputs["text"], " ")
        return {"ids": tft.pad_lists(tft.hash_strings(words, 10), 3, 0), "length": tft.length(inputs["text"])}

    source = parquet(written(tmp_path / "x.parquet"))
    split = split_of(tft.analyze(source, function))
    assert word_columns(split) == {}
    dataset = source.dataset()
    assert in_words(dataset, split, Words(TemporaryWords())) is dataset


def test_a_missing_text_where_none_may_be_is_an_error(tmp_path: Path) -> None:
    graph = tft.analyze(parquet(written(tmp_path / "x.parquet")), preprocessing_fn)
    column = tokens.split_texts(texts(2_000, missing=True), b" ").array(texts(2_000, missing=True))
    assert column.type == WORDS
    batch = pa.record_batch({"text": column, "number": pa.array(np.zeros(2_000))})
    with pytest.raises(RequestError, match="text"):
        graph.transform_batch(batch)
