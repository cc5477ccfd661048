"""Files that have the same columns, as those of one dataset must."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from headrace.data.filesystem import File

__all__ = ["one_schema"]


def one_schema(schemas: Iterable[tuple[File, pa.Schema]]) -> pa.Schema:
    """Return the schema that all files have.

    Raises
    ------
    DataError
        If two differ; the message has the column and both files.
    """
    first, schema = None, None
    for file, own in schemas:
        if first is None:
            first, schema = file, own
        elif not own.equals(schema):
            raise _difference(first, schema, file, own)
    return schema


def _difference(first: File, schema: pa.Schema, file: File, own: pa.Schema) -> DataError:
    where = f"{first} and {file}"
    for name in dict.fromkeys([*schema.names, *own.names]):
        if name not in own.names or name not in schema.names:
            here = file if name not in own.names else first
            known = own.names if name not in own.names else schema.names
            return DataError(
                "All files have the same columns",
                got=f"{name!r} is not in {here}",
                where=where,
                fix=did_you_mean(name, known),
            )
        if own.field(name).type != schema.field(name).type:
            types = f"{schema.field(name).type} and {own.field(name).type}"
            return DataError(f"Column {name!r} has the same type in all files", got=types, where=where)
    return DataError("All files have the same columns in the same order", got=own.names, where=where)
