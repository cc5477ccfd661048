"""Features made on the fly are those that are written, in batches that only the arguments decide on."""

from __future__ import annotations

import gc
import pickle
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import headrace as hr
from headrace import transform as tft
from headrace.data import Dataset, TableShard, dataset_from_table
from headrace.errors import RequestError, TransformError
from headrace.estimators import BoostedTreesClassifier
from headrace.training import train

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ROWS = 1000


def raw(rows: int = ROWS) -> pa.Table:
    rng = np.random.default_rng(3)
    return pa.table(
        {
            "n": np.arange(rows),
            "x": rng.normal(size=rows),
            "town": rng.choice(["Aarau", "Bern", "Chur"], rows),
            "tags": [["a", "b", "c"][: number % 4] for number in range(rows)],
            "sold": rng.integers(0, 2, rows),
        }
    )


def preprocessing(inputs: Any) -> dict[str, Any]:
    return {
        "n": inputs["n"],
        "x": tft.scale_to_z_score(inputs["x"]),
        "town": tft.compute_and_apply_vocabulary(inputs["town"]),
        "tags": tft.multi_hot(tft.compute_and_apply_vocabulary(inputs["tags"])),
        "mean": tft.target_encode(inputs["town"], inputs["sold"], fold_by=inputs["n"]),
        "label": inputs["sold"],
    }


TABLE = raw()


@pytest.fixture(scope="module")
def graph() -> tft.TransformGraph:
    return tft.analyze(TABLE, preprocessing)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(4):
        pq.write_table(TABLE.slice(number * 250, 250), tmp_path / f"{number}.parquet", row_group_size=100)
    return tmp_path


def together(batches: Iterator[pa.RecordBatch]) -> pa.Table:
    return pa.Table.from_batches(list(batches))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("prefetch", [0, 1, 4])
def test_values_are_those_that_are_written(
    graph: tft.TransformGraph, folder: Path, prefetch: int, *, training: bool
) -> None:
    source = hr.parquet(folder / "*.parquet")
    written = graph.transform(source, training=training).to_table()
    plain = together(graph.batches(source, 64, training=training, shuffle=False, prefetch=prefetch))
    assert plain.equals(written)
    mixed = together(graph.batches(source, 64, training=training, buffer_rows=300, prefetch=prefetch))
    assert not mixed.equals(written)
    assert mixed.sort_by("n").equals(written.sort_by("n"))
    assert graph.lazy(source, training=training).to_table().equals(written)


def test_the_seed_decides_and_nothing_else(graph: tft.TransformGraph, folder: Path) -> None:
    source = hr.parquet(folder / "*.parquet")

    def order(**how: Any) -> list[int]:
        batches = graph.numpy_batches(source, 70, outputs=["n"], **{"seed": 1, "buffer_rows": 256, "epochs": 2, **how})
        return [int(number) for batch in batches for number in batch["n"]]

    first = order()
    assert order() == order(prefetch=0) == order(prefetch=1) == first
    assert sorted(first[:ROWS]) == sorted(first[ROWS:]) == list(range(ROWS))
    assert first[:ROWS] != first[ROWS:]
    assert order(seed=2) != first
    assert order(shuffle=False) == 2 * list(range(ROWS))
    assert order(epochs=1) == first[:ROWS]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(0, 9), max_size=6), st.integers(1, 12), st.integers(1, 20), st.booleans(), st.integers(1, 3)
)
def test_every_row_once_an_epoch(sizes: list[int], size: int, buffer: int, drop: bool, epochs: int) -> None:
    rows = sum(sizes)
    starts = np.cumsum([0, *sizes])
    table = pa.table({"n": pa.array(range(rows), pa.int64())})
    shards = tuple(
        TableShard(table.slice(start, length)) for start, length in zip(starts.tolist(), sizes, strict=False)
    )
    data = Dataset(table.schema, shards)
    batches = list(
        PLAIN.numpy_batches(data, size, seed=rows, buffer_rows=buffer, epochs=epochs, drop_remainder=drop, prefetch=0)
    )
    whole, rest = divmod(rows, size)
    lengths = [size] * whole + ([rest] if rest and not drop else [])
    assert [len(batch["n"]) for batch in batches] == lengths * epochs
    for epoch in range(epochs):
        found = [n for batch in batches[epoch * len(lengths) : (epoch + 1) * len(lengths)] for n in batch["n"].tolist()]
        assert len(set(found)) == len(found) == sum(lengths)
        assert set(found) <= set(range(rows))


PLAIN = tft.analyze({"n": [1, 2]}, lambda inputs: {"n": inputs["n"]})


def test_arrays_have_the_features_types(graph: tft.TransformGraph) -> None:
    batch = next(graph.numpy_batches(TABLE, 10))
    assert {name: (str(array.dtype), array.shape) for name, array in batch.items()} == {
        "n": ("int64", (10,)),
        "x": ("float32", (10,)),
        "town": ("int64", (10,)),
        "tags": ("float32", (10, 3)),
        "mean": ("float32", (10,)),
        "label": ("int64", (10,)),
    }
    few = next(graph.batches(TABLE, 10, outputs=["tags", "x"]))
    assert few.schema.names == ["x", "tags"]
    assert few.schema.field("tags").type == pa.list_(pa.float32(), 3)


def test_sorted_rows_are_mixed_further_than_the_buffer() -> None:
    data = dataset_from_table(pa.table({"n": np.arange(20_000)}), 1000)
    shards = Dataset(data.schema, (TableShard(data.to_table()),))
    order = [int(n) for batch in PLAIN.numpy_batches(shards, 100, buffer_rows=2000) for n in batch["n"]]
    moved = np.abs(np.argsort(order) - np.arange(20_000))
    assert moved.max() > 2000


class Endless:
    """A shard that counts how far it was read."""

    num_rows = None

    def __init__(self, fails_at: int | None = None) -> None:
        self.read_batches = 0
        self.fails_at = fails_at

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        assert columns == ["n"]
        for number in range(10_000):
            if number == self.fails_at:
                raise ValueError("the disk is gone")
            self.read_batches += 1
            yield pa.record_batch({"n": np.arange(number * 100, number * 100 + 100)})


SCHEMA = pa.schema([("n", pa.int64())])


@pytest.mark.parametrize("prefetch", [0, 3])
def test_no_more_is_read_than_is_wanted_and_threads_end(prefetch: int) -> None:
    shard = Endless()
    before = threading.active_count()
    batches = PLAIN.batches(Dataset(SCHEMA, (shard,)), 100, shuffle=False, prefetch=prefetch)
    assert threading.active_count() <= before
    for _ in range(5):
        next(batches)
    assert shard.read_batches < 300
    del batches
    gc.collect()
    assert threading.active_count() <= before
    assert shard.read_batches < 300


@pytest.mark.parametrize("prefetch", [0, 3])
def test_an_error_comes_where_the_batches_are_taken(prefetch: int) -> None:
    batches = PLAIN.batches(Dataset(SCHEMA, (Endless(fails_at=3),)), 100, shuffle=False, prefetch=prefetch)
    with pytest.raises(ValueError, match="the disk is gone"):
        list(batches)
    wrong = PLAIN.batches({"n": ["a"]}, 10, prefetch=prefetch)
    with pytest.raises(RequestError, match="must be of type int64"):
        next(wrong)


def test_epochs_without_end_and_without_rows() -> None:
    many = PLAIN.numpy_batches({"n": [1, 2, 3]}, 2, epochs=None)
    assert sum(len(next(many)["n"]) for _ in range(20)) == 30
    nothing = pa.table({"n": pa.array([], pa.int64())})
    assert list(PLAIN.batches(nothing, 2, epochs=None)) == []
    assert list(PLAIN.batches({"n": [1]}, 2, epochs=None, drop_remainder=True)) == []


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"batch_size": 0}, "batch_size of batches is an integer of at least 1"),
        ({"epochs": 0}, "epochs of batches"),
        ({"buffer_rows": None}, "buffer_rows of batches"),
        ({"prefetch": -1}, "prefetch of batches is an integer of at least 0"),
        ({"seed": 1.5}, "seed of batches"),
        ({"outputs": ["m"]}, "no such output"),
        ({"outputs": []}, "one feature at least"),
    ],
)
def test_mistakes_are_told_at_once(how: dict[str, Any], message: str) -> None:
    with pytest.raises(TransformError, match=message):
        PLAIN.batches({"n": [1]}, **how)


def test_a_lazy_dataset_computes_what_is_asked_for(graph: tft.TransformGraph, folder: Path) -> None:
    source = hr.parquet(folder / "*.parquet")
    features = graph.lazy(source)
    written = graph.transform(source)
    assert features.schema == written.schema
    assert features.count_rows() == ROWS
    shard = pickle.loads(pickle.dumps(features.shards[0]))
    assert shard.num_rows == 250
    for names in (["town"], ["tags", "x"], ["x", "n"]):
        assert features.to_table(names).equals(written.to_table(names))
    assert features.select(["label"]).to_table().equals(written.to_table(["label"]))
    assert graph.lazy(source, outputs=["town"]).columns == ["town"]
    assert pa.Table.from_batches(shard.read(["mean"])).num_rows == 250
    assert next(iter(shard.read([]))).num_columns == 0


def test_an_estimator_learns_the_same_from_both(graph: tft.TransformGraph, folder: Path, tmp_path: Path) -> None:
    source = hr.parquet(folder / "*.parquet")
    found = []
    for number, data in enumerate((graph.transform(source), graph.lazy(source))):
        estimator = BoostedTreesClassifier(label="label", features=("x", "town", "tags"), n_trees=3)
        train(estimator, {"train": data}, graph, tmp_path / f"model{number}", allow_shared=["sold"])
        found.append((tmp_path / f"model{number}" / "model.onnx").read_bytes())
    assert found[0] == found[1]
