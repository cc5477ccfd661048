"""From the values of columns to group codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors import EvaluationError
from headrace.evaluation.labels import column_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from headrace.evaluation.result import SliceKey

__all__ = ["MISSING", "Slicer"]

MISSING = "missing"


class Slicer:
    """Numbers the slices of one list of columns, in the order in which they turn up.

    Parameters
    ----------
    columns
        Their names.
    limit
        More slices are an error.
    """

    def __init__(self, columns: Sequence[str], limit: int) -> None:
        self.columns = tuple(columns)
        self.keys: list[SliceKey] = []
        self._limit = limit
        self._known: dict[tuple[str, ...], int] = {}

    def codes(self, batch: pa.RecordBatch, rows: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.intp]:
        """Return the number of each row's slice.

        Parameters
        ----------
        batch
            Raw columns.
        rows
            The rows to look at; all where None.
        """
        combined = np.zeros(batch.num_rows if rows is None else int(rows.sum()), dtype=np.int64)
        values: list[list[str]] = []
        for name in self.columns:
            column = column_of(batch, name)
            if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
                raise EvaluationError(
                    "Slices are by columns of numbers, texts, truth values or times",
                    got=f"column {name!r} of type {column.type}",
                )
            encoded, found = _encode(column if rows is None else column.filter(pa.array(rows)))
            values.append(found)
            # Renumbering after each column keeps the product of cardinalities small.
            combined = combined * len(found) + encoded
        present, local = np.unique(combined, return_inverse=True)
        numbers = np.empty(len(present), dtype=np.intp)
        for at, code in enumerate(present.tolist()):
            parts = []
            for found in reversed(values):
                code, index = divmod(code, len(found))  # noqa: PLW2901 - the code is taken apart
                parts.append(found[index])
            numbers[at] = self.number(tuple(reversed(parts)))
        return numbers[local]

    def number(self, values: tuple[str, ...]) -> int:
        """Return the number of a slice, a new one where it was not seen before."""
        number = self._known.get(values)
        if number is None:
            number = len(self.keys)
            if number >= self._limit:
                raise EvaluationError(
                    f"One list of columns makes at most {self._limit} slices",
                    got=f"more values of {', '.join(self.columns)}",
                    fix="Slice by columns with fewer values, or raise EvalConfig(max_slices=…)",
                )
            self._known[values] = number
            self.keys.append(tuple(zip(self.columns, values, strict=True)))
        return number


def _encode(column: Any) -> tuple[npt.NDArray[np.int64], list[str]]:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    texts = pc.cast(column.dictionary, pa.string()).to_pylist()
    # A dictionary may hold a null or the same text twice; slices are told apart by their text.
    names = list(dict.fromkeys([MISSING if text is None else text for text in texts] + [MISSING]))
    position = {name: at for at, name in enumerate(names)}
    renumber = np.array([position[MISSING if text is None else text] for text in texts] + [position[MISSING]])
    indices = pc.fill_null(pc.cast(column.indices, pa.int64()), len(texts)).to_numpy(zero_copy_only=False)
    return renumber[indices].astype(np.int64), names
