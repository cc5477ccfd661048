from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace import transform as tft
from headrace.errors import RequestError
from headrace.transform.column_parts import split_by_column
from headrace.transform.distinct import run_split

if TYPE_CHECKING:
    from headrace.transform.batch_transform import BatchTransform

WORDS = ["", "a", "b", "Ünï", "\U0001d518", "long " * 50, "a b", "?"]


def preprocessing_fn(inputs: Any) -> dict[str, Any]:
    filled = tft.fill_missing(inputs["maybe"], "none")
    words = tft.compute_and_apply_vocabulary(inputs["word"], num_oov_buckets=3, top_k=2)
    return {
        "word": words,
        "one_hot": tft.one_hot(words, 5),
        "maybe": tft.hash_strings(filled, 7),
        "absent": tft.is_missing(inputs["maybe"]),
        "cross": tft.cross([inputs["word"], filled], num_buckets=11),
        "same": inputs["word"] == "a",
        "times": tft.scale_to_z_score(inputs["number"]) * words.astype("float64"),
        "number": tft.scale_to_0_1(inputs["number"]),
    }


def table(rows: int, seed: int = 0, words: list[str] | None = None) -> pa.Table:
    chance = np.random.default_rng(seed)
    some = np.array(words or WORDS, object)
    return pa.table(
        {
            "word": some[chance.integers(0, len(some), rows)],
            "maybe": pa.array(some[chance.integers(0, len(some), rows)], mask=chance.random(rows) < 0.3),
            "number": chance.normal(size=rows),
        }
    )


@pytest.fixture(scope="module")
def transform() -> BatchTransform:
    return tft.analyze(table(2000), preprocessing_fn).batch_transform()


def whole(transform: BatchTransform, batch: pa.RecordBatch) -> list[Any]:
    """Run every row through the graph as it is: short batches are not looked at for equal texts."""
    parts = [transform.run(batch.slice(at, 256)) for at in range(0, batch.num_rows, 256)]
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)]


def same_bits(ours: list[Any], theirs: list[Any]) -> bool:
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(ours, theirs, strict=True))


def test_text_columns_are_cut_off(transform: BatchTransform) -> None:
    split = split_by_column(transform.model, transform.inputs)
    parts = {part.column: set(part.outputs) for part in split.parts}
    assert {"one_hot", "same"} <= parts["word"]
    assert "absent" in parts["maybe"]
    # A cross reads two columns, a product a number too: they stay in the rest.
    assert {"cross", "times"} <= set(split.outputs)


@given(seed=st.integers(0, 2**32), rows=st.integers(1024, 2500))
@settings(deadline=None, max_examples=10)
def test_the_same_bits_as_the_whole_graph(transform: BatchTransform, seed: int, rows: int) -> None:
    batch = table(rows, seed).to_batches()[0]
    assert same_bits(transform.run(batch), whole(transform, batch))


def test_dictionaries_and_their_nulls(transform: BatchTransform) -> None:
    batch = table(2000, 3).to_batches()[0]
    plain = transform.run(batch)
    columns = [column.dictionary_encode() if pa.types.is_string(column.type) else column for column in batch.columns]
    assert same_bits(transform.run(pa.record_batch(columns, names=batch.schema.names)), plain)
    # A null may be a value of the dictionary as well as a missing index.
    kinds = batch.column("maybe").dictionary_encode()
    inside = pa.DictionaryArray.from_arrays(
        kinds.indices.fill_null(len(kinds.dictionary)), pa.concat_arrays([kinds.dictionary, pa.nulls(1, pa.string())])
    )
    columns[1] = inside
    assert same_bits(transform.run(pa.record_batch(columns, names=batch.schema.names)), plain)


def test_columns_of_different_texts_go_as_they_are(transform: BatchTransform) -> None:
    batch = table(1000, 1).to_batches()[0]
    unique = pa.array([f"id {number}" for number in range(1000)])
    mixed = batch.set_column(0, "word", unique)
    assert same_bits(transform.run(mixed), whole(transform, mixed))
    both = mixed.set_column(1, "maybe", unique)
    assert same_bits(transform.run(both), whole(transform, both))


def test_only_what_is_wanted_is_computed(transform: BatchTransform) -> None:
    batch = table(1000, 2).to_batches()[0]
    split = split_by_column(transform.model, transform.inputs)
    (name,) = [name for name in transform.outputs if name == "same"]
    found = run_split(split, transform.model, transform.inputs, batch, [name])
    assert set(found) == {"same"}


def test_an_absent_column_that_may_be_missing(transform: BatchTransform) -> None:
    batch = table(1000, 2).to_batches()[0].drop_columns(["maybe"])
    found = dict(zip(transform.outputs, transform.run(batch), strict=True))
    assert found["absent"].all()


def test_nulls_where_none_may_be(transform: BatchTransform) -> None:
    batch = table(1000, 2).to_batches()[0]
    holes = pa.array([None if row == 7 else "a" for row in range(1000)])
    with pytest.raises(RequestError, match=r"'word' may not be missing.*first in row 7"):
        transform.run(batch.set_column(0, "word", holes))


def test_texts_of_another_type(transform: BatchTransform) -> None:
    batch = table(1000, 2).to_batches()[0]
    with pytest.raises(RequestError, match="'word' must be of type string"):
        transform.run(batch.set_column(0, "word", pa.array([1] * 1000)))


@pytest.mark.parametrize("workers", [1, 2])
def test_vocabularies_are_counted_by_distinct_value(workers: int) -> None:
    from collections import Counter

    from headrace.engines import LocalEngine

    data = table(3000, 9)

    def vocabulary_fn(inputs: Any) -> dict[str, Any]:
        filled = tft.fill_missing(inputs["maybe"], "none")
        return {
            "word": tft.compute_and_apply_vocabulary(inputs["word"]),
            "maybe": tft.compute_and_apply_vocabulary(filled),
            "both": tft.compute_and_apply_vocabulary(tft.cross([inputs["word"], filled], num_buckets=5)),
        }

    graph = tft.analyze(data, vocabulary_fn, engine=LocalEngine(workers=workers))
    found = dict(graph.vocabularies())
    words = Counter(data["word"].to_pylist())
    assert list(found["word"]) == sorted(words, key=lambda word: (words[word], word), reverse=True)
    filled = Counter("none" if word is None else word for word in data["maybe"].to_pylist())
    assert list(found["maybe"]) == sorted(filled, key=lambda word: (filled[word], word), reverse=True)
