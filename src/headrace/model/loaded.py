"""Models that are opened for prediction, and how a model folder is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from headrace.errors import ModelError, RequestError
from headrace.model.feeds import feeds_from_batch
from headrace.model.lists import list_pieces
from headrace.model.rows import RowDecoder
from headrace.model.session import open_session, run_session
from headrace.model.signature import TRANSFORMED_SUFFIX, Input, Signature, inputs_of
from headrace.storage import write_atomic

if TYPE_CHECKING:
    import os

    import onnx

    from headrace.model.feeds import Feeds

__all__ = ["LabelGraph", "LoadedModel", "load_model", "model_folder", "save_model"]

_MAX_ROWS = 65_536


class LoadedModel:
    """A model folder, opened.

    Safe to use from many threads at once.

    Parameters
    ----------
    path
        The folder.
    signature
        What the model takes and gives.
    session
        An ``onnxruntime.InferenceSession``.
    labels
        The graph from raw columns to the label that the model was trained on, for evaluation; None where the folder
        has none.
    """

    def __init__(self, path: Path, signature: Signature, session: Any, labels: LabelGraph | None = None) -> None:
        self.path = path
        self.signature = signature
        self.session = session
        self.labels = labels
        self.decoder = RowDecoder(signature)
        self._outputs = [item.name for item in signature.outputs]

    def __repr__(self) -> str:
        return f"LoadedModel({str(self.path)!r}, task={self.signature.task!r})"

    def run(self, feeds: Feeds) -> dict[str, np.ndarray[Any, Any]]:
        """Run the graph on feeds; returns the outputs by name, one row for each row of the feeds."""
        return dict(zip(self._outputs, run_session(self.session, self._outputs, feeds), strict=True))

    def predict(self, rows: Any) -> dict[str, np.ndarray[Any, Any]]:
        """Predict.

        Parameters
        ----------
        rows
            A list of dictionaries, a dictionary of lists, or an Arrow table or batch (anything with the Arrow
            PyCapsule interface). Missing is None or null.

        Returns
        -------
        dict of numpy.ndarray
            By output name; a classifier has ``probabilities`` float32 ``[N, C]``, ``logits``, ``classes`` int64
            ``[N]`` and for two classes ``logistic`` ``[N, 1]``, a regressor ``predictions`` float32 ``[N, 1]``.

        Raises
        ------
        RequestError
            If rows do not fit the signature.
        ModelError
            If the graph fails on these rows.
        """
        if isinstance(rows, dict):
            return self.run(self.decoder.feeds_from_columns(rows))
        if isinstance(rows, list | tuple):
            return self.run(self.decoder.feeds_from_rows(rows))
        return _joined([self._run_batch(batch) for batch in _batches(rows)])

    def _run_batch(self, batch: pa.RecordBatch) -> dict[str, np.ndarray[Any, Any]]:
        inputs = self.signature.inputs
        return _joined([self.run(feeds_from_batch(piece, inputs)) for piece in list_pieces(batch, inputs)])

    def predict_batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Predict a batch into a batch: a column for each output, fixed-size lists for outputs of ``[N, K]``."""
        found = self._run_batch(batch)
        return pa.record_batch([_column(array) for array in found.values()], names=list(found))


@dataclass(frozen=True)
class LabelGraph:
    """The graph from raw columns to ``label`` and perhaps ``weight``, as the trainer saw them."""

    inputs: tuple[Input, ...]
    session: Any
    outputs: tuple[str, ...]

    def run(self, batch: pa.RecordBatch) -> dict[str, np.ndarray[Any, Any]]:
        """Compute the labels of a batch; RequestError if it lacks a column."""
        names = list(self.outputs)
        found = run_session(self.session, names, feeds_from_batch(batch, self.inputs))
        return {name.removesuffix(TRANSFORMED_SUFFIX): array for name, array in zip(names, found, strict=True)}


def model_folder(path: str | os.PathLike[str]) -> Path:
    """Find the model folder: ``path`` itself, its subfolder ``model``, or the folder of a ``model.onnx``.

    Raises
    ------
    ModelError
        If there is none.
    """
    given = Path(path)
    folder = given.parent if given.name == "model.onnx" else given
    for candidate in (folder, folder / "model"):
        if (candidate / "model.onnx").is_file():
            return candidate
    versions = sorted((p.name for p in folder.iterdir() if p.name.isdigit()), key=int) if folder.is_dir() else []
    raise ModelError(
        "A model folder holds a model.onnx",
        got="no such folder" if not folder.exists() else "none there",
        where=str(given),
        fix=f"Give one of its versions, for example {folder / versions[-1]}" if versions else "Give a model folder",
    )


def load_model(path: str | os.PathLike[str], *, threads: int = 1) -> LoadedModel:
    """Open a model folder.

    Parameters
    ----------
    path
        The folder with ``model.onnx`` and ``signature.json``, or an artifact that holds it.
    threads
        Threads inside one operator.

    Raises
    ------
    ModelError
        If there is no model, its file cannot be loaded, or the signature does not describe it.
    """
    folder = model_folder(path)
    signature = Signature.load(folder)
    session = open_session(folder / "model.onnx", threads=threads)
    for kind, described, actual in (
        ("inputs", [i.name for i in signature.inputs], [i.name for i in session.get_inputs()]),
        ("outputs", [o.name for o in signature.outputs], [o.name for o in session.get_outputs()]),
    ):
        if sorted(described) != sorted(actual):
            raise ModelError(
                f"signature.json lists the {kind} of model.onnx",
                got=f"{described} in the signature, {actual} in the graph",
                where=str(folder),
                fix="Write the signature again with headrace.model.signature_of",
            )
    labels = folder / "label.onnx"
    return LoadedModel(folder, signature, session, _label_graph(labels) if labels.is_file() else None)


def _label_graph(file: Path) -> LabelGraph:
    import onnx

    session = open_session(file)
    graph = onnx.load(file, load_external_data=False)
    return LabelGraph(inputs_of(graph), session, tuple(item.name for item in session.get_outputs()))


def save_model(
    folder: str | os.PathLike[str],
    model: onnx.ModelProto,
    signature: Signature,
    *,
    labels: onnx.ModelProto | None = None,
) -> Path:
    """Write ``model.onnx``, ``signature.json`` and perhaps ``label.onnx`` into a folder, which is made where absent."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name, graph in (("model.onnx", model), ("label.onnx", labels)):
        if graph is not None:
            write_atomic(target / name, graph.SerializeToString(deterministic=True))
    signature.save(target)
    return target


def _joined(parts: list[dict[str, np.ndarray[Any, Any]]]) -> dict[str, np.ndarray[Any, Any]]:
    return parts[0] if len(parts) == 1 else {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def _batches(rows: Any) -> list[pa.RecordBatch]:
    if isinstance(rows, pa.RecordBatch):
        return [rows]
    if hasattr(rows, "__arrow_c_array__") and not hasattr(rows, "__arrow_c_stream__"):
        return [pa.record_batch(rows)]
    if not hasattr(rows, "__arrow_c_stream__"):
        raise RequestError(
            "Rows are a list of dictionaries, a dictionary of lists, or an Arrow table", got=type(rows).__name__
        )
    table = pa.table(rows).combine_chunks()
    return table.to_batches(_MAX_ROWS) or [pa.RecordBatch.from_pylist([], schema=table.schema)]


def _column(array: Any) -> pa.Array:
    if array.ndim == 1:
        return pa.array(array)
    width = int(np.prod(array.shape[1:]))
    return pa.FixedSizeListArray.from_arrays(pa.array(array.reshape(-1)), width)
