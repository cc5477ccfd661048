"""The rows that are looked at, and the types as which their columns are described."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors import DataError
from headrace.statistics.columns import feature_type
from headrace.statistics.sampling import RowNumbers, chosen, row_hashes

if TYPE_CHECKING:
    from headrace.engines.hashing import Hashes
    from headrace.statistics.options import StatsOptions

__all__ = ["Thinning", "cast_column", "cast_types"]

_SAMPLE_SEED = 1


class Thinning:
    """The rows that are looked at, of each batch."""

    def __init__(self, options: StatsOptions) -> None:
        self._rate = options.sample_rate
        self._seed = options.seed
        self._numbers = RowNumbers()

    def apply(self, batch: pa.RecordBatch, *, hashed: bool) -> tuple[pa.RecordBatch, Hashes | None]:
        """Return the rows of the sample, with their hashes where wanted."""
        thinned = self._rate is not None and self._rate < 1.0
        if not (thinned or hashed):
            return batch, None
        first = self._numbers.first(batch)
        if thinned:
            kept = chosen(row_hashes(first, batch.num_rows, self._seed + 2), self._rate or 1.0)
            batch = batch.filter(pa.array(kept))
            # Of other hashes than those that chose, which are all small.
            return batch, row_hashes(first, kept.size, _SAMPLE_SEED)[kept] if hashed else None
        return batch, row_hashes(first, batch.num_rows, _SAMPLE_SEED)


def cast_types(schema: pa.Schema, options: StatsOptions) -> dict[str, pa.DataType]:
    """Return the types as which the options' schema has columns described, where they are not the columns' own.

    Strings are read as the numbers that the schema says they are, and integers that are categories as strings.
    """
    found = {}
    for field in schema:
        if options.schema is None or field.name not in options.schema:
            continue
        wanted = options.schema[field.name]
        held = feature_type(field.type)
        if held == "STRING" and wanted.type in ("INT", "FLOAT"):
            found[field.name] = pa.int64() if wanted.type == "INT" else pa.float64()
        elif held == "INT" and wanted.type == "INT" and wanted.is_categorical:
            found[field.name] = pa.string()
    return found


def cast_column(batch: pa.RecordBatch, name: str, casts: dict[str, pa.DataType]) -> pa.Array:
    """Return a column of a batch, as the type that ``casts`` has for it.

    Raises
    ------
    DataError
        If a text is not the number that it should be.
    """
    column = batch.column(name)
    kind = casts.get(name)
    if kind is None:
        return column
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not pa.types.is_string(kind):
        column = pc.utf8_trim_whitespace(column)
    try:
        return column.cast(kind)
    except pa.ArrowInvalid as error:
        raise DataError(
            f"The schema says that column {name!r} has numbers",
            got=str(error).splitlines()[0],
            fix="Make it STRING in the schema, or mend the data",
        ) from error
