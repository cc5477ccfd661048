"""Splits as folders of Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.data import Dataset

__all__ = ["keep_split"]


def keep_split(folder: Path, made: Dataset) -> int:
    """Count the rows of a split that an engine has written into a folder, and give it a file if it has none.

    A split may be empty, as one of a few rows by hash; the file without rows keeps its columns.
    """
    from headrace.data import ParquetSink

    rows = made.count_rows()
    if not rows:
        ParquetSink(folder).open(0, made.schema).finish()
    return rows
