from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace import transform as tft
from headrace.errors import RequestError
from headrace.model.feeds import feeds_from_batch
from headrace.model.session import open_session
from headrace.transform.column_parts import split_by_column
from headrace.transform.distinct import run_split
from headrace.transform.tokens import split_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

# Both kinds of separator, what Unicode takes for blanks and ASCII does not, and more than 16 bits.
TEXTS = st.lists(st.none() | st.text(st.sampled_from("ab ,\t\n\v\f\r\x1f\u00a0\u2003é\U0001d518")), max_size=30)


def words_of(column: pa.Array, separator: bytes | None) -> list[list[str]]:
    tokens = split_texts(column, separator)
    assert tokens.words[-1].as_py() == ""
    assert len(set(tokens.words.to_pylist())) == len(tokens.words)
    words = [tokens.words[int(code)].as_py() for code in tokens.codes]
    return [words[start:stop] for start, stop in zip(tokens.starts, tokens.starts[1:], strict=False)]


@given(texts=TEXTS, cut=st.integers(0, 3))
@settings(deadline=None)
def test_at_a_separator_as_python_splits(texts: list[str | None], cut: int) -> None:
    column = pa.array(texts, pa.string())[cut:]
    assert words_of(column, b",") == [text.split(",") if text else [] for text in texts[cut:]]


@given(texts=TEXTS)
@settings(deadline=None)
def test_at_white_space_no_word_is_empty(texts: list[str | None]) -> None:
    expected = [re.findall(r"[^\t\n\v\f\r ]+", text or "") for text in texts]
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        assert words_of(pa.array(texts, kind), None) == expected
    if texts:
        assert words_of(pa.array(texts, pa.string()).dictionary_encode(), None) == expected


def preprocessing_fn(inputs: Any) -> dict[str, Any]:
    plain, lowered = tft.split(inputs["text"]), tft.split(tft.lower(inputs["text"]), ",")
    # Words next to each other are not by themselves.
    spaced = tft.split(inputs["text"], " ")
    ids, weights = tft.tfidf(tft.compute_and_apply_vocabulary(lowered, num_oov_buckets=3, top_k=4))
    return {
        "ids": tft.pad_lists(ids, 5, -1),
        "weights": tft.pad_lists(weights, 5, 0.0),
        "length": tft.list_length(lowered),
        "words": tft.word_count(plain),
        "hashed": tft.pad_lists(tft.hash_strings(plain, 11), 3, -1),
        "is_a": tft.pad_lists(plain == "a", 2, False),
        "pairs": tft.multi_hot(tft.hash_strings(tft.ngrams(spaced, (1, 2)), 7), counts=True),
        "number": tft.scale_to_z_score(inputs["number"]),
    }


def table(texts: Sequence[str | None]) -> pa.Table:
    return pa.table({"text": pa.array(texts, pa.string()), "number": np.arange(len(texts), dtype=np.float64)})


@pytest.fixture(scope="module")
def transform() -> Any:
    texts = [None, "", "a b,A", "b b b", "a, ,é", "\U0001d518 a\tb", ",", " "] * 3
    return tft.analyze(table(texts), preprocessing_fn).batch_transform()


def test_texts_are_cut_off_where_each_word_is_by_itself(transform: Any) -> None:
    split = split_by_column(transform.model, transform.inputs)
    assert {part.separator for part in split.tokens} == {b",", None}
    # What is lowered is no longer the column's own text.
    assert {part.separator: part.texts is None for part in split.tokens} == {b",": False, None: True}


@given(texts=st.lists(st.none() | st.text(st.sampled_from("ab A,\t\u00a0é\U0001d518")), min_size=1, max_size=40))
@settings(deadline=None, max_examples=60)
def test_the_bits_of_the_whole_graph(transform: Any, texts: list[str | None]) -> None:
    batch = table(texts).to_batches()[0]
    session = open_session(transform.model)
    whole = session.run(list(transform.outputs), feeds_from_batch(batch, transform.inputs))
    split = split_by_column(transform.model, transform.inputs)
    found = run_split(split, transform.model, transform.inputs, batch, transform.outputs, always=True)
    for name, theirs in zip(transform.outputs, whole, strict=True):
        assert found[name].dtype == theirs.dtype
        assert found[name].tobytes() == theirs.tobytes(), name


def test_rows_keep_their_places_over_chunks(transform: Any) -> None:
    chance = np.random.default_rng(5)
    texts = [" ".join(chance.choice(["a", "b", "é", "x,y"], count)) for count in chance.integers(0, 30, 20_000)]
    batch = table(texts).combine_chunks().to_batches()[0]
    together = transform.run(batch)
    apart = [transform.run(batch.slice(start, 500)) for start in range(0, 20_000, 500)]
    for number, values in enumerate(together):
        assert values.tobytes() == np.concatenate([part[number] for part in apart]).tobytes()


def test_vocabularies_do_not_depend_on_the_way() -> None:
    chance = np.random.default_rng(6)
    texts = [" ".join(chance.choice(["a", "b", "é", "x,y", ""], count)) for count in chance.integers(0, 9, 3000)]

    def function(inputs: Any) -> dict[str, Any]:
        one = tft.tfidf(tft.compute_and_apply_vocabulary(tft.split(inputs["text"]), num_oov_buckets=1, top_k=2))
        two = tft.compute_and_apply_vocabulary(tft.split(inputs["text"], " "), frequency_threshold=2)
        return {"one": tft.pad_lists(one[1], 3, 0.0), "two": tft.pad_lists(two, 3, -1)}

    at_once = tft.analyze(table(texts), function)
    # Batches this small are not looked at for equal words.
    shards = pa.concat_tables([table(texts).slice(start, 100) for start in range(0, 3000, 100)])
    assert [result.value for result in at_once.analyzers] == [
        result.value for result in tft.analyze(shards, function).analyzers
    ]
    counts = dict(at_once.analyzers[-1].value)
    assert counts[""] == sum(text.split(" ").count("") for text in texts if text)
    assert counts["é"] == sum(text.split(" ").count("é") for text in texts)


def test_a_null_that_may_not_be_is_an_error(transform: Any) -> None:
    graph = tft.analyze({"text": ["a b"]}, lambda inputs: {"y": tft.word_count(tft.split(inputs["text"]))})
    with pytest.raises(RequestError, match="may not be missing"):
        graph.transform_batch(pa.record_batch({"text": pa.array(["a"] * 600 + [None])}))
    with pytest.raises(RequestError, match="must be of type string"):
        graph.transform_batch(pa.record_batch({"text": pa.array(range(600))}))
