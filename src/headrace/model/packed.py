"""Sessions of packed graphs, which take and give what those of the graphs themselves do, sooner for few rows."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.errors import ModelError
from headrace.model.session import failed, open_session

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    import onnx

    from headrace.model.feeds import Feeds
    from headrace.model.packing import Packed

__all__ = ["Argument", "PackedSession", "open_packed_session", "optimized", "run_matrices"]

_LEAST_SAVED = 4
# Larger models gain nothing that shows, and would be in memory several times while they are opened.
_LARGEST = 1 << 28

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Argument:
    """An input or output, as ONNX Runtime describes it."""

    name: str
    type: str
    shape: list[str | int | None]


@dataclass(frozen=True)
class _Plan:
    """What to fetch for some outputs, and how to take them apart."""

    names: list[str]
    columns: tuple[tuple[str, ...] | str, ...]
    alone: tuple[bool, ...]
    pick: Callable[[list[Array]], tuple[Array, ...]]


class PackedSession:
    """A session of a packed graph, with the methods of an ``onnxruntime.InferenceSession`` that are used here.

    Safe to use from many threads at once.

    Parameters
    ----------
    packed
        The graph, rewritten.
    inputs, outputs
        Those of the graph before it was rewritten.
    threads
        Threads inside one operator.
    patterns
        See :func:`~headrace.model.session.open_session`; without effect where a graph takes lists.
    """

    def __init__(
        self,
        packed: Packed,
        inputs: list[Argument],
        outputs: list[Argument],
        *,
        threads: int = 1,
        patterns: bool = False,
    ) -> None:
        import onnx
        import onnxruntime

        self._session = open_session(
            packed.model.SerializeToString(),
            threads=threads,
            # It has been at work before: it takes the sum of a number and nought for the number, -0.0 included, but not
            # everywhere in a graph, and so would give other bits.
            optimize=False,
            # Lists come in many widths, and each would have a pattern of its own.
            patterns=patterns and len(packed.model.graph.input) == len(packed.inputs),
        )
        # Made once; it is not written to, so that runs may share it.
        self._options = onnxruntime.RunOptions()
        self._options.log_severity_level = 3
        self._options.add_run_config_entry("disable_synchronize_execution_providers", "1")
        self._inputs, self._outputs = inputs, outputs
        self._packs = [
            (
                one.name,
                itemgetter(*one.members) if len(one.members) > 1 else _only(one.members[0]),
                np.dtype(onnx.helper.tensor_dtype_to_np_dtype(one.dtype)),
                len(one.members),
            )
            for one in packed.inputs
        ]
        members = {name for one in packed.inputs for name in one.members}
        matrices = {one.name for one in packed.inputs}
        # Among them are those that have a value of their own, which need not be given.
        self._others = [item.name for item in packed.model.graph.input if item.name not in matrices]
        self._known = members | set(self._others)
        self._needed = frozenset(item.name for item in inputs)
        self._packed_outputs = [(one.name, one.members) for one in packed.outputs]
        self._all = [item.name for item in outputs]
        self._plans: dict[tuple[str, ...], _Plan] = {}

    def get_inputs(self) -> list[Argument]:
        """Return the inputs of the graph, in its order."""
        return list(self._inputs)

    def get_outputs(self) -> list[Argument]:
        """Return the outputs of the graph, in its order."""
        return list(self._outputs)

    def run(self, outputs: Sequence[str] | None, feeds: Feeds) -> list[Array]:
        """Run the graph.

        Parameters
        ----------
        outputs
            Names of outputs; all of them where None or empty.
        feeds
            An array for each input.

        Returns
        -------
        list of numpy.ndarray
            In the order of ``outputs``.

        Raises
        ------
        ValueError
            If there is no such output, an input has no array or another array than it takes, or columns differ in
            length. ONNX Runtime's own exceptions pass through.
        """
        wanted = tuple(outputs or self._all)
        plan = self._plans.get(wanted) or self._plan(wanted)
        flat: list[Array] = []
        for values, alone in zip(self._fetched(plan, feeds), plan.alone, strict=True):
            if alone:
                flat.append(values)
            else:
                flat.extend(values)
        return list(plan.pick(flat))

    def matrices(self, outputs: tuple[str, ...], feeds: Feeds) -> list[tuple[tuple[str, ...] | str, Array]]:
        """Run the graph as :meth:`run` does, and return what it gives as it comes.

        Returns
        -------
        list of tuple
            A matrix, and the names of the outputs that are its rows, which need not all be wanted; or an output that is
            in no matrix, and its name.
        """
        plan = self._plans.get(outputs) or self._plan(outputs)
        return list(zip(plan.columns, self._fetched(plan, feeds), strict=True))

    def _fetched(self, plan: _Plan, feeds: Feeds) -> list[Array]:
        found: list[Array] = self._session.run(plan.names, self._feeds(feeds), self._options)
        return found

    def _plan(self, wanted: tuple[str, ...]) -> _Plan:
        homes = {member: (name, members) for name, members in self._packed_outputs for member in members}
        unknown = [name for name in wanted if name not in self._all]
        if unknown:
            raise ValueError(f"there is no output {unknown[0]!r}")
        fetched = {homes.get(name, (name, None)): None for name in wanted}
        names = [name for name, _ in fetched]
        places: dict[str, int] = {}
        for name, members in fetched:
            for member in members or (name,):
                places[member] = len(places)
        pick = [places[name] for name in wanted]
        plan = _Plan(
            names,
            tuple(members or name for name, members in fetched),
            tuple(members is None for _, members in fetched),
            itemgetter(*pick) if len(pick) > 1 else _only(pick[0]),
        )
        self._plans[wanted] = plan
        return plan

    def _feeds(self, feeds: Feeds) -> Feeds:
        if len(feeds) != len(self._known):
            self._check(feeds)
        given: Feeds = {}
        rows: int | None = None
        for name, members, dtype, count in self._packs:
            try:
                arrays = members(feeds)
            except KeyError:
                self._check(feeds)
                raise
            if list(map(_dtype_of, arrays)).count(dtype) != count:
                arrays = [_fitting(array, dtype) for array in arrays]
            # One call that refuses columns of different lengths.
            given[name] = matrix = np.array(arrays)
            if rows is None:
                rows = matrix.shape[1]
            elif matrix.shape[1] != rows:
                raise ValueError(f"columns have {rows} and {matrix.shape[1]} rows")
        if self._others:
            self._check(feeds)
            given |= {name: feeds[name] for name in self._others if name in feeds}
        return given

    def _check(self, feeds: Feeds) -> None:
        missing = sorted(self._needed - feeds.keys())
        if missing:
            raise ValueError(f"input {missing[0]!r} is missing")
        unknown = sorted(feeds.keys() - self._known)
        if unknown:
            raise ValueError(f"there is no input {unknown[0]!r}")


def run_matrices(
    session: PackedSession, outputs: tuple[str, ...], feeds: Feeds
) -> list[tuple[tuple[str, ...] | str, Array]]:
    """Return what :meth:`PackedSession.matrices` does; ModelError if an operator fails on these values."""
    try:
        return session.matrices(outputs, feeds)
    except Exception as error:  # the runtime's exceptions share no base
        raise failed(error) from error


_dtype_of = attrgetter("dtype")


def _only(key: Any) -> Callable[[Any], tuple[Any, ...]]:
    return lambda values: (values[key],)


def _fitting(array: Array, dtype: np.dtype[Any]) -> Array:
    """Return an array in the type of its input; ONNX Runtime takes texts in NumPy's own types too."""
    if array.dtype == dtype:
        return array
    if dtype == np.object_ and array.dtype.kind == "U":
        return array.astype(object)
    raise ValueError(f"an input of type {dtype} was given {array.dtype}")


def open_packed_session(source: str | os.PathLike[str] | bytes, *, threads: int = 1, patterns: bool = False) -> Any:
    """Open a graph with ONNX Runtime for batches of few rows, packed where that makes them faster.

    Opening it takes three times as long as :func:`open_session`.

    Parameters
    ----------
    source
        A file, or the bytes of one; it stays what it is.
    threads
        Threads inside one operator.
    patterns
        Remember where in memory inner values lie for each number of rows, up to some ten kilobytes for each: worth it
        where batches are of few sizes.

    Returns
    -------
    PackedSession or onnxruntime.InferenceSession
        The same bits come from either.

    Raises
    ------
    ModelError
        If the file is absent or is no graph that ONNX Runtime can run.
    """
    found = optimized(source)
    if found is None:
        return open_session(source, threads=threads)
    from headrace.model.packing import pack

    model, inputs, outputs = found
    packed = pack(model)
    if packed.saved < _LEAST_SAVED:
        return open_session(source, threads=threads)
    return PackedSession(packed, inputs, outputs, threads=threads, patterns=patterns)


def optimized(
    source: str | os.PathLike[str] | bytes,
) -> tuple[onnx.ModelProto, list[Argument], list[Argument]] | None:
    """Return a graph as ONNX Runtime's optimizer makes it, its constants folded; None where that cannot be had."""
    import onnx
    from google.protobuf.message import DecodeError
    from onnx.external_data_helper import uses_external_data

    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        if len(data) > _LARGEST or any(map(uses_external_data, onnx.load_from_string(data).graph.initializer)):
            return None
        with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
            file = Path(folder, "model.onnx")
            session = open_session(data, optimized=file)
            model = onnx.load(file)
    except (OSError, DecodeError, ModelError):
        # The graph as it is will do, or tell what is wrong with it.
        return None
    inputs, outputs = (
        [Argument(item.name, item.type, list(item.shape)) for item in items]
        for items in (session.get_inputs(), session.get_outputs())
    )
    return model, inputs, outputs
