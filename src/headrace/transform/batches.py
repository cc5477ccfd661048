"""Features made as they are read: nothing is written, and nothing but some batches is held."""

from __future__ import annotations

import math
import queue
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from headrace.data import Dataset
from headrace.data.parallel import in_order
from headrace.errors import TransformError
from headrace.model.compose import prune
from headrace.transform.batch_transform import BatchTransform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from headrace.data import Shard

    Arrays = list[NDArray[Any]]

# What features of a batch, and of a shuffle buffer, take at most, but for batches of few rows.
_PIECE_BYTES = 1 << 26
_LEAST_PIECE = 256
_BUFFER_BYTES = 1 << 28

__all__ = ["Batching", "TransformedShard", "batched", "lazy", "raw_names"]


def raw_names(function: BatchTransform, dataset: Dataset) -> list[str]:
    """Return the columns that a transform reads; where it reads none, one that says how many rows there are."""
    columns = dict.fromkeys(item.feature for item in function.inputs)
    return [name for name in columns if name in dataset.schema.names] or dataset.columns[:1]


@lru_cache(maxsize=16)
def _selected(function: BatchTransform, names: tuple[str, ...]) -> BatchTransform:
    """Return the transform of some features only, in that order."""
    places = [[feature.name for feature in function.features].index(name) for name in names]
    outputs = tuple(function.outputs[place] for place in places)
    model = prune(onnx.load_from_string(function.model), outputs)
    kept = {value.name for value in model.graph.input}
    return BatchTransform(
        model.SerializeToString(deterministic=True),
        tuple(item for item in function.inputs if item.name in kept),
        outputs,
        tuple(function.features[place] for place in places),
    )


@dataclass(frozen=True)
class TransformedShard:
    """The features of a shard of raw rows, made each time that it is read.

    Parameters
    ----------
    shard
        The raw rows.
    function
        The transform.
    columns
        The raw columns that it reads.
    """

    shard: Shard
    function: BatchTransform
    columns: tuple[str, ...]

    @property
    def num_rows(self) -> int | None:
        """Rows of the raw shard."""
        return self.shard.num_rows

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Transform each batch of the raw shard; only what ``columns`` need is computed."""
        function, raw = self.function, list(self.columns)
        if columns:
            function = _selected(self.function, tuple(columns))
            read = {item.feature for item in function.inputs}
            raw = [name for name in raw if name in read] or raw[:1]
        for batch in self.shard.read(raw):
            features = function(batch)
            yield features if columns is None else features.select(list(columns))


def lazy(function: BatchTransform, dataset: Dataset) -> Dataset:
    """Return a dataset of features that are made as they are read."""
    columns = tuple(raw_names(function, dataset))
    return Dataset(function.schema, tuple(TransformedShard(shard, function, columns) for shard in dataset.shards))


@dataclass(frozen=True)
class Batching:
    """How rows are put into batches.

    Parameters
    ----------
    size
        Rows of a batch; the last one of an epoch may have fewer.
    shuffle
        Whether rows come in random order.
    seed
        Says which.
    epochs
        How often all rows come; without end when None.
    buffer_rows
        From so many rows the next ones are drawn when shuffling; fewer where these would take more than 256 MiB.
    drop_remainder
        Leave a last batch out that is not full.
    prefetch
        Batches that are made ahead on a thread; none when 0.
    """

    size: int
    shuffle: bool = True
    seed: int = 0
    epochs: int | None = 1
    buffer_rows: int = 131_072
    drop_remainder: bool = False
    prefetch: int = 4

    def check(self) -> None:
        """Raise TransformError where a number is none, or too small."""
        least = {"batch_size": (self.size, 1), "buffer_rows": (self.buffer_rows, 1), "prefetch": (self.prefetch, 0)}
        least |= {"seed": (self.seed, 0), "epochs": (1 if self.epochs is None else self.epochs, 1)}
        for name, (value, lowest) in least.items():
            if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
                raise TransformError(f"{name} of batches is an integer of at least {lowest}", got=repr(value))


def batched(function: BatchTransform, dataset: Dataset, how: Batching) -> Iterator[Arrays]:
    """Yield the features of batches, in the order of the transform's features.

    The same arguments give the same batches, however many threads there are.
    """
    if not function.features:
        raise TransformError("Batches have one feature at least", got="outputs=[]")
    made = _epochs(function, dataset, how)
    return made if how.prefetch == 0 else _ahead(made, how.prefetch)


def _epochs(function: BatchTransform, dataset: Dataset, how: Batching) -> Iterator[Arrays]:
    names = raw_names(function, dataset)
    row_bytes = sum(math.prod(feature.shape) * np.dtype(feature.dtype).itemsize for feature in function.features)
    epoch = 0
    while how.epochs is None or epoch < how.epochs:
        random = np.random.default_rng([how.seed, epoch])
        shards = list(dataset.shards)
        if how.shuffle:
            shards = [shards[place] for place in random.permutation(len(shards))]
        raw = (batch for shard in shards for batch in shard.read(names))
        rows: Iterable[Arrays] = in_order(function.run, _pieces(raw, max(_PIECE_BYTES // row_bytes, _LEAST_PIECE)))
        if how.shuffle:
            rows = _shuffled(rows, max(min(how.buffer_rows, _BUFFER_BYTES // row_bytes), 1), random)
        empty = True
        for batch in _cut(rows, how.size, drop_remainder=how.drop_remainder):
            empty = False
            yield batch
        if empty:
            # Another epoch would have no more.
            return
        epoch += 1


def _pieces(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)


def _joined(parts: Sequence[Arrays]) -> Arrays:
    return list(parts[0]) if len(parts) == 1 else [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]


def _shuffled(rows: Iterable[Arrays], buffer_rows: int, random: np.random.Generator) -> Iterator[Arrays]:
    """Permute the rows of a full buffer and let half of them go, so that a row may travel further than one buffer."""
    held: list[Arrays] = []
    count = 0
    for arrays in rows:
        held.append(arrays)
        count += len(arrays[0])
        if count < buffer_rows:
            continue
        order = random.permutation(count)
        together = _joined(held)
        kept = buffer_rows // 2
        yield [values[order[kept:]] for values in together]
        held = [[values[order[:kept]] for values in together]] if kept else []
        count = kept
    if count:
        order = random.permutation(count)
        yield [values[order] for values in _joined(held)]


def _cut(rows: Iterable[Arrays], size: int, *, drop_remainder: bool) -> Iterator[Arrays]:
    held: list[Arrays] = []
    count = 0
    for arrays in rows:
        held.append(arrays)
        count += len(arrays[0])
        if count < size:
            continue
        together = _joined(held)
        whole = count - count % size
        for start in range(0, whole, size):
            yield [values[start : start + size] for values in together]
        # A copy, or what is left would keep all of it.
        held = [[values[whole:].copy() for values in together]]
        count -= whole
    if count and not drop_remainder:
        yield _joined(held)


class _Done:
    """What a thread says last; with the error that ended its work, if one did."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def _ahead(items: Iterator[Arrays], number: int) -> Iterator[Arrays]:
    """Advance an iterator on a thread, by so many items at most; the thread ends with whoever takes them."""
    waiting: queue.Queue[Arrays | _Done] = queue.Queue(number)
    stopped = threading.Event()

    def put(item: Arrays | _Done) -> None:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.05)
            except queue.Full:
                continue
            return

    def work() -> None:
        try:
            for item in items:
                put(item)
                if stopped.is_set():
                    break
        except BaseException as error:  # noqa: BLE001 - it is raised where the items are taken
            put(_Done(error))
        else:
            put(_Done())
        finally:
            _close(items)

    thread = threading.Thread(target=work, name="headrace-batches", daemon=True)
    thread.start()
    try:
        while not isinstance(item := waiting.get(), _Done):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stopped.set()
        thread.join()


def _close(items: Iterator[Arrays]) -> None:
    close: Callable[[], None] | None = getattr(items, "close", None)
    if close is not None:
        close()
