"""Columns of lists, as Parquet, JSON lines and TFRecord files have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import headrace as hr
from headrace import transform as tft
from headrace.data import dataset_from_table, write_tfrecord
from headrace.errors import RequestError, TransformError
from headrace.estimators import BoostedTreesClassifier
from headrace.model import load_model
from headrace.serving import verify
from headrace.training import train
from headrace.transform.columns import raw_columns

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., dict[str, list[Any]]]

VOCABULARY = ["a", "b", "é"]
SCHEMA = pa.schema(
    [("words", pa.list_(pa.string())), ("numbers", pa.list_(pa.float64())), ("ids", pa.list_(pa.int64()))]
)
WORD = st.none() | st.sampled_from(["a", "b", "é", "🎈", "", "a b"])
NUMBER = st.none() | st.floats(-1e6, 1e6).map(lambda x: float(np.float32(x)))
ROW = st.fixed_dictionaries(
    {
        "words": st.none() | st.lists(WORD, max_size=5),
        "numbers": st.none() | st.lists(NUMBER, max_size=5),
        "ids": st.none() | st.lists(st.none() | st.integers(-2, 5), max_size=5),
    }
)


def there(items: list[Any] | None) -> list[Any]:
    return [item for item in items or () if item is not None]


def padded(items: list[Any] | None, size: int, value: Any) -> list[Any]:
    return [*(value if item is None else item for item in items or ()), *[value] * size][:size]


def mappers(inputs: Any) -> dict[str, Any]:
    words, numbers, ids = inputs["words"], inputs["numbers"], inputs["ids"]

    def code(texts: Any) -> Any:
        return tft.apply_vocabulary(texts, JOINED)

    found = tft.apply_vocabulary(words, VOCABULARY)
    return {
        "length": tft.list_length(words),
        "count": tft.word_count(words),
        "hot": tft.multi_hot(found),
        "counts": tft.multi_hot(ids, 6, counts=True),
        "cut": tft.pad_lists(ids, 3, -9),
        "once": tft.pad_lists(tft.deduplicate_per_row(ids), 3, -9),
        "joined": code(tft.join(words, "|")),
        "distinct": code(tft.join(tft.deduplicate_per_row(words), "|")),
        "upper": tft.apply_vocabulary(tft.pad_lists(tft.upper(words), 2, "-"), ["A", "B", "É", "🎈", "", "A B", "-"]),
        "sum": tft.list_sum(numbers),
        "mean": tft.fill_missing(tft.list_mean(numbers), -1.0),
        "max": tft.fill_missing(tft.list_max(numbers), -1.0),
        "min": tft.fill_missing(tft.list_min(numbers), -1.0),
        "top": tft.pad_lists(tft.list_top(numbers, 2), 2, -1.0),
        "twice": tft.pad_lists(numbers * 2.0, 3, 0.0),
        "known": tft.pad_lists(tft.isin(words, ["a", "é"]), 3, value=False),
        "none": tft.is_missing_list(words),
        "no_numbers": tft.is_missing_list(numbers),
        "segments": tft.pad_lists(tft.segment_indices(ids), 5, -9),
    }


JOINED = ["", "a", "a|b", "b|a", "é|é", "é", "a|a", "a b|a"]


def segments(items: list[int | None]) -> list[int | None]:
    found: list[int | None] = []
    for at, item in enumerate(items):
        before = found[-1] if at and items[at - 1] == item else None
        found.append(None if item is None else 0 if before is None else before + 1)
    return found


def wanted(row: dict[str, Any]) -> dict[str, Any]:
    words, numbers, ids = there(row["words"]), there(row["numbers"]), there(row["ids"])
    upper = ["A", "B", "É", "🎈", "", "A B", "-"]

    def code(texts: list[str]) -> int:
        return JOINED.index("|".join(texts)) if "|".join(texts) in JOINED else -1

    return {
        "length": len(words),
        "count": len(words),
        "hot": [float(word in words) for word in VOCABULARY],
        "counts": [float(ids.count(number)) for number in range(6)],
        "cut": padded(row["ids"], 3, -9),
        "once": padded(list(dict.fromkeys(ids)), 3, -9),
        "joined": code(words),
        "distinct": code(list(dict.fromkeys(words))),
        "upper": [upper.index(word.upper()) for word in padded(row["words"], 2, "-")],
        "sum": float(np.float32(sum(numbers))),
        "mean": float(np.float32(sum(numbers) / len(numbers))) if numbers else -1.0,
        "max": max(numbers, default=-1.0),
        "min": min(numbers, default=-1.0),
        "top": [*sorted(numbers, reverse=True), -1.0, -1.0][:2],
        "twice": [2 * item for item in padded(row["numbers"], 3, 0.0)],
        "known": [int(word in ("a", "é")) for word in padded(row["words"], 3, "")],
        "none": int(row["words"] is None),
        "no_numbers": int(row["numbers"] is None),
        "segments": padded(segments(row["ids"] or []), 5, -9),
    }


@pytest.fixture(scope="module")
def graph() -> tft.TransformGraph:
    rows = [{"words": ["a", None], "numbers": [1.0], "ids": None}, {"words": None, "numbers": None, "ids": [1]}]
    return tft.analyze(pa.Table.from_pylist(rows, SCHEMA), mappers)


@settings(deadline=None, max_examples=30)
@given(st.lists(ROW, min_size=1, max_size=6))
def test_mappers_do_what_python_does(graph: tft.TransformGraph, rows: list[dict[str, Any]]) -> None:
    table = pa.Table.from_pylist(rows, SCHEMA)
    found = graph.transform(dataset_from_table(table, 4)).to_table().to_pylist()
    assert found == [wanted(row) for row in rows]
    assert graph.verify(table).ok


def test_the_sign_of_nought_does_not_depend_on_the_lists_beside_it(graph: tft.TransformGraph) -> None:
    lists = [[-0.0], [0.0, -0.0], [-0.0, 0.0, -0.0], None, [-0.0, -0.0], [-1.0, 1.0, -0.0]]
    rows = [{"words": None, "numbers": numbers, "ids": None} for numbers in lists]
    assert all(one.identical for one in graph.verify(pa.Table.from_pylist(rows, SCHEMA)).comparisons)


def test_batches_without_rows_and_without_items(graph: tft.TransformGraph) -> None:
    assert graph.transform_batch(pa.RecordBatch.from_pylist([], SCHEMA)).num_rows == 0
    rows: list[dict[str, Any]] = [dict.fromkeys(SCHEMA.names), {name: [] for name in SCHEMA.names}]
    found = graph.transform_batch(pa.RecordBatch.from_pylist(rows, SCHEMA)).to_pylist()
    assert found == [wanted(row) for row in rows]


DATA = {
    "tags": [["red", "blue"], ["red", None], None, [], ["red", "blue", "green"]],
    "prices": [[1.0, 3.0], [], [None, 5.0], None, [7.0]],
}


def test_analyzers_see_the_items(run: Run) -> None:
    def function(inputs: Any) -> dict[str, Any]:
        tags, prices = inputs["tags"], inputs["prices"]
        one = tft.list_length(prices) * 0 + 1
        ids = tft.compute_and_apply_vocabulary(tags)
        found, weights = tft.tfidf(ids)
        return {
            "ids": tft.pad_lists(ids, 3, -1),
            "hot": tft.multi_hot(ids),
            "tfidf": tft.multi_hot(found, weights=weights),
            "mean": one * tft.mean(prices),
            "size": one * tft.size(prices),
            "z": tft.pad_lists(tft.scale_to_z_score(prices), 2, 0.0),
            "buckets": tft.pad_lists(tft.bucketize(prices, 2), 2, -1),
            "grams": tft.list_length(tft.ngrams(tags, (1, 2))),
            "bag": tft.multi_hot(tft.compute_and_apply_vocabulary(tft.bag_of_words(tags, (2, 2)))),
        }

    prices = np.array([1.0, 3.0, 5.0, 7.0])
    for rows in (1, 2, 5):
        found = run(function, rows, **DATA)
        assert found["ids"] == [[0, 1, -1], [0, -1, -1], [-1, -1, -1], [-1, -1, -1], [0, 1, 2]]
        assert found["hot"] == [[1, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0], [1, 1, 1]]
        assert found["mean"] == [4.0] * 5
        assert found["size"] == [4] * 5
        z = (prices - 4.0) / prices.std()
        np.testing.assert_allclose(found["z"], [[z[0], z[1]], [0, 0], [0, z[2]], [0, 0], [z[3], 0]], rtol=1e-6)
        assert found["buckets"] == [[0, 0], [-1, -1], [-1, 1], [-1, -1], [1, -1]]
        assert found["grams"] == [3, 1, 0, 0, 5]
        assert found["bag"] == [[1, 0], [0, 0], [0, 0], [0, 0], [1, 1]]
        # Of five documents red is in three, blue in two, green in one.
        idf = [np.log(6 / (1 + count)) + 1 for count in (3, 2, 1)]
        np.testing.assert_allclose(found["tfidf"][4], np.array(idf) / 3, rtol=1e-6)


def test_lists_of_two_columns_together(run: Run) -> None:
    data = {"ids": [[0, 1], [2], [], [1], None], "weights": [[0.5, 2.0], [], [1.0], [4.0, 3.0, 2.0], [7.0]]}

    def function(inputs: Any) -> dict[str, Any]:
        ids, weights = inputs["ids"], inputs["weights"]
        return {
            "hot": tft.multi_hot(ids, 3, weights=weights),
            "products": tft.list_sum(ids.astype(ndx.nfloat64) * weights),
            "words": tft.multi_hot(tft.compute_and_apply_vocabulary(ids, weights=weights, top_k=1)),
        }

    for rows in (1, 2, 5):
        found = run(function, rows, **data)
        # An item counts where both lists have one.
        assert found["hot"] == [[0.5, 2, 0], [0, 0, 0], [0, 0, 0], [0, 4, 0], [0, 0, 0]]
        assert found["products"] == [2.0, 0.0, 0.0, 4.0, 0.0]
        assert found["words"] == [[1], [0], [0], [1], [0]]
    graph = tft.analyze(data, function)
    assert graph.verify(data).ok


def test_lists_of_one_length_are_rows_of_numbers() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 3))
    table = pa.table({"v": pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), 3)})

    def function(inputs: Any) -> dict[str, Any]:
        v = inputs["v"]
        return {"v": v, "z": (v - tft.mean(v, False)) / tft.var(v, False) ** 0.5, "none": tft.is_missing_list(v)}

    graph = tft.analyze(table, function)
    assert [(one.name, one.shape) for one in graph.outputs] == [("v", (3,)), ("z", (3,)), ("none", ())]
    assert [item.name for item in graph.batch_transform().inputs] == ["v"]
    found = graph.transform(table).to_table().to_pydict()
    np.testing.assert_allclose(found["z"], (rows - rows.mean(0)) / rows.std(0), rtol=1e-5, atol=1e-6)
    assert graph.verify(table).ok
    parts = tft.analyze(table, lambda i: {"y": tft.apply_pca(i["v"], 2), "max": tft.list_max(i["v"])})
    assert parts.outputs[0].shape == (2,)
    np.testing.assert_array_equal(parts.transform(table).to_table()["max"], rows.max(1).astype(np.float32))
    with pytest.raises(RequestError, match="has 3 items"):
        graph.transform_batch(pa.record_batch({"v": [[1.0, 2.0]]}))


@pytest.mark.parametrize("optional", [None, ()])
def test_items_of_one_length_that_are_missing(optional: Any) -> None:
    table = pa.table({"v": pa.array([[1.0, None], [3.0, 4.0]], pa.list_(pa.float32(), 2))})
    graph = tft.analyze(table, lambda i: {"v": tft.pad_lists(i["v"], 2, -1.0)}, optional=optional)
    assert graph.transform(table).to_table()["v"].to_pylist() == [[1.0, -1.0], [3.0, 4.0]]
    assert graph.inputs[0].may_be_missing


def test_one_long_list_does_not_widen_all_rows() -> None:
    # As one matrix these would be 320 MB.
    lists = [[float(number)] for number in range(2000)]
    lists[1000] = [1.0] * 20_000
    table = pa.table({"x": lists})
    graph = tft.analyze(table, lambda i: {"n": tft.list_length(i["x"]), "sum": tft.list_sum(i["x"]) * tft.max(i["x"])})
    found = graph.transform(table).to_table().to_pydict()
    assert found["n"] == [len(one) for one in lists]
    assert found["sum"] == [float(np.float32(sum(one) * 1999)) for one in lists]


@pytest.mark.parametrize("form", ["parquet", "json", "tfrecord", "arrow"])
def test_files(tmp_path: Path, form: str) -> None:
    table = pa.table(DATA)
    if form == "parquet":
        pq.write_table(table, tmp_path / "x.parquet", row_group_size=2)
        source: Any = hr.parquet(tmp_path / "x.parquet")
    elif form == "json":
        import json

        (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
        source = hr.json_lines(tmp_path / "x.jsonl")
    elif form == "tfrecord":
        # A tf.Example has no missing items, nor lists apart from those that are empty.
        lists: dict[str, Any] = {"tags": [["red", "blue"], ["red"], None, None, ["red", "blue", "green"]]}
        lists["prices"] = [[1.0, 3.0], None, [5.0], None, [7.0]]
        write_tfrecord(tmp_path / "x.tfrecord", pa.table(lists))
        source = hr.tfrecord(tmp_path / "x.tfrecord")
    else:
        source = table

    def function(inputs: Any) -> dict[str, Any]:
        ids = tft.compute_and_apply_vocabulary(inputs["tags"])
        return {"hot": tft.multi_hot(ids), "sum": tft.list_sum(inputs["prices"])}

    graph = tft.analyze(source, function)
    folder = tmp_path / "graph"
    graph.save(folder)
    found = tft.TransformGraph.load(folder).transform(source).to_table().to_pydict()
    assert found["hot"] == [[1, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0], [1, 1, 1]]
    assert found["sum"] == [4.0, 0.0, 5.0, 0.0, 7.0]
    assert {(one.name, one.size, one.may_be_missing) for one in graph.inputs} == {
        ("tags", "M", True),
        ("prices", "M", True),
    }


def test_a_page_says_what_columns_have() -> None:
    table = pa.table({**DATA, "v": pa.array([[1.0, 2.0]] * 5, pa.list_(pa.float64(), 2))})
    graph = tft.analyze(table, lambda i: {"n": tft.list_length(i["tags"]), "v": i["v"]})
    page = graph._repr_html_()
    assert "lists of string, may be missing" in page
    assert "2 of float64" in page


def test_what_is_a_column_of_lists() -> None:
    kinds = {
        "a": pa.list_(pa.string()),
        "b": pa.large_list(pa.int8()),
        "c": pa.list_(pa.float32(), 4),
        "d": pa.list_(pa.float32(), 1),
        "e": pa.list_view(pa.bool_()),
        "f": pa.list_(pa.timestamp("us")),
        "g": pa.list_(pa.list_(pa.int64())),
        "h": pa.list_(pa.dictionary(pa.int32(), pa.string())),
        "i": pa.list_(pa.struct([("x", pa.int64())])),
    }
    found = {one.name: (one.dtype, one.size) for one in raw_columns(pa.schema(list(kinds.items())), ())}
    assert found == {
        "a": ("string", "M"),
        "b": ("int64", "M"),
        "c": ("float64", 4),
        "d": ("float64", "M"),
        "e": ("bool", "M"),
        "h": ("string", "M"),
    }
    with pytest.raises(TransformError, match="x__absent"):
        raw_columns(pa.schema([("x", kinds["a"]), ("x__absent", pa.bool_())]), ())


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda i: {"y": i["prices"]}, r"\[N, k\], with a k that is known|\[N, k\] with a k that is known"),
        (lambda i: {"y": tft.list_mean(tft.fill_missing(i["prices"], 0.0))}, "fills no lists of any length"),
        (lambda i: {"y": tft.list_mean(tft.impute(i["prices"])[0])}, "fills no lists of any length"),
        (lambda i: {"y": tft.split(i["tags"])}, "one value a row|tft.split"),
        (lambda i: {"y": tft.is_missing_list(tft.upper(i["tags"]))}, "as the data has it"),
        (lambda i: {"y": tft.cross([i["tags"], i["tags"]], 9)}, "one value a row"),
    ],
)
def test_mistakes(function: Any, message: str) -> None:
    with pytest.raises(TransformError, match=message) as caught:
        tft.analyze(DATA, function)
    assert "test_list_columns.py:" in str(caught.value)


def test_a_model_is_served_from_raw_rows_with_lists(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for _ in range(200):
        tags = [word for word in ("red", "green", "blue") if rng.random() < 0.4]
        scores = [float(x) for x in rng.normal(size=rng.integers(0, 5))]
        rows.append(
            {
                "tags": tags if rng.random() < 0.9 else None,
                "scores": scores,
                "point": [float(x) for x in rng.normal(size=2)],
                "label": int("red" in tags or sum(scores) > 2),
            }
        )
    schema = pa.schema(
        [
            ("tags", pa.list_(pa.string())),
            ("scores", pa.list_(pa.float64())),
            ("point", pa.list_(pa.float64(), 2)),
            ("label", pa.int64()),
        ]
    )
    table = pa.Table.from_pylist(rows, schema)

    def function(inputs: Any) -> dict[str, Any]:
        ids = tft.compute_and_apply_vocabulary(inputs["tags"], num_oov_buckets=1)
        return {
            "tags": tft.multi_hot(ids),
            "score": tft.list_sum(inputs["scores"]),
            "point": inputs["point"],
            "label": inputs["label"],
        }

    graph = tft.analyze(table, function)
    train(BoostedTreesClassifier(label="label", n_trees=40), {"train": graph.transform(table)}, graph, tmp_path)
    model = load_model(tmp_path)
    shapes = {(one.name, one.role): one.shape for one in model.signature.inputs}
    assert shapes == {
        ("tags", "value"): ("N", "M"),
        ("tags__absent", "absent"): ("N", "M"),
        ("tags__missing", "missing"): ("N",),
        ("scores", "value"): ("N", "M"),
        ("scores__absent", "absent"): ("N", "M"),
        ("point", "value"): ("N", 2),
    }
    few = [{name: row[name] for name in ("tags", "scores", "point")} for row in rows[:50]]
    answers = [
        model.predict(few),
        model.predict({name: [row[name] for row in few] for name in few[0]}),
        model.predict(table.slice(0, 50)),
        {"probabilities": np.concatenate([model.predict([row])["probabilities"] for row in few])},
    ]
    for answer in answers[1:]:
        np.testing.assert_array_equal(answer["probabilities"], answers[0]["probabilities"])
    assert (answers[0]["probabilities"].argmax(axis=1) == [row["label"] for row in rows[:50]]).mean() > 0.9
    # Batches, REST by rows and by columns, and plain ONNX Runtime with the signature in hand.
    report = verify(tmp_path, table.slice(0, 20), batch_sizes=(1, 7, None))
    assert report.ok, str(report)
    with pytest.raises(RequestError, match="item 1 is 3"):
        model.predict([{"tags": ["red", 3], "scores": [], "point": [0, 0]}])
