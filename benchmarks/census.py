"""The census data: reading, describing, transforming, and predicting."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Comparison, Measured, compare, measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["run"]

PIPELINE = Path(__file__).parents[1] / "src/headrace/examples/census/pipeline.py"
ROWS = 32_561
PEOPLE = 2_000


def run() -> Iterator[Comparison]:
    """Yield one comparison after the other."""
    with _snapshot() as folder:
        data = _data()
        yield compare(
            "read adult.data", partial(_read, data, folder), "pandas.read_csv", partial(_read_pandas, data), units=ROWS,
            unit="row",
        )  # fmt: skip
        yield compare(
            "statistics", partial(_statistics, folder), "DuckDB SUMMARIZE", partial(_summarize, folder), units=ROWS,
            unit="row",
        )  # fmt: skip
        yield compare(
            "analyze and transform", partial(_transform, folder), "scikit-learn ColumnTransformer",
            partial(_column_transformer, folder), units=ROWS, unit="row",
        )  # fmt: skip
        yield compare(
            "predict one row", partial(_predict, folder, 1), "bare ONNX Runtime", partial(_bare, folder, 1),
            units=PEOPLE, unit="row",
        )  # fmt: skip
        yield compare(
            "predict 10,000 rows", partial(_predict, folder, 10_000), "bare ONNX Runtime",
            partial(_bare, folder, 10_000), units=10_000, unit="row",
        )  # fmt: skip
    yield compare("import headrace", partial(_import, "headrace"), "import numpy", partial(_import, "numpy"))
    yield _cached_pipeline()


def _data() -> Path:
    from headrace.examples.fetch import fetch_census

    return fetch_census(Path(tempfile.gettempdir()) / "headrace-benchmarks")[0]


def _source(data: Path) -> Any:
    import runpy

    return runpy.run_path(str(PIPELINE))["raw"](data)


def _preprocessing_fn() -> Any:
    import runpy

    return runpy.run_path(str(PIPELINE))["preprocessing_fn"]


@contextmanager
def _snapshot() -> Iterator[Path]:
    """Prepare what the measurements read: a snapshot, and a model of it."""
    import headrace as hr
    from headrace import transform as tft
    from headrace.data import ParquetSink, open_parquet, snapshot
    from headrace.training import train

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        snapshot(_source(_data()), folder, name="train")
        raw = open_parquet(folder / "train")
        graph = tft.analyze(raw, _preprocessing_fn())
        transformed = graph.transform(raw, sink=ParquetSink(folder / "transformed"))
        label = hr.BoostedTreesClassifier(label="label", n_trees=100)
        train(label, {"train": transformed}, graph, folder / "model")
        yield folder


def _read(data: Path, folder: Path) -> Callable[[], Any]:
    from headrace.data import snapshot

    def work() -> Any:
        with tempfile.TemporaryDirectory(dir=folder) as out:
            return snapshot(_source(data), Path(out))

    return work


def _read_pandas(data: Path) -> Callable[[], Any]:
    import pandas as pd

    return lambda: pd.read_csv(data, header=None, skipinitialspace=True, na_values="?")


def _statistics(folder: Path) -> Callable[[], Any]:
    from headrace.data import open_parquet
    from headrace.statistics import generate_statistics

    return lambda: generate_statistics(open_parquet(folder / "train"))


def _summarize(folder: Path) -> Callable[[], Any]:
    import duckdb

    connection = duckdb.connect()
    return lambda: connection.execute(f"SUMMARIZE SELECT * FROM '{folder}/train/*.parquet'").fetchall()


def _transform(folder: Path) -> Callable[[], Any]:
    from headrace import transform as tft
    from headrace.data import open_parquet

    function = _preprocessing_fn()

    def work() -> Any:
        raw = open_parquet(folder / "train")
        return tft.analyze(raw, function).transform(raw)

    return work


def _column_transformer(folder: Path) -> Callable[[], Any]:
    import numpy as np
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, OrdinalEncoder, StandardScaler

    strings = [
        "workclass",
        "education",
        "marital_status",
        "occupation",
        "relationship",
        "race",
        "sex",
        "native_country",
    ]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    log = make_pipeline(FunctionTransformer(np.log1p), StandardScaler())

    def work() -> Any:
        frame = pd.read_parquet(folder / "train")
        frame = frame.assign(**{name: frame[name].astype(object).where(frame[name].notna(), None) for name in strings})
        columns = ColumnTransformer(
            [
                (
                    "strings",
                    make_pipeline(SimpleImputer(strategy="constant", fill_value="", missing_values=None), encoder),
                    strings,
                ),
                ("numbers", StandardScaler(), ["age", "hours_per_week"]),
                ("logs", log, ["capital_gain", "capital_loss"]),
                ("buckets", KBinsDiscretizer(6, encode="ordinal", strategy="uniform"), ["hours_per_week"]),
            ]
        )
        return columns.fit_transform(frame)

    return work


def _rows(folder: Path, count: int) -> Any:
    from headrace.data import open_parquet

    table = open_parquet(folder / "train").to_table().slice(0, count).combine_chunks()
    return table.to_batches()[0]


def _predict(folder: Path, count: int) -> Callable[[], Any]:
    from headrace.model import load_model

    model = load_model(folder / "model")
    if count > 1:
        batch = _rows(folder, count)
        return lambda: model.predict_batch(batch)
    rows = [{name: row[name] for name in model.signature.features} for row in _rows(folder, PEOPLE).to_pylist()]
    return lambda: [model.predict([row]) for row in rows]


def _bare(folder: Path, count: int) -> Callable[[], Any]:
    from headrace.model import feeds_from_batch, load_model

    model = load_model(folder / "model")
    session = model.session
    if count > 1:
        feeds = feeds_from_batch(_rows(folder, count), model.signature.inputs)
        return lambda: session.run(None, feeds)
    batch = _rows(folder, PEOPLE)
    single = [feeds_from_batch(batch.slice(at, 1), model.signature.inputs) for at in range(PEOPLE)]
    return lambda: [session.run(None, feeds) for feeds in single]


def _import(module: str) -> Callable[[], Any]:
    return lambda: subprocess.run([sys.executable, "-c", f"import {module}"], check=True)


def _cached_pipeline() -> Comparison:
    """Measure a run in which every step is reused against Python starting and doing nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").symlink_to(_data().parent)
        for file in PIPELINE.parent.iterdir():
            if file.is_file():
                (folder / file.name).write_bytes(file.read_bytes())
        command = [sys.executable, "-m", "headrace.cli", "run", str(folder / "pipeline.py"), "--set", "model=trees"]
        command += ["--home", str(folder / "home")]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        ours = measure(partial(_command, command))
        theirs = measure(partial(_command, [sys.executable, "-c", "pass"]))
    return Comparison("wholly cached pipeline", "python -c pass", _children(ours), _children(theirs))


def _command(command: list[str]) -> Callable[[], Any]:
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _children(measured: Measured) -> Measured:
    # The work is done by a child, whose processor time and memory are not this process's.
    return Measured(measured.wall, float("nan"), 0)
