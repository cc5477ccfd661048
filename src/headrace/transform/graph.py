"""The finished transform: one ONNX graph from raw columns to features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx
import pyarrow as pa

from headrace.data import Dataset, TableShard, dictionary_encoded
from headrace.engines import LocalEngine
from headrace.errors import TransformError, did_you_mean
from headrace.model.compose import prune
from headrace.model.signature import TRANSFORMED_SUFFIX
from headrace.transform.batch_transform import BatchTransform
from headrace.transform.batches import Batching, batched, lazy, raw_names
from headrace.transform.column_parts import split_by_column
from headrace.transform.columns import signature_inputs
from headrace.transform.word_shards import in_words

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    import numpy as np

    from headrace.data import Shard
    from headrace.engines import Engine, Sink
    from headrace.schema import FeatureSpec
    from headrace.transform.columns import RawColumn
    from headrace.transform.verification import TransformVerification
    from headrace.transform.word_shards import Words

__all__ = ["AnalyzerResult", "TransformGraph"]


@dataclass(frozen=True)
class AnalyzerResult:
    """What an analyzer found.

    Parameters
    ----------
    name
        The analyzer.
    columns
        The raw columns that its input is computed from.
    where
        File and line of the call.
    value
        As JSON has it: numbers, lists; a vocabulary is a list of ``[word, count]``.
    features
        The outputs that are computed with it.
    """

    name: str
    columns: tuple[str, ...]
    where: str | None
    value: Any
    features: tuple[str, ...] = ()


class _MemoryWriter:
    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._batches: list[pa.RecordBatch] = []

    def write(self, batch: pa.RecordBatch) -> None:
        self._batches.append(batch)

    def close(self) -> Shard | None:
        return TableShard(pa.Table.from_batches(self._batches, self._schema))

    def abort(self) -> None:
        self._batches.clear()


class _MemorySink:
    def open(self, index: int, schema: pa.Schema) -> _MemoryWriter:  # noqa: ARG002 - a sink's signature
        return _MemoryWriter(schema)


class TransformGraph:
    """A preprocessing function with all its analyzers resolved.

    Parameters
    ----------
    model
        The graph.
    inputs
        The raw columns that it reads.
    outputs
        The features that it gives.
    analyzers
        What the analyzers found, in the order of their calls.
    paths
        Steps from raw columns to outputs, by output and column.
    ignored
        Columns of the data that it does not read.
    training_model
        The graph for rows that are learnt from, where a mapper gives them other values (``tft.target_encode``).

    Attributes
    ----------
    words
        The words of the texts that were analyzed, so that the same files are not split again when this process
        transforms them; None where there are none.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        inputs: tuple[RawColumn, ...],
        outputs: tuple[FeatureSpec, ...],
        analyzers: tuple[AnalyzerResult, ...],
        paths: dict[str, dict[str, list[str]]],
        ignored: tuple[str, ...] = (),
        training_model: onnx.ModelProto | None = None,
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.analyzers = analyzers
        self.ignored = ignored
        self.training_model = training_model
        self.words: Words | None = None
        self._model = model
        self._paths = paths

    def __repr__(self) -> str:
        inputs = ", ".join(column.name for column in self.inputs)
        return f"TransformGraph({inputs} -> {', '.join(feature.name for feature in self.outputs)})"

    def _repr_html_(self) -> str:
        from headrace.transform.view import view
        from headrace.viz import embed

        return embed(view(self))

    def features(self, names: Sequence[str] | None = None) -> tuple[FeatureSpec, ...]:
        """Return the features of some names, in the order of the graph.

        Raises
        ------
        TransformError
            If there is no such feature.
        """
        if names is None:
            return self.outputs
        known = [feature.name for feature in self.outputs]
        for name in names:
            if name not in known:
                raise TransformError("The transform has no such output", got=repr(name), fix=did_you_mean(name, known))
        return tuple(feature for feature in self.outputs if feature.name in names)

    def output_name(self, feature: str) -> str:
        """Return the graph's name of a feature: its own, with ``__transformed`` where an input has that name."""
        (found,) = self.features([feature])
        names = {value.name for value in self._model.graph.output}
        return found.name if found.name in names else found.name + TRANSFORMED_SUFFIX

    def to_onnx(self, outputs: Sequence[str] | None = None) -> onnx.ModelProto:
        """Return the graph, of all features or of some, with only the inputs that these need.

        Inputs are ``<column>`` and, where the column may be missing, its mask ``<column>__missing``, all of shape
        ``[N]``. An output is named as its feature, with ``__transformed`` where an input has the same name.
        """
        if outputs is not None:
            return prune(self._model, [self.output_name(feature.name) for feature in self.features(outputs)])
        copy = onnx.ModelProto()
        copy.CopyFrom(self._model)
        return copy

    def batch_transform(self, outputs: Sequence[str] | None = None, *, training: bool = False) -> BatchTransform:
        """Return the function that transforms one batch, of rows that are learnt from where ``training``."""
        model = self._model
        if training and self.training_model is not None:
            model = self.training_model
        features = self.features(outputs)
        if outputs is not None:
            model = prune(model, [self.output_name(feature.name) for feature in features])
        kept = {value.name for value in model.graph.input}
        return BatchTransform(
            model.SerializeToString(deterministic=True),
            tuple(item for item in signature_inputs(self.inputs) if item.name in kept),
            tuple(self.output_name(feature.name) for feature in features),
            features,
        )

    @cached_property
    def _all(self) -> BatchTransform:
        return self.batch_transform()

    def transform_batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Transform a batch of raw columns; columns that the graph does not read may be there.

        Returns
        -------
        pyarrow.RecordBatch
            float32 or int64 for each feature; a fixed-size list of them where a feature has k values a row.

        Raises
        ------
        RequestError
            If a column is absent, of a type that does not fit, or missing though it may not be.
        """
        return self._all.at_once(batch)

    def transform(
        self,
        source: Any,
        sink: Sink | None = None,
        *,
        engine: Engine | None = None,
        outputs: Sequence[str] | None = None,
        training: bool = False,
    ) -> Dataset:
        """Transform a source; into memory when ``sink`` is None.

        Rows that are learnt from, which the analysis has seen, are transformed with ``training=True``: a mapper that
        looked at the label (``tft.target_encode``) gives them values that their own labels are not in.
        """
        function, dataset = self._opened(source, outputs, training=training)
        wanted = raw_names(function, dataset)
        if next(dataset.batches(wanted), None) is None:
            return Dataset(function.schema, ())
        if self.words is not None:
            dataset = in_words(dataset, split_by_column(function.model, function.inputs), self.words)
        return (engine or LocalEngine()).map(dataset.shards, function, sink or _MemorySink(), columns=wanted)

    def lazy(self, source: Any, *, outputs: Sequence[str] | None = None, training: bool = False) -> Dataset:
        """Return the features of a source as a dataset that is transformed each time that it is read.

        It goes wherever what :meth:`transform` gives goes, as to ``fit`` of an estimator, with the same values; nothing
        is written or held.

        Parameters
        ----------
        source
            Raw rows, as for :meth:`transform`.
        outputs
            Only these features, in the order of the graph.
        training
            Whether the rows are learnt from, as for :meth:`transform`.
        """
        function, dataset = self._opened(source, outputs, training=training)
        return lazy(function, dataset)

    def batches(
        self,
        source: Any,
        batch_size: int = 1024,
        *,
        outputs: Sequence[str] | None = None,
        training: bool = True,
        shuffle: bool = True,
        seed: int = 0,
        epochs: int | None = 1,
        buffer_rows: int = 131_072,
        drop_remainder: bool = False,
        prefetch: int = 4,
    ) -> Iterator[pa.RecordBatch]:
        """Transform a source on the fly, in batches to learn from.

        The same arguments over the same data give the same batches. Memory in use is some raw batches, the shuffle
        buffer and the batches that are made ahead, however many rows there are.

        Parameters
        ----------
        source
            Raw rows, as for :meth:`transform`.
        batch_size
            Rows of a batch; the last one of an epoch may have fewer.
        outputs
            Only these features, in the order of the graph.
        training
            Whether the rows are learnt from, as for :meth:`transform`; False for rows of validation.
        shuffle, seed
            Whether rows come in random order, another one in each epoch, and which. Shards are put in random order,
            and rows are drawn from a buffer.
        epochs
            How often all rows come; without end when None.
        buffer_rows
            How many rows the buffer has; fewer where their features would take more than 256 MiB. Where files are
            sorted, it should hold a good part of a shard.
        drop_remainder
            Leave the last batch of an epoch out where it is not full.
        prefetch
            Batches that are made ahead on a thread; none when 0.

        Yields
        ------
        pyarrow.RecordBatch
            As :meth:`transform_batch` gives them.

        Raises
        ------
        TransformError
            If there is no such output, or a number is too small.
        """
        how = Batching(batch_size, shuffle, seed, epochs, buffer_rows, drop_remainder, prefetch)
        how.check()
        function, dataset = self._opened(source, outputs, training=training)
        return (function.to_batch(found) for found in batched(function, dataset, how))

    def numpy_batches(
        self,
        source: Any,
        batch_size: int = 1024,
        *,
        outputs: Sequence[str] | None = None,
        training: bool = True,
        shuffle: bool = True,
        seed: int = 0,
        epochs: int | None = 1,
        buffer_rows: int = 131_072,
        drop_remainder: bool = False,
        prefetch: int = 4,
    ) -> Iterator[dict[str, np.ndarray[Any, Any]]]:
        """Transform a source on the fly into arrays by feature, float32 or int64 of shape [N] or [N, k].

        Parameters are those of :meth:`batches`, and so are the rows of each batch.
        """
        how = Batching(batch_size, shuffle, seed, epochs, buffer_rows, drop_remainder, prefetch)
        how.check()
        function, dataset = self._opened(source, outputs, training=training)
        names = [feature.name for feature in function.features]
        return (dict(zip(names, found, strict=True)) for found in batched(function, dataset, how))

    def _opened(self, source: Any, outputs: Sequence[str] | None, *, training: bool) -> tuple[BatchTransform, Dataset]:
        from headrace.transform.analysis import open_dataset

        plain = outputs is None and not training
        function = self._all if plain else self.batch_transform(outputs, training=training)
        return function, dictionary_encoded(open_dataset(source))

    def verify(self, source: Any, *, max_rows: int = 1000) -> TransformVerification:
        """Apply the graph to one batch, single rows, parts of shuffled rows and distinct texts, and compare the bits.

        Parameters
        ----------
        source
            Rows, as for :meth:`transform`.
        max_rows
            Rows that are replayed.

        Returns
        -------
        TransformVerification
            What agrees; the operators that do not, and by how much; the columns that are read and not read.

        Raises
        ------
        DataError
            If there are no rows.
        """
        from headrace.transform.analysis import open_dataset
        from headrace.transform.verification import verify_transform

        return verify_transform(self, open_dataset(source), max_rows)

    @property
    def paths(self) -> dict[str, dict[str, list[str]]]:
        """Steps from raw columns to outputs, by output and column."""
        return self._paths

    def path(self, output: str, column: str) -> list[str]:
        """Return the steps from a raw column to an output, through operators and analyzers; empty if there are none."""
        self.features([output])
        return list(self._paths.get(output, {}).get(column, []))

    def vocabularies(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the features that have a vocabulary, with it."""
        for feature in self.outputs:
            if feature.vocabulary is not None:
                yield feature.name, feature.vocabulary

    def save(self, directory: str | os.PathLike[str]) -> None:
        r"""Write ``transform.onnx``, ``transform.json`` and ``vocabularies/<feature>.txt`` into a folder.

        With them ``transform.training.onnx``, where rows that are learnt from have other values.
        The text files are for reading; a line break inside a word is written as ``\n``.
        """
        from headrace.transform.store import save

        save(self, Path(directory))

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> TransformGraph:
        """Read what ``save`` wrote.

        Raises
        ------
        ModelError
            If the folder has no transform graph that can be read.
        """
        from headrace.transform.store import load

        return load(Path(directory))
