"""Analysis and materialisation of a transform of tables of 21 columns, against scikit-learn; one row; cached spans."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Comparison, compare
from benchmarks.tables import folder, parquet_table, part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["preprocessing_fn", "run"]

MILLION = 1_000_000
NUMBERS = ("normal", "lognormal", "uniform", "pareto", "sparse", "small", "wide", "zeros", "time", "holes")
TEXTS = ("two", "five", "sixteen", "fifty", "thousand", "many", "rare", "zip")
BUCKETED = ("lognormal", "wide", "time")
WORDS = 20_000
# Words of a text that are kept; few have more.
LENGTH = 16
ROWS = 10_000


def preprocessing_fn(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Scale ten numbers, number eight texts, put three numbers into buckets, and weigh the words of a text."""
    from headrace import transform as tft

    outputs = {f"{name}_scaled": tft.fill_missing(tft.scale_to_z_score(inputs[name]), 0.0) for name in NUMBERS}
    outputs |= {
        f"{name}_id": tft.compute_and_apply_vocabulary(inputs[name], top_k=1000, num_oov_buckets=1) for name in TEXTS
    }
    outputs |= {f"{name}_bucket": tft.bucketize(inputs[name], num_buckets=10) for name in BUCKETED}
    ids = tft.compute_and_apply_vocabulary(tft.split(inputs["text"], " "), top_k=WORDS, num_oov_buckets=1)
    words, weights = tft.tfidf(ids)
    return outputs | {"words": tft.pad_lists(words, LENGTH, -1), "weights": tft.pad_lists(weights, LENGTH, 0.0)}


def run() -> Iterator[Comparison]:
    """Yield one comparison after the other."""
    table = parquet_table(MILLION)
    peer = "ColumnTransformer"
    yield compare(
        "analyze, 1 M rows",
        partial(_analyze, table),
        f"{peer}.fit",
        partial(_fit, table),
        units=MILLION,
        unit="row",
        runs=2,
    )
    yield compare(
        "materialise, 1 M rows", partial(_materialise, table), f"{peer}.transform", partial(_transform, table),
        units=MILLION, unit="row", runs=2,
    )  # fmt: skip
    yield compare(
        "both, 10 M rows", partial(_both, parquet_table(10 * MILLION)), "both, 1 M rows", partial(_both, table), runs=1
    )
    days = _days()
    yield compare("9 of 10 days kept", partial(_kept, days), "all ten days", partial(_analyze, days), runs=1)
    yield compare(
        "one row", partial(_rows, table), "the graph in ONNX Runtime", partial(_bare_rows, table),
        units=ROWS, unit="row", runs=3,
    )  # fmt: skip
    yield compare(
        "one row, packed", partial(_bare_rows, table, packed=True), "not packed", partial(_bare_rows, table),
        units=ROWS, unit="row", runs=3,
    )  # fmt: skip


def _analyze(source: Path) -> Callable[[], Any]:
    from headrace import transform as tft

    return lambda: tft.analyze(str(source), preprocessing_fn)


def _materialise(table: Path) -> Callable[[], Any]:
    from headrace import transform as tft
    from headrace.data import ParquetSink

    graph = tft.analyze(str(table), preprocessing_fn)
    place = _empty()
    return lambda: graph.transform(str(table), sink=ParquetSink(place))


def _both(table: Path) -> Callable[[], Any]:
    from headrace import transform as tft
    from headrace.data import ParquetSink

    place = _empty()
    return lambda: tft.analyze(str(table), preprocessing_fn).transform(str(table), sink=ParquetSink(place))


def _empty() -> Path:
    place = folder() / "transformed"
    shutil.rmtree(place, ignore_errors=True)
    return place


def _days() -> Path:
    import pyarrow.parquet as pq

    place = folder() / "days-of-a-million"
    rows = MILLION
    for day in range(10):
        path = place / f"day-{day}.parquet"
        if not path.exists():
            place.mkdir(exist_ok=True)
            # Row groups as headrace and DuckDB write them; a file of one could only be read by one thread.
            pq.write_table(part(day * rows, rows), path, compression="zstd", row_group_size=131_072)
    return place


def _kept(days: Path) -> Callable[[], Any]:
    """Analyze ten days of which nine are kept; only the vocabulary changes, so that the second pass reads all ten."""
    from headrace import transform as tft
    from headrace.data import parquet

    files = sorted(days.glob("*.parquet"))
    base = Path(tempfile.mkdtemp(dir=folder()))
    tft.analyze(parquet(files[:9]), preprocessing_fn, cache=base / "nine")
    turn = 0

    def work() -> None:
        nonlocal turn
        turn += 1
        cache = base / f"turn-{turn}"
        # Files of a cache are replaced, never written to, so that links do.
        shutil.copytree(base / "nine", cache, copy_function=os.link)
        tft.analyze(parquet(files), preprocessing_fn, cache=cache)

    # Not in ``work``, which is timed.
    weakref.finalize(work, shutil.rmtree, base)
    return work


def _rows(table: Path) -> Callable[[], Any]:
    graph, batches = _one_row_batches(table)

    def work() -> None:
        for number in range(ROWS):
            graph.transform_batch(batches[number % len(batches)])

    return work


def _bare_rows(table: Path, *, packed: bool = False) -> Callable[[], Any]:
    from headrace.model.feeds import feeds_from_batch
    from headrace.model.packed import open_packed_session
    from headrace.model.session import open_session

    graph, batches = _one_row_batches(table)
    transform = graph.batch_transform()
    session = open_packed_session(transform.model, patterns=True) if packed else open_session(transform.model)
    feeds = [feeds_from_batch(batch, transform.inputs) for batch in batches]

    def work() -> None:
        for number in range(ROWS):
            session.run(None, feeds[number % len(feeds)])

    return work


def _one_row_batches(table: Path) -> tuple[Any, list[Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from headrace import transform as tft

    graph = tft.analyze(str(table), preprocessing_fn)
    with pq.ParquetFile(table) as file:
        first = next(file.iter_batches(100))
    # Rows of their own, not slices of a larger batch, as a server has them.
    return graph, [pa.RecordBatch.from_pylist([row], first.schema) for row in first.to_pylist()]


def _scikit_learn() -> Any:
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import KBinsDiscretizer, OrdinalEncoder, StandardScaler

    ids = OrdinalEncoder(
        max_categories=1001, handle_unknown="use_encoded_value", unknown_value=1001, encoded_missing_value=-1
    )
    return ColumnTransformer(
        [
            ("scaled", make_pipeline(SimpleImputer(), StandardScaler()), list(NUMBERS)),
            ("ids", ids, list(TEXTS)),
            ("buckets", KBinsDiscretizer(10, encode="ordinal", subsample=None, dtype=np.float32), list(BUCKETED)),
            ("words", TfidfVectorizer(max_features=WORDS, tokenizer=str.split, token_pattern=None), "text"),
        ],
        sparse_threshold=1.0,
    )


def _loaded(table: Path) -> Any:
    import pyarrow.parquet as pq

    return pq.read_table(table).to_pandas()


def _fit(table: Path) -> Callable[[], Any]:
    frame = _loaded(table)
    return lambda: _scikit_learn().fit(frame)


def _transform(table: Path) -> Callable[[], Any]:
    frame = _loaded(table)
    fitted = _scikit_learn().fit(frame)
    return lambda: fitted.transform(frame)
