"""How the text of a column is cleaned, declared once by the source and carried in Arrow field metadata."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["WHITESPACE", "Cleaning", "clean_array", "cleaning", "with_cleaning"]

WHITESPACE = " \t\n\v\f\r"
_STRIP = b"headrace.strip"
_NULL_VALUES = b"headrace.null_values"


@dataclass(frozen=True)
class Cleaning:
    r"""What is done to every text of a column.

    Parameters
    ----------
    strip
        Remove the characters `` \t\n\v\f\r`` from both ends.
    null_values
        Texts that mean missing, compared after stripping.
    """

    strip: bool = False
    null_values: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anything is done at all."""
        return self.strip or bool(self.null_values)


def cleaning(field: pa.Field) -> Cleaning:
    """Return the cleaning that a field declares in its metadata."""
    metadata: dict[bytes, bytes] = field.metadata or {}
    return Cleaning(metadata.get(_STRIP) == b"true", tuple(json.loads(metadata.get(_NULL_VALUES, b"[]"))))


def with_cleaning(field: pa.Field, cleaning: Cleaning) -> pa.Field:
    """Return the field with the cleaning declared in its metadata; other metadata stays."""
    metadata: dict[bytes, bytes] = {
        key: value for key, value in (field.metadata or {}).items() if key not in {_STRIP, _NULL_VALUES}
    }
    if cleaning.strip:
        metadata[_STRIP] = b"true"
    if cleaning.null_values:
        metadata[_NULL_VALUES] = json.dumps(list(cleaning.null_values), ensure_ascii=False).encode()
    return field.with_metadata(metadata) if metadata else field.remove_metadata()


def clean_array(array: Any, cleaning: Cleaning) -> Any:
    """Strip texts, then turn those that mean missing into nulls.

    Parameters
    ----------
    array
        A string array or chunked array, or a dictionary array of strings.
    cleaning
        What to do.

    Returns
    -------
    Array or ChunkedArray
        Of the same type and length.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not cleaning:
        return array
    if pa.types.is_dictionary(array.type):
        if isinstance(array, pa.ChunkedArray):
            return pa.chunked_array([clean_array(chunk, cleaning) for chunk in array.chunks], array.type)
        plain = array.dictionary
        texts = clean_array(plain, cleaning)
        if texts is plain:
            return array
        words = texts.dictionary_encode()
        indices = words.indices.take(array.indices).cast(array.type.index_type)
        return pa.DictionaryArray.from_arrays(indices, words.dictionary).cast(array.type)
    if cleaning.strip and _may_have_space(array):
        array = pc.utf8_trim(array, characters=WHITESPACE)
    if cleaning.null_values:
        if cleaning.null_values == ("",) and not _may_have_empty(array):
            return array
        missing = pc.is_in(array, value_set=pa.array(cleaning.null_values, array.type))
        if missing.true_count if isinstance(missing, pa.Array) else pc.any(missing).as_py():
            array = pc.if_else(missing, pa.scalar(None, array.type), array)
    return array


def _may_have_space(array: Any) -> bool:
    """Tell whether a text begins or ends with white space, which is far less work than trimming."""
    import numpy as np

    layout = _layout(array)
    if layout is None:
        return True
    edges, data = layout
    filled = edges[1:] > edges[:-1]
    starts, ends = (edges[:-1], edges[1:]) if filled.all() else (edges[:-1][filled], edges[1:][filled])
    # All white space, and little else, is at or below the blank.
    return bool((data[starts] <= ord(" ")).any() or (data[ends - np.int32(1)] <= ord(" ")).any())


def _may_have_empty(array: Any) -> bool:
    layout = _layout(array)
    return layout is None or bool((layout[0][1:] == layout[0][:-1]).any())


def _layout(array: Any) -> tuple[Any, Any] | None:
    """Return the offsets and the bytes of an array of texts; None where it has another layout."""
    import numpy as np
    import pyarrow as pa

    if not isinstance(array, pa.StringArray) or not len(array):
        return None
    _, offsets, data = array.buffers()
    edges = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1]
    return edges, np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
