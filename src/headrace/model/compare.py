"""Comparing what two runs of a model gave, bit for bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.errors import ModelError
from headrace.model.session import open_session, run_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import onnx

    from headrace.model.feeds import Feeds

    Array = np.ndarray[Any, Any]

__all__ = [
    "Difference",
    "OperatorDifference",
    "bits_equal",
    "differing_operators",
    "first_difference",
    "slices_of",
    "ulp_distance",
]

_WORDS: dict[int, Any] = {2: np.int16, 4: np.int32, 8: np.int64}
_FAR = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Difference:
    """The first place where two arrays differ, and how far they are apart at most.

    ``column`` is None for one value a row; ``max_ulps`` is the largest distance in units in the last place anywhere,
    None where the values are no floats; ``rows`` counts the rows that differ.
    """

    row: int
    column: int | None
    left: Any
    right: Any
    rows: int
    max_ulps: int | None

    def __str__(self) -> str:
        place = f"row {self.row}" + ("" if self.column is None else f", column {self.column}")
        far = "" if self.max_ulps is None else f", at most {self.max_ulps} units in the last place apart"
        return f"{place}: {self.left} and {self.right} ({self.rows} rows differ{far})"


@dataclass(frozen=True)
class OperatorDifference:
    """An operator that gives other bits for the same bits, between two ways of running the same rows."""

    operator: str
    node: str
    output: str
    difference: Difference

    def __str__(self) -> str:
        return f"{self.operator} ({self.node}), {self.difference}"


def _differs(left: Array, right: Array) -> Array:
    """Return where the bits differ; a NaN equals a NaN of the same bits, and 0.0 differs from -0.0."""
    if left.dtype.kind == "f":
        word = _WORDS[left.dtype.itemsize]
        return np.asarray(np.ascontiguousarray(left).view(word) != np.ascontiguousarray(right).view(word))
    return np.asarray(left != right)


def bits_equal(left: Array, right: Array) -> bool:
    """Say whether two arrays have the same type, shape and bits.

    >>> bits_equal(np.array([0.0]), np.array([-0.0]))
    False
    """
    return left.dtype == right.dtype and left.shape == right.shape and not _differs(left, right).any()


def ulp_distance(left: Array, right: Array) -> Array:
    """Count the representable numbers between two arrays of floats of one width, element by element.

    Two NaNs are 0 apart, a NaN and a number as far as int64 can say; 0.0 and -0.0 are 0 apart. From Bruce Dawson,
    "Comparing Floating Point Numbers, 2012 Edition": the bits of a float, read as a sign and a magnitude, count the
    floats from zero.

    >>> int(ulp_distance(np.float32([1.0]), np.nextafter(np.float32([1.0]), np.float32(2)))[0])
    1

    Raises
    ------
    ValueError
        If the types differ or are no floats, or the shapes differ.
    """
    if left.dtype != right.dtype or left.dtype.kind != "f" or left.shape != right.shape:
        raise ValueError(f"two float arrays of one type and shape are wanted, got {left.dtype} and {right.dtype}")
    word = _WORDS[left.dtype.itemsize]
    magnitude = np.iinfo(word).max

    def count(array: Array) -> Array:
        bits = np.ascontiguousarray(array).view(word)
        steps = (bits & magnitude).astype(np.int64)
        return np.asarray(np.where(bits < 0, -steps, steps))

    a, b = count(left), count(right)
    low, high = np.minimum(a, b), np.maximum(a, b)
    # Numbers of opposite sign may lie further apart than int64 reaches.
    overflow = (low < 0) & (high > _FAR + np.minimum(low, 0))
    distance = np.where(overflow, _FAR, high - np.where(overflow, 0, low))
    nan = np.isnan(left).astype(np.int8) + np.isnan(right)
    return np.asarray(np.where(nan == 2, 0, np.where(nan == 1, _FAR, distance)))


def first_difference(left: Array, right: Array) -> Difference | None:
    """Find the first row, and column in it, where two arrays of one type and shape differ; None if they do not.

    Raises
    ------
    ModelError
        If type or shape differ: then the runs did not even answer the same question.
    """
    if left.dtype != right.dtype or left.shape != right.shape:
        raise ModelError(
            "Two runs of a model give arrays of one type and shape",
            got=f"{left.dtype}{list(left.shape)} and {right.dtype}{list(right.shape)}",
        )
    differs = _differs(left, right)
    if not differs.any():
        return None
    place = np.unravel_index(int(np.argmax(differs)), differs.shape)
    rows = int(differs.reshape(len(differs), -1).any(axis=1).sum()) if differs.ndim else 1
    ulps = int(ulp_distance(left, right).max()) if left.dtype.kind == "f" else None
    column = None if differs.ndim < 2 else int(np.ravel_multi_index(place[1:], differs.shape[1:]))
    return Difference(int(place[0]) if place else 0, column, left[place], right[place], rows, ulps)


def slices_of(feeds: Feeds, batch_size: int) -> Iterator[Feeds]:
    """Cut feeds into batches of ``batch_size`` rows, the last one shorter."""
    rows = len(next(iter(feeds.values())))
    for start in range(0, rows, batch_size):
        yield {name: array[start : start + batch_size] for name, array in feeds.items()}


def differing_operators(
    model: onnx.ModelProto, feeds: Feeds, other: Sequence[Feeds] | int = 1
) -> tuple[OperatorDifference, ...]:
    """Find the operators that make a difference when rows are put into other batches.

    An operator makes one if it gives other bits although it was given the same bits.

    Parameters
    ----------
    model
        The graph.
    feeds
        All rows as one batch.
    other
        The same rows in batches, or the number of rows in one.

    Returns
    -------
    tuple of OperatorDifference
        In the order of the graph; empty where every operator agrees. Every inner value is made an output for this,
        which keeps the runtime from fusing operators: a difference that only a fused operator makes does not show.
    """
    import onnx

    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    known = {value.name for value in exposed.graph.output}
    for node in exposed.graph.node:
        exposed.graph.output.extend(
            onnx.ValueInfoProto(name=name) for name in node.output if name and name not in known
        )
    session = open_session(exposed.SerializeToString())
    made = {item.name for item in session.get_outputs()}
    names = [name for node in exposed.graph.node for name in node.output if name in made]
    rows = len(next(iter(feeds.values())))
    whole = _run(session, names, feeds)
    parts = [_run(session, names, part) for part in (slices_of(feeds, other) if isinstance(other, int) else other)]
    differing: set[str] = set()
    found: list[OperatorDifference] = []
    for node in exposed.graph.node:
        for name in node.output:
            if name not in made:
                continue
            left, rest = whole[name], [part[name] for part in parts]
            if not _per_row(left, rest, rows):
                continue
            difference = first_difference(left, np.concatenate(rest))
            if difference is None:
                continue
            if differing.isdisjoint(node.input):
                standard = node.domain in ("", "ai.onnx", "ai.onnx.ml")
                operator = node.op_type if standard else f"{node.domain}::{node.op_type}"
                found.append(OperatorDifference(operator, node.name or name, name, difference))
            differing.add(name)
    return tuple(found)


def _run(session: Any, names: list[str], feeds: Feeds) -> Mapping[str, Array]:
    return dict(zip(names, run_session(session, names, feeds), strict=True))


def _per_row(left: Any, rest: list[Any], rows: int) -> bool:
    """Say whether a value has one entry for each row of the batch."""
    if not isinstance(left, np.ndarray) or left.ndim == 0 or left.shape[0] != rows:
        return False
    return all(part.ndim == left.ndim and part.shape[1:] == left.shape[1:] for part in rest) and (
        sum(len(part) for part in rest) == rows
    )
