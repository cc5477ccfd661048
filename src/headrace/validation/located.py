"""Values of a feature in a batch of rows, and the rows that they stand in, through structs and lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.statistics.columns import feature_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Rows = npt.NDArray[np.int64]

__all__ = ["Located", "flattened", "is_list", "kind_of", "located"]


@dataclass(frozen=True)
class Located:
    """Values, and the row of the batch that each stands in, int64 of the same length."""

    values: pa.Array
    rows: Rows

    def where(self, mask: pa.Array) -> Located:
        """Return the values for which a mask of booleans is true."""
        return Located(self.values.filter(mask), self.rows[mask.to_numpy(zero_copy_only=False)])

    @property
    def present(self) -> Located:
        """The values without nulls."""
        return self.where(self.values.is_valid()) if self.values.null_count else self


def is_list(kind: pa.DataType) -> bool:
    """Return whether a type is one of lists."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def kind_of(kind: pa.DataType) -> str | None:
    """Return the feature type of an Arrow type, or of what its lists hold; None where there is none."""
    while is_list(kind) or pa.types.is_dictionary(kind):
        kind = kind.value_type
    return "STRUCT" if pa.types.is_struct(kind) else feature_type(kind)


def located(batch: pa.RecordBatch, path: Sequence[str]) -> Located | None:
    """Return the feature at the end of a path, one value a row, or a struct that is there; None where there is none."""
    index = batch.schema.get_field_index(path[0])
    if index < 0:
        return None
    found = Located(_plain(batch.column(index)), np.arange(batch.num_rows, dtype=np.int64))
    for step in path[1:]:
        while is_list(found.values.type):
            found = flattened(found.present)
        found = found.present
        kind = found.values.type
        if not pa.types.is_struct(kind) or kind.get_field_index(step) < 0:
            return None
        found = Located(_plain(pc.struct_field(found.values, step)), found.rows)
    return found


def flattened(lists: Located) -> Located:
    """Return the items of lists, none of which is null."""
    parents = pc.list_parent_indices(lists.values).to_numpy(zero_copy_only=False)
    return Located(_plain(pc.list_flatten(lists.values)), lists.rows[parents])


def _plain(values: pa.Array) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _plain(values.dictionary_decode())
    if pa.types.is_large_string(kind) or pa.types.is_null(kind) or kind == pa.string_view():
        return values.cast(pa.string())
    if pa.types.is_float16(kind) or pa.types.is_decimal(kind):
        return values.cast(pa.float64())
    return values
