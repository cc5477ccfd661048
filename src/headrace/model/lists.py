"""Lists of several values a row as an ONNX session takes them: matrices, and where there is an item in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from headrace.model.signature import Input

__all__ = ["check_cells", "is_list_type", "list_parts", "list_pieces", "longest_lists", "matrix", "within"]

# 8 MiB of float64; the longest list of a batch is as wide as all of it.
_CELLS = 1 << 20
# 128 MiB of float64, for a request as a whole.
_MOST_CELLS = 1 << 24


def is_list_type(kind: pa.DataType) -> bool:
    """Say whether an Arrow type is one of lists, whatever the layout."""
    types = pa.types
    return bool(
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
        or types.is_list_view(kind)
        or types.is_large_list_view(kind)
    )


def list_parts(column: pa.Array) -> tuple[pa.Array, NDArray[np.int64]]:
    """Return the items of all lists, one list after the other, and how many items each list has.

    Parameters
    ----------
    column
        Of a list type; a null has no items.
    """
    return column.flatten(), _lengths(column)


def _lengths(column: pa.Array) -> NDArray[np.int64]:
    lengths: NDArray[np.int64] = pc.fill_null(pc.list_value_length(column).cast(pa.int64()), 0).to_numpy()
    return lengths


def within(lengths: NDArray[np.int64], width: int) -> NDArray[np.bool_]:
    """Return a matrix that is True where lists have items."""
    inside: NDArray[np.bool_] = np.arange(width) < lengths[:, None]
    return inside


def matrix(items: NDArray[Any], lengths: NDArray[np.int64], width: int, fill: Any) -> NDArray[Any]:
    """Put lists below one another.

    Parameters
    ----------
    items
        One list after the other.
    lengths
        Of the lists.
    width
        Of the result; no list is longer.
    fill
        What stands behind the end of a list.
    """
    if items.size == lengths.size * width:
        return items.reshape(lengths.size, width)
    found = np.full((lengths.size, width), fill, items.dtype)
    found[within(lengths, width)] = items
    return found


def longest_lists(batch: pa.RecordBatch, inputs: Sequence[Input]) -> NDArray[np.int64]:
    """Return the length of the longest list of each row, of the inputs that take lists of any length; 1 at least."""
    names = {item.feature for item in inputs if item.is_list and isinstance(item.shape[1], str)}
    longest = np.ones(batch.num_rows, np.int64)
    for name in sorted(names & set(batch.schema.names)):
        column = batch.column(name)
        if is_list_type(column.type):
            longest = np.maximum(longest, _lengths(column))
    return longest


def check_cells(rows: int, width: int, column: str) -> None:
    """Raise RequestError where lists are too many, since each takes as many values as the longest."""
    if rows > 1 and rows * width > _MOST_CELLS:
        raise RequestError(
            f"A request has at most {_MOST_CELLS:,} values: rows times the longest list",
            got=f"{rows:,} rows, and a list of {width:,}",
            where=f"column {column!r}",
            fix="Send rows with long lists in requests of their own",
        )


def list_pieces(batch: pa.RecordBatch, inputs: Sequence[Input], cells: int = _CELLS) -> Iterator[pa.RecordBatch]:
    """Cut a batch where its lists would become too large a matrix, because one of them is long.

    Parameters
    ----------
    batch
        Raw columns.
    inputs
        A signature's inputs.
    cells
        How many values a matrix has at most, unless one row alone has more.

    Yields
    ------
    pyarrow.RecordBatch
        At least one, with all rows in their order; the batch itself where no column has lists of different lengths.
    """
    longest = longest_lists(batch, inputs)
    if batch.num_rows * int(longest.max(initial=1)) <= cells:
        yield batch
        return
    start, width = 0, 1
    for row, length in enumerate(longest.tolist()):
        wider = max(width, length)
        if row > start and (row - start + 1) * wider > cells:
            yield batch.slice(start, row - start)
            start, wider = row, length
        width = wider
    yield batch.slice(start)
