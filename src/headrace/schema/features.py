"""What an estimator knows of a transformed feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["FeatureSpec"]


@dataclass(frozen=True)
class FeatureSpec:
    """One output of a transform graph.

    Parameters
    ----------
    name
        The key under which ``preprocessing_fn`` returned it.
    dtype
        ``"float32"`` for numbers, ``"int64"`` for ids, counts and truth values.
    shape
        Without the row axis: ``()`` for one value a row, ``(k,)`` for k values a row.
    num_buckets
        Ids lie in ``[0, num_buckets)``; None where the values are numbers rather than ids.
    vocabulary
        What the ids stand for, in order, without the out-of-vocabulary buckets; None where unknown.
    sources
        The raw columns that it is computed from, through the graph and through analyzers.
    """

    name: str
    dtype: Literal["float32", "int64"]
    shape: tuple[int, ...] = ()
    num_buckets: int | None = None
    vocabulary: tuple[str, ...] | None = None
    sources: tuple[str, ...] = ()

    @property
    def is_categorical(self) -> bool:
        """Whether the values are ids of categories."""
        return self.num_buckets is not None
