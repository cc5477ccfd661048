"""The schema: inferred from statistics, or the one that a person has curated."""

from __future__ import annotations

import logging
from pathlib import Path

from headrace.components.artifacts import ExampleStatistics, Schema
from headrace.pipeline import FilePath, component

__all__ = ["schema_gen"]

log = logging.getLogger(__name__)


@component
def schema_gen(statistics: ExampleStatistics, *, curated: FilePath | None = None, split: str = "train") -> Schema:
    """Return the curated schema where its file exists, else infer one.

    Parameters
    ----------
    statistics
        Of the data that the schema is inferred from.
    curated
        A ``schema.yaml`` that a person looks after. To begin one: ``headrace schema infer DATA > schema.yaml``.
    split
        Which split to infer from.

    Raises
    ------
    SchemaError
        If the curated file is not a schema.
    DataError
        If there is no such split.
    """
    from headrace.schema import Schema as SchemaOfData
    from headrace.validation import infer_schema

    result = Schema.create()
    if curated is not None and Path(curated).exists():
        schema = SchemaOfData.load(curated)
        result.properties["curated"] = str(curated)
    else:
        if curated is not None:
            log.warning("%s is not there, so the schema is inferred from %s", curated, split)
        schema = infer_schema(statistics.load().only(split))
        result.properties["curated"] = None
    schema.save(result.path / "schema.yaml")
    return result
