"""What a value in a graph depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ndonnx import Array
    from spox import Var
    from spox._var import _VarInfo

__all__ = ["infos", "path_between", "reached", "shape_of_computation"]

# Operators that carry a value on without saying anything to a reader.
_SILENT = frozenset(
    {"Argument", "Cast", "Concat", "Constant", "Expand", "Gather", "Identity", "Initializer", "Reshape"}
)
_SILENT |= {"Shape", "Slice", "Squeeze", "Unsqueeze"}
_SPOKEN = {"If": "strip", "LabelEncoder": "look up", "MurmurHash3": "hash"}


def infos(array: Array) -> tuple[_VarInfo, ...]:
    """Return the identities of the values that an array is made of: its data first, its mask second."""
    parts = array.disassemble()
    found: list[Var] = list(parts.values()) if isinstance(parts, dict) else [parts]
    return tuple(var._var_info for var in found)  # noqa: SLF001 - spox's identity of a value


def _before(info: _VarInfo, further: Callable[[_VarInfo], Iterable[_VarInfo]]) -> Iterator[_VarInfo]:
    node = info._op  # noqa: SLF001 - spox's node of a value
    yield from node.dependencies
    for graph in node.subgraphs:
        for var in graph.requested_results.values():
            yield var._var_info  # noqa: SLF001
    yield from further(info)


def _nothing(_: _VarInfo) -> Iterable[_VarInfo]:
    return ()


def reached(
    starts: Iterable[_VarInfo], further: Callable[[_VarInfo], Iterable[_VarInfo]] = _nothing
) -> dict[_VarInfo, _VarInfo | None]:
    """Return all values that ``starts`` are computed from, each with the value through which it was first reached.

    Parameters
    ----------
    starts
        Where to begin; they are part of the answer.
    further
        Dependencies that the graph itself does not show.
    """
    found: dict[_VarInfo, _VarInfo | None] = dict.fromkeys(starts)
    queue = list(found)
    for info in queue:
        for before in _before(info, further):
            if before not in found:
                found[before] = info
                queue.append(before)
    return found


def path_between(
    found: dict[_VarInfo, _VarInfo | None], source: _VarInfo, names: Callable[[_VarInfo], str | None]
) -> list[str]:
    """Return the readable steps from a source that was reached to where the search began."""
    steps = []
    at: _VarInfo | None = source
    while at is not None:
        named = names(at)
        operator = at._op.op_type.identifier  # noqa: SLF001
        if named is not None:
            steps.append(named)
        elif operator not in _SILENT and (not steps or steps[-1] != operator):
            steps.append(_SPOKEN.get(operator, operator))
        at = found[at]
    return steps


def shape_of_computation(info: _VarInfo, known: dict[_VarInfo, int], numbers: dict[Any, int]) -> int:
    """Return a number that two values share when they are the same operators on the same inputs.

    Parameters
    ----------
    info
        The value.
    known, numbers
        What earlier calls found; both are filled.
    """
    stack = [info]
    while stack:
        at = stack[-1]
        if at in known:
            stack.pop()
            continue
        node = at._op  # noqa: SLF001
        waiting = [before for before in node.dependencies if before not in known]
        if waiting:
            stack.extend(waiting)
            continue
        key: Any
        if node.op_type.identifier == "Argument" or any(True for _ in node.subgraphs):
            key = id(at)
        else:
            outputs = [other is at for other in node.dependents]
            attributes = tuple(
                (name, _frozen(attribute.value)) for name, attribute in node.attrs.get_fields().items() if attribute
            )
            inputs = tuple(None if part is None else known[part] for part in node.inputs)
            key = (node.op_type, outputs.index(True), attributes, inputs)
        known[at] = numbers.setdefault(key, len(numbers))
        stack.pop()
    return known[info]


def _frozen(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        content = tuple(value.ravel().tolist()) if value.dtype.kind in "UO" else value.tobytes()
        return (value.dtype.str, value.shape, content)
    return (type(value).__name__, repr(value))
