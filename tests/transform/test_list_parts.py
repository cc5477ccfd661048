"""Texts of lists are worked on once for each distinct one, and nobody can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from headrace import transform as tft
from headrace.data import dataset_from_table
from headrace.errors import RequestError
from headrace.transform.column_parts import split_by_column
from headrace.transform.distinct import token_runs
from headrace.transform.list_parts import ListPart, ListRun

if TYPE_CHECKING:
    from collections.abc import Iterator

# More than two chunks, so that the first has short lists only.
ROWS = 18_000


def lists(layout: str = "plain", *, rows: int = ROWS, nulls: bool = True) -> pa.Array:
    rng = np.random.default_rng(7)
    words = np.array(["red", "blue", "green", "é🎈", "", "a b"], object)
    made: list[Any] = [words[rng.integers(0, 6, size)].tolist() for size in rng.integers(0, 5, rows)]
    if nulls:
        made[3], made[10], made[50] = None, [None], ["red", None, "blue"]
    array = pa.array(made, pa.list_(pa.string()))
    if layout == "dictionary":
        return array.cast(pa.list_(pa.dictionary(pa.int32(), pa.string())))
    return array.cast(pa.large_list(pa.large_string())) if layout == "large" else array


def numbers(tags: pa.Array, *, longer: bool = False) -> pa.Array:
    return pa.array([None if one is None else [float(n) for n in range(len(one) + longer)] for one in tags.to_pylist()])


def function(inputs: Any) -> dict[str, Any]:
    tags = inputs["tags"]
    ids = tft.compute_and_apply_vocabulary(tags, num_oov_buckets=1, top_k=4)
    found, weights = tft.tfidf(ids)
    return {
        "ids": tft.pad_lists(ids, 4, -1),
        "hot": tft.multi_hot(ids, weights=inputs["weights"]),
        "tfidf": tft.multi_hot(found, weights=weights),
        "known": tft.list_length(tft.isin(tags, ["red", ""])),
        "none": tft.is_missing_list(tags),
        "total": tft.list_sum(inputs["weights"]),
        "other": tft.compute_and_apply_vocabulary(inputs["word"]),
    }


def table(layout: str = "plain", *, longer: bool = False) -> pa.Table:
    tags = lists(layout)
    return pa.table({"tags": tags, "weights": numbers(tags, longer=longer), "word": ["x", "y", "z"] * (ROWS // 3)})


def parts(graph: tft.TransformGraph) -> Iterator[ListPart]:
    transform = graph.batch_transform()
    return (one for one in split_by_column(transform.model, transform.inputs).tokens if isinstance(one, ListPart))


@pytest.mark.parametrize("layout", ["plain", "large", "dictionary"])
@pytest.mark.parametrize("longer", [True, False])
def test_large_batches_are_as_small_ones(layout: str, *, longer: bool) -> None:
    rows = table(layout, longer=longer)
    graph = tft.analyze(dataset_from_table(rows, ROWS), function)
    few = tft.analyze(dataset_from_table(rows, 1000), function)
    assert [one.value for one in graph.analyzers] == [one.value for one in few.analyzers]
    (part,) = parts(graph)
    (batch,) = rows.to_batches()
    assert all(isinstance(run, ListRun) for run in token_runs([part], batch))
    assert token_runs([part], batch)
    assert not token_runs([part], batch.slice(0, 500))
    together = graph.transform_batch(batch)
    apart = pa.Table.from_batches([graph.transform_batch(batch.slice(at, 1000)) for at in range(0, ROWS, 1000)])
    assert pa.Table.from_batches([together]).equals(apart.combine_chunks())
    assert graph.verify(rows, max_rows=60).ok


def test_counts_of_items_need_no_rows() -> None:
    tags = lists()
    every = [item for one in tags.to_pylist() for item in one or () if item is not None]

    def words(inputs: Any) -> dict[str, Any]:
        # Both the plain words, and words that are made of them.
        length = tft.list_length(inputs["tags"])
        return {
            "plain": length + tft.size(inputs["tags"]),
            "hot": tft.multi_hot(tft.compute_and_apply_vocabulary(inputs["tags"])),
            "made": tft.multi_hot(tft.compute_and_apply_vocabulary(tft.upper(inputs["tags"]))),
        }

    graph = tft.analyze(dataset_from_table(pa.table({"tags": tags}), ROWS), words)
    found = {one.name: one.value for one in graph.analyzers}
    assert dict(found["vocabulary"]) == {word.upper(): every.count(word) for word in set(every)}
    first = next(one.value for one in graph.analyzers if one.name == "vocabulary")
    assert dict(first) == {word: every.count(word) for word in set(every)}


def test_what_is_wrong_is_told_as_of_small_batches() -> None:
    rows = pa.table({"tags": lists(nulls=False)})
    graph = tft.analyze(rows, lambda i: {"ids": tft.pad_lists(tft.apply_vocabulary(i["tags"], ["red", "blue"]), 2, -1)})
    assert len(list(parts(graph))) == 1
    for column, message in (
        (lists(), "may not be missing"),
        (pa.array([[1]] * ROWS), "must be of type list of string; got list<item: int64>"),
        (pa.array(["red"] * ROWS), "must be of type list of string; got string"),
    ):
        for size in (ROWS, 100):
            with pytest.raises(RequestError, match=message):
                graph.transform_batch(pa.record_batch({"tags": column[:size]}))
    empty = pa.record_batch({"tags": pa.array([[]] * ROWS, pa.list_(pa.null()))})
    assert graph.transform_batch(empty)["ids"].to_pylist() == [[-1, -1]] * ROWS
    optional = tft.analyze(rows, lambda i: {"n": tft.multi_hot(tft.hash_strings(i["tags"], 3))}, optional=["tags"])
    nothing = pa.record_batch({"tags": pa.nulls(ROWS)})
    assert optional.transform_batch(nothing)["n"].to_pylist() == [[0.0] * 3] * ROWS
