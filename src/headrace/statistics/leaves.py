"""The values that an accumulator of a column is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["decoded", "present"]


# Few functions take these.
_VIEWS = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}


def present(values: pa.Array, weights: NDArray[np.float64] | None) -> tuple[pa.Array, NDArray[np.float64] | None]:
    """Return the values that are not null, and their weights."""
    if values.type in _VIEWS:
        values = values.cast(_VIEWS[values.type])
    if pa.types.is_dictionary(values.type) and values.dictionary.null_count:
        values = values.dictionary_decode()
    if pa.types.is_null(values.type) or values.null_count == len(values):
        return values.slice(0, 0), None if weights is None else weights[:0]
    if not values.null_count:
        return values, weights
    if weights is not None:
        weights = weights[values.is_valid().to_numpy(zero_copy_only=False)]
    return values.drop_null(), weights


def decoded(values: pa.Array) -> pa.Array:
    """Return the values themselves where they are dictionary-encoded."""
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
