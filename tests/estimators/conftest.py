"""Tables to learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pytest

from headrace.schema import FeatureSpec

if TYPE_CHECKING:
    from pathlib import Path

Census = tuple[pa.Table, pa.Table, list[FeatureSpec]]

COLUMNS = [
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship", "race",
    "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income",
]  # fmt: skip
WORDS = ["workclass", "education", "marital_status", "occupation", "relationship", "race", "sex", "native_country"]


@pytest.fixture(scope="session")
def census(census_dir: Path) -> Census:
    """Return features and label of adult.data and adult.test, without any library of ours."""
    tables = [_read(census_dir / name, skip) for name, skip in (("adult.data", 0), ("adult.test", 1))]
    specs: list[FeatureSpec] = []
    columns: list[dict[str, Any]] = [{}, {}]
    for name in ("age", "hours_per_week", "capital_gain", "capital_loss"):
        specs.append(FeatureSpec(name, "float32"))
        for table, found in zip(tables, columns, strict=True):
            values = table[name].to_numpy().astype(np.float32)
            found[name] = np.log1p(values) if name.startswith("capital") else values
    for name in WORDS:
        words = sorted(pc.unique(tables[0][name]).to_pylist())
        specs.append(FeatureSpec(name, "int64", (), len(words) + 1, tuple(words)))
        for table, found in zip(tables, columns, strict=True):
            ids = pc.index_in(table[name], value_set=pa.array(words))
            found[name] = pc.fill_null(ids, len(words)).cast(pa.int64())
    for table, found in zip(tables, columns, strict=True):
        found["label"] = pc.starts_with(table["income"], ">50K").cast(pa.int64())
    return pa.table(columns[0]), pa.table(columns[1]), specs


def _read(path: Path, skip: int) -> pa.Table:
    options = pyarrow.csv.ReadOptions(column_names=COLUMNS, skip_rows=skip)
    table = pyarrow.csv.read_csv(path, options, convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=False))
    for name in table.column_names:
        if pa.types.is_string(table[name].type):
            table = table.set_column(table.column_names.index(name), name, pc.utf8_trim_whitespace(table[name]))
    for name in ("age", "hours_per_week", "capital_gain", "capital_loss"):
        column = table[name]
        if not pa.types.is_integer(column.type):
            table = table.set_column(table.column_names.index(name), name, column.cast(pa.int64()))
    return table


def made_up(rows: int = 400, classes: int = 2, seed: int = 0) -> tuple[pa.Table, list[FeatureSpec]]:
    """Return a small table with every kind of feature: number, integer, ids, many of each, and a learnable label."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows).astype(np.float32)
    pair = rng.normal(size=(rows, 2)).astype(np.float32)
    count = rng.integers(-3, 1000, rows)
    few, many = rng.integers(0, 5, rows), rng.integers(0, 40, rows)
    bag = rng.integers(0, 30, (rows, 3))
    score = x + pair[:, 0] - pair[:, 1] + (few == 2) * 2 + (many % 3) - (bag == 4).sum(axis=1) + count / 500
    label = np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))
    table = pa.table(
        {
            "x": x,
            "pair": pa.FixedSizeListArray.from_arrays(pa.array(pair.reshape(-1)), 2),
            "count": count,
            "few": few,
            "many": many,
            "bag": pa.FixedSizeListArray.from_arrays(pa.array(bag.reshape(-1)), 3),
            "weight": rng.uniform(0.5, 2, rows),
            "score": score.astype(np.float64),
            "label": label.astype(np.int64),
        }
    )
    specs = [
        FeatureSpec("x", "float32"),
        FeatureSpec("pair", "float32", (2,)),
        FeatureSpec("count", "int64"),
        FeatureSpec("few", "int64", (), 5),
        FeatureSpec("many", "int64", (), 40),
        FeatureSpec("bag", "int64", (3,), 30),
    ]
    return table, specs


@pytest.fixture
def table() -> pa.Table:
    """Return the small table, with two classes."""
    return made_up()[0]


@pytest.fixture
def specs() -> list[FeatureSpec]:
    """Return the small table's features."""
    return made_up()[1]


@pytest.fixture
def three_classes() -> pa.Table:
    """Return the small table, with three classes."""
    return made_up(classes=3)[0]


class Recorder:
    """A monitor that keeps everything, and breaks off after an epoch where told to."""

    def __init__(self, break_after: int | None = None) -> None:
        self.curve: list[tuple[int, dict[str, float]]] = []
        self.state: dict[str, Any] | None = None
        self.break_after = break_after
        self.stop_after: int | None = None

    def on_epoch(self, epoch: int, metrics: Any) -> None:
        self.curve.append((epoch, dict(metrics)))

    def checkpoint(self, state: Any) -> None:
        self.state = {name: array.copy() for name, array in state.items()}
        if self.break_after is not None and self.curve[-1][0] >= self.break_after:
            self.break_after = None
            raise KeyboardInterrupt

    def restore(self) -> dict[str, Any] | None:
        return self.state

    def should_stop(self) -> bool:
        return self.stop_after is not None and self.curve[-1][0] >= self.stop_after


@pytest.fixture
def recorder() -> Recorder:
    """Return a monitor that keeps everything."""
    return Recorder()


def run_graph(estimator: Any, table: pa.Table) -> dict[str, np.ndarray]:
    """Run an estimator's ONNX on a table."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(estimator.to_onnx().SerializeToString(), options)
    feeds = {}
    for spec in estimator.specs_:
        column = table[spec.name].combine_chunks()
        values = column.flatten() if spec.shape else column
        feeds[spec.name] = values.to_numpy(zero_copy_only=False).reshape(-1, *spec.shape).astype(spec.dtype)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


@pytest.fixture(name="run_graph")
def run_graph_fixture() -> Any:
    """Return the function that runs an estimator's ONNX."""
    return run_graph


@pytest.fixture
def check_graph() -> Any:
    """Return a check of names, types, shapes, equality with the framework, and of bits that do not know the batch."""

    def check(estimator: Any, table: pa.Table, tolerance: float = 1e-6) -> None:
        import onnx

        model = estimator.to_onnx()
        onnx.checker.check_model(model)
        assert model.ir_version <= 10
        assert {item.domain: item.version for item in model.opset_import}[""] == 21
        assert [value.name for value in model.graph.input] == list(estimator.feature_names_in_)
        native, found = estimator.predict_outputs(table), run_graph(estimator, table)
        assert set(native) == set(found)
        for name, values in found.items():
            assert values.dtype == native[name].dtype, name
            assert values.shape == native[name].shape, name
            # Logits are sums of many terms: their error is relative to the largest, not to what is left of them.
            scale = max(float(np.abs(native[name]).max()), 1.0)
            assert (np.abs(values - native[name]) / scale).max() <= tolerance, name
        one_by_one = [run_graph(estimator, table.slice(index, 1)) for index in range(20)]
        for name, values in found.items():
            assert np.array_equal(np.concatenate([row[name] for row in one_by_one]), values[:20]), name
        assert estimator.to_onnx().SerializeToString() == model.SerializeToString()

    return check
