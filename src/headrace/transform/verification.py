"""The proof that a transform gives a row the same features, whatever rows it comes with."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from headrace.errors import DataError
from headrace.model import differing_operators, first_difference
from headrace.model.compare import slices_of
from headrace.model.feeds import feeds_from_batch
from headrace.model.packed import open_packed_session
from headrace.model.session import open_session, run_session
from headrace.transform.column_parts import split_by_column
from headrace.transform.distinct import run_split

if TYPE_CHECKING:
    from headrace.data import Dataset
    from headrace.transform.batch_transform import BatchTransform
    from headrace.transform.graph import TransformGraph

    Arrays = list[np.ndarray[Any, Any]]

__all__ = ["TransformComparison", "TransformVerification", "verify_transform"]

_MAX_ULPS = 2
_SEED = 1994


@dataclass(frozen=True)
class TransformComparison:
    """One way of giving rows to a transform, against all of them as one batch.

    Parameters
    ----------
    way
        How the rows were given.
    ok
        Whether all features have the same bits, or every operator that makes a difference makes one of 2 units in the
        last place at most.
    identical
        Whether all features have the same bits.
    feature, difference
        The first feature that differs, and where.
    operators
        The operators that make a difference, and how large a one.
    """

    way: str
    ok: bool
    identical: bool
    feature: str | None = None
    difference: str | None = None
    operators: tuple[str, ...] = ()


@dataclass(frozen=True)
class TransformVerification:
    """What a verification of a transform found; ``not_read`` are columns of the data that no feature depends on."""

    ok: bool
    rows: int
    read: tuple[str, ...]
    not_read: tuple[str, ...]
    comparisons: tuple[TransformComparison, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"{'Same' if self.ok else 'NOT the same'} in every way, {self.rows} rows"]
        for item in self.comparisons:
            verdict = "identical" if item.identical else "rounded" if item.ok else "DIFFERENT"
            lines.append(f"  {item.way}: {verdict}")
            if not item.identical:
                lines.append(f"    {item.feature}, {item.difference}")
            if item.operators:
                lines.append(f"    by {', '.join(item.operators)}")
        lines.append(f"columns read: {', '.join(self.read) or 'none'}; not read: {', '.join(self.not_read) or 'none'}")
        return "\n".join(lines)


def verify_transform(graph: TransformGraph, dataset: Dataset, max_rows: int) -> TransformVerification:
    """See :meth:`TransformGraph.verify`."""
    transform = graph.batch_transform()
    read = list(dict.fromkeys(item.feature for item in transform.inputs))
    batch = _first_rows(dataset, [name for name in read if name in dataset.schema.names], max_rows)
    feeds = feeds_from_batch(batch, transform.inputs)
    reference = _whole(transform, feeds)
    rows = batch.num_rows
    order = np.random.default_rng(_SEED).permutation(rows)
    back = np.argsort(order)
    shuffled = {name: values[order] for name, values in feeds.items()}
    half = -(-rows // 2)
    ways = {
        "one row at a time": (_row_by_row(transform, batch, open_session(transform.model)), 1),
        "one row at a time, in a packed graph": (
            _row_by_row(transform, batch, open_packed_session(transform.model)),
            1,
        ),
        "seven rows at a time": (_in_slices(transform, feeds, 7), 7),
        "shuffled, in two parts": ([values[back] for values in _in_slices(transform, shuffled, half)], half),
        "texts once for each distinct value": (_distinct(transform, batch), half),
    }
    found = [_compared(way, transform, feeds, reference, answer, size) for way, (answer, size) in ways.items()]
    unread = tuple(name for name in dataset.schema.names if name not in read)
    return TransformVerification(all(one.ok for one in found), rows, tuple(read), unread, tuple(found))


def _first_rows(dataset: Dataset, columns: list[str], max_rows: int) -> pa.RecordBatch:
    batches: list[pa.RecordBatch] = []
    rows = 0
    for batch in dataset.batches(columns or dataset.columns[:1]):
        batches.append(batch)
        rows += batch.num_rows
        if rows >= max_rows:
            break
    table = pa.Table.from_batches(batches).slice(0, max_rows).combine_chunks() if batches else None
    if table is None or not table.num_rows:
        raise DataError("A verification replays at least one row", got="no rows")
    return table.to_batches()[0]


def _whole(transform: BatchTransform, feeds: dict[str, Any]) -> Arrays:
    return run_session(open_session(transform.model), list(transform.outputs), feeds)


def _in_slices(transform: BatchTransform, feeds: dict[str, Any], size: int) -> Arrays:
    session = open_session(transform.model)
    parts = [run_session(session, list(transform.outputs), part) for part in slices_of(feeds, size)]
    return [np.concatenate(values) for values in zip(*parts, strict=True)]


def _row_by_row(transform: BatchTransform, batch: pa.RecordBatch, session: Any) -> Arrays:
    """Run single rows, whose lists are no wider than they are."""
    names = list(transform.outputs)
    rows = (batch.slice(number, 1) for number in range(batch.num_rows))
    parts = [run_session(session, names, feeds_from_batch(row, transform.inputs)) for row in rows]
    return [np.concatenate(values) for values in zip(*parts, strict=True)]


def _distinct(transform: BatchTransform, batch: pa.RecordBatch) -> Arrays:
    """Run each text column's part on its distinct values, however few the rows are."""
    encoded = [column.dictionary_encode() if pa.types.is_string(column.type) else column for column in batch.columns]
    split = split_by_column(transform.model, transform.inputs)
    rows = pa.record_batch(encoded, names=batch.schema.names)
    found = run_split(split, transform.model, transform.inputs, rows, transform.outputs, always=True)
    return [found[name] for name in transform.outputs]


def _compared(
    way: str, transform: BatchTransform, feeds: dict[str, Any], reference: Arrays, answer: Arrays, size: int
) -> TransformComparison:
    for feature, left, right in zip(transform.features, reference, answer, strict=True):
        difference = first_difference(left, right)
        if difference is None:
            continue
        import onnx

        operators = differing_operators(onnx.load_from_string(transform.model), feeds, size)
        # What comes after such an operator may magnify its rounding; a fault of its own shows at its source.
        sources = [one.difference.max_ulps for one in operators] or [difference.max_ulps]
        ok = all(ulps is not None and ulps <= _MAX_ULPS for ulps in sources)
        named = tuple(f"{one.operator} ({one.difference.max_ulps} in the last place)" for one in operators)
        return TransformComparison(way, ok, False, feature.name, str(difference), named)
    return TransformComparison(way, ok=True, identical=True)
