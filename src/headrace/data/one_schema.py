"""Files that have the same columns, as those of one dataset must."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from headrace.data.filesystem import File

__all__ = ["one_schema", "readable"]


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


def readable(schema: pa.Schema) -> pa.Schema:
    """Return a schema without its metadata, once every name in it is known to be text.

    Raises
    ------
    UnicodeDecodeError
        If a name is not UTF-8, as in a file that is damaged.
    """
    level = list(schema)
    while level:
        _ = [field.name for field in level]
        level = [field.type.field(index) for field in level for index in range(field.type.num_fields)]
    return schema.with_metadata(None)


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
