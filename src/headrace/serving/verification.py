"""The proof that a model answers the same on every path: batch, Python, REST and plain ONNX Runtime."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.errors import RequestError
from headrace.model import differing_operators, first_difference, load_model
from headrace.serving.answers import arrays_from_columns, arrays_from_rows, as_table, json_rows
from headrace.serving.background import BackgroundServer
from headrace.serving.client import ModelClient

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from headrace.model import Difference, LoadedModel, Signature

    Arrays = dict[str, np.ndarray[Any, Any]]

__all__ = ["Comparison", "VerifyReport", "verify"]

_NAME = "model"
_MAX_ULPS = 2


@dataclass(frozen=True)
class Comparison:
    """Two ways to the same predictions.

    Parameters
    ----------
    path
        The way that was compared with ``LoadedModel.predict`` on rows.
    batch_size
        Rows at a time.
    ok
        Whether every output has the same bits, or, between batch sizes, whether every operator that makes a
        difference makes one of 2 units in the last place at most.
    identical
        Whether every output has the same bits.
    output, difference
        The first output that differs, and where.
    operators
        The operators that make a difference, and how large a one.
    max_ulps
        How far apart the outputs are at most, in units in the last place.
    """

    path: str
    batch_size: int
    ok: bool
    identical: bool
    output: str | None = None
    difference: str | None = None
    operators: tuple[str, ...] = ()
    max_ulps: int | None = None


@dataclass(frozen=True)
class VerifyReport:
    """What a verification found; ``rows_left_out`` have a NaN or infinity, which JSON requests cannot carry."""

    ok: bool
    rows: int
    rows_left_out: int
    comparisons: tuple[Comparison, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"{'Same' if self.ok else 'NOT the same'} on every path, {self.rows} rows"]
        for item in self.comparisons:
            verdict = "identical" if item.identical else "rounded" if item.ok else "DIFFERENT"
            lines.append(f"  {item.path}, {item.batch_size} rows at a time: {verdict}")
            if not item.identical:
                lines.append(f"    {item.output}, {item.difference}")
            if item.operators:
                lines.append(f"    by {', '.join(item.operators)}")
        return "\n".join(lines)


def verify(
    model: str | os.PathLike[str],
    source: Any,
    *,
    batch_sizes: Sequence[int | None] = (1, 7, 64, None),
    max_rows: int = 1000,
) -> VerifyReport:
    """Replay rows through every path and compare the predictions.

    Parameters
    ----------
    model
        A model folder.
    source
        Rows: a table, a batch, a list of dictionaries, a path or a data source.
    batch_sizes
        Rows at a time; None for all at once.
    max_rows
        Rows that are replayed.

    Returns
    -------
    VerifyReport
        For the same batches, the paths must agree bit for bit. Between batch sizes a vector kernel may round the rows
        of its tail differently: there an operator may differ by 2 units in the last place.

    Raises
    ------
    ModelError
        If the model cannot be loaded, or the rows do not fit it.
    ServingError
        If the server cannot start or answer.
    """
    loaded = load_model(model)
    table = as_table(source, max_rows)
    rows, kept = json_rows(table, loaded.signature)
    if not rows:
        raise RequestError("At least one row without NaN and infinity is needed", got=f"{table.num_rows} rows with one")
    left_out = table.num_rows - len(kept)
    table = table.take(kept).combine_chunks()
    sizes = list(dict.fromkeys(min(size or len(rows), len(rows)) for size in batch_sizes))
    found: list[Comparison] = []
    by_size: dict[int, Arrays] = {}
    with BackgroundServer(models={_NAME: loaded.path}) as server, ModelClient(server.url) as client:
        ways = _ways(loaded, client, table, rows)
        for size in sizes:
            reference = by_size[size] = _joined(lambda a, b: loaded.predict(rows[a:b]), len(rows), size)
            for path, predict in ways.items():
                found.append(_same(path, size, reference, _joined(predict, len(rows), size)))
    largest = max(sizes)
    found.extend(_across(loaded, rows, size, by_size[size], by_size[largest]) for size in sizes if size != largest)
    return VerifyReport(all(item.ok for item in found), len(rows), left_out, tuple(found))


def _ways(
    loaded: LoadedModel, client: ModelClient, table: pa.Table, rows: list[dict[str, Any]]
) -> dict[str, Callable[[int, int], Arrays]]:
    signature = loaded.signature
    plain = _plain_session(loaded.path)
    names = [item.name for item in signature.outputs]

    def batch(start: int, end: int) -> Arrays:
        part = table.slice(start, end - start).combine_chunks().to_batches()[0]
        answer = loaded.predict_batch(part)
        return {item.name: _numbers(answer.column(item.name), len(item.shape)) for item in signature.outputs}

    def rest_rows(start: int, end: int) -> Arrays:
        return arrays_from_rows(client.predict(_NAME, rows[start:end]), signature)

    def rest_columns(start: int, end: int) -> Arrays:
        part = rows[start:end]
        columns = {name: [row[name] for row in part] for name in part[0]}
        return arrays_from_columns(client.predict(_NAME, columns), signature)

    def onnxruntime(start: int, end: int) -> Arrays:
        feeds = _plain_feeds(rows[start:end], signature)
        return dict(zip(names, plain.run(names, feeds), strict=True))

    return {"batch": batch, "REST rows": rest_rows, "REST columns": rest_columns, "onnxruntime": onnxruntime}


def _numbers(column: pa.Array, rank: int) -> np.ndarray[Any, Any]:
    if rank == 1:
        return np.asarray(column.to_numpy(zero_copy_only=False))
    return np.asarray(column.flatten().to_numpy(zero_copy_only=False)).reshape(len(column), -1)


def _plain_session(folder: Path) -> Any:
    """Open the graph as somebody without headrace would."""
    import onnxruntime

    return onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])


def _plain_feeds(rows: list[dict[str, Any]], signature: Signature) -> Arrays:
    """Follow signature.json to the letter, with none of the code that the other paths share."""
    empty: dict[str, Any] = {"string": ("", object), "bool": (False, bool), "float32": (0.0, np.float32)}
    empty |= {"float64": (0.0, np.float64), "int64": (0, np.int64), "timestamp": ("1970-01-01", "datetime64[us]")}
    feeds = {}
    for item in signature.inputs:
        values = [row.get(item.feature) for row in rows]
        fill, dtype = empty[item.dtype]
        if item.is_list:
            lists = [one.feature for one in signature.inputs if one.shape == ("N", "M")]
            longest = max([1, *(len(row.get(name) or ()) for row in rows for name in lists)])
            size = item.shape[1]
            width = size if isinstance(size, int) else longest
            padded = [[*(value or ()), *[None] * (width - len(value or ()))] for value in values]
            absent = item.role == "absent"
            matrix = [[one is None if absent else fill if one is None else one for one in row] for row in padded]
            feeds[item.name] = np.array(matrix, dtype).reshape(len(rows), -1)
            continue
        if item.role == "missing":
            array = np.array([value is None for value in values], bool)
        else:
            array = np.array([fill if value is None else value for value in values], dtype)
            array = array.astype(np.int64) if item.dtype == "timestamp" else array
        feeds[item.name] = array.reshape(-1, *[1] * (len(item.shape) - 1))
    return feeds


def _joined(predict: Callable[[int, int], Arrays], rows: int, size: int) -> Arrays:
    parts = list(_each(predict, rows, size))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _each(predict: Callable[[int, int], Arrays], rows: int, size: int) -> Iterator[Arrays]:
    for start in range(0, rows, size):
        yield predict(start, min(start + size, rows))


def _worst(left: Arrays, right: Arrays) -> tuple[str, Difference] | None:
    found = [(name, first_difference(left[name], right[name])) for name in left]
    return next(((name, difference) for name, difference in found if difference is not None), None)


def _same(path: str, size: int, reference: Arrays, answer: Arrays) -> Comparison:
    worst = _worst(reference, answer)
    if worst is None:
        return Comparison(path, size, ok=True, identical=True)
    name, difference = worst
    return Comparison(
        path, size, ok=False, identical=False, output=name, difference=str(difference), max_ulps=difference.max_ulps
    )


def _across(loaded: LoadedModel, rows: list[dict[str, Any]], size: int, small: Arrays, large: Arrays) -> Comparison:
    path = "Python against all rows at once"
    worst = _worst(small, large)
    if worst is None:
        return Comparison(path, size, ok=True, identical=True)
    import onnx

    name, difference = worst
    graph = onnx.load(loaded.path / "model.onnx")
    operators = differing_operators(graph, loaded.decoder.feeds_from_rows(rows), size)
    # What comes after such an operator may magnify its rounding; a fault of its own shows at its source.
    sources = [one.difference for one in operators] or [difference]
    ok = all(one.max_ulps is not None and one.max_ulps <= _MAX_ULPS for one in sources)
    return Comparison(
        path,
        size,
        ok=ok,
        identical=False,
        output=name,
        difference=str(difference),
        operators=tuple(f"{one.operator} ({_ulps(one.difference)})" for one in operators),
        max_ulps=difference.max_ulps,
    )


def _ulps(difference: Difference) -> str:
    far = difference.max_ulps
    return "not numbers" if far is None else f"{far} unit{'' if far == 1 else 's'} in the last place"
