"""One pass over a preprocessing function: what it was given, which analyzers it called, what is not known yet."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import ndonnx as ndx

from headrace.errors import TransformError
from headrace.transform.lineage import infos, reached
from headrace.transform.mistakes import user_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from spox import Var
    from spox._var import _VarInfo

    from headrace.transform.accumulators import Analyzer

__all__ = ["AnalyzerCall", "Domain", "Trace", "current_trace", "tracing"]


@dataclass(frozen=True)
class Domain:
    """What is known of a column of ids.

    Parameters
    ----------
    num_buckets
        Ids lie in ``[0, num_buckets)``.
    vocabulary
        What the ids stand for, without out-of-vocabulary buckets.
    closed
        Whether no other id can occur; false where values that a vocabulary lacks have an id such as -1.
    """

    num_buckets: int
    vocabulary: tuple[str, ...] | None = None
    closed: bool = True


@dataclass(frozen=True)
class AnalyzerCall:
    """The ``number``-th call of an analyzer in a pass."""

    number: int
    analyzer: Analyzer
    columns: tuple[ndx.Array, ...]
    where: str | None
    value: Any = None

    @property
    def is_open(self) -> bool:
        """Whether its value is still to be found."""
        return self.value is None


@dataclass
class Trace:
    """One pass.

    Parameters
    ----------
    values
        Values of analyzers, by the number of their call, that earlier passes have found.
    training
        Whether the pass is for rows that are learnt from, in which a mapper may give a row another value.
    training_differs
        Whether a mapper does.
    calls
        Analyzers, in the order of their calls.
    domains, stand_ins, labels, calls_behind
        By value: what its ids stand for; and of one that stands in for what is not known yet, what that is computed
        from, how to name it, and the calls of analyzers that it waits for.
    lists
        By the values of a raw column of lists: the mask of the lists that are missing, None where none may be.
    lengths
        By a mask of lists that is True behind their ends only: how many items they have, int64 ``[N]``.
    blanks
        By values and their mask, which are of one shape: what the values are where they are missing.
    """

    values: dict[int, Any]
    training: bool = False
    training_differs: bool = False
    calls: list[AnalyzerCall] = field(default_factory=list)
    domains: dict[_VarInfo, Domain] = field(default_factory=dict)
    stand_ins: dict[_VarInfo, tuple[_VarInfo, ...]] = field(default_factory=dict)
    labels: dict[_VarInfo, str] = field(default_factory=dict)
    calls_behind: dict[_VarInfo, tuple[int, ...]] = field(default_factory=dict)
    lists: dict[_VarInfo, ndx.Array | None] = field(default_factory=dict)
    lengths: dict[_VarInfo, Var] = field(default_factory=dict)
    blanks: dict[tuple[_VarInfo, ...], float] = field(default_factory=dict)
    _latest: tuple[int, ...] = ()
    _fresh: bool = False

    def call(self, analyzer: Analyzer, *columns: ndx.Array) -> AnalyzerCall:
        """Note a call of an analyzer, with its value where that is known."""
        number = len(self.calls)
        call = AnalyzerCall(number, analyzer, columns, user_frame(), self.values.get(number))
        self.calls.append(call)
        # A mapper calls its analyzers, and then stands in for what it makes of them.
        self._latest = (*self._latest, number) if self._fresh else (number,)
        self._fresh = True
        return call

    def stand_in(
        self, shape: Sequence[str | int | None], dtype: ndx.DType[Any], needs: Iterable[ndx.Array], label: str
    ) -> ndx.Array:
        """Return an array in place of one that cannot be computed before an analyzer is resolved."""
        array = ndx.argument(shape=tuple(shape), dtype=dtype)
        before = tuple(info for need in needs for info in infos(need))
        behind = tuple(number for number in self._latest if self._looks_at(number) <= set(before))
        if self._fresh and not behind:
            behind = self._latest
        for info in infos(array):
            self.stand_ins[info] = before
            self.labels[info] = label
            self.calls_behind[info] = behind
        self._fresh = False
        return array

    def _looks_at(self, number: int) -> set[_VarInfo]:
        return {info for column in self.calls[number].columns for info in infos(column)}

    def depends_on_open(self, *arrays: ndx.Array) -> bool:
        """Whether an array cannot be computed in this pass."""
        return any(info in self.stand_ins for info in reached([i for array in arrays for i in infos(array)]))

    def set_domain(self, array: ndx.Array, domain: Domain) -> ndx.Array:
        """Remember what the ids of an array stand for."""
        self.domains[infos(array)[0]] = domain
        return array

    def domain(self, array: ndx.Array) -> Domain | None:
        """Return what is known of an array's ids; copies and casts between integers keep it."""
        info = infos(array)[0]
        while info not in self.domains:
            node = info._op  # noqa: SLF001 - spox's node of a value
            before = list(node.dependencies)
            if node.op_type.identifier not in {"Cast", "Identity"} or len(before) != 1:
                return None
            if info.unwrap_tensor().dtype.kind not in "iu":
                return None
            info = before[0]
        return self.domains[info]


_CURRENT: ContextVar[Trace | None] = ContextVar("headrace_trace", default=None)


def current_trace(function: str) -> Trace:
    """Return the pass that is under way.

    Raises
    ------
    TransformError
        If there is none: the function was called outside a preprocessing function.
    """
    trace = _CURRENT.get()
    if trace is None:
        raise TransformError(
            f"tft.{function} works only inside a preprocessing function",
            got="a call outside of tft.analyze",
            where=user_frame(),
            fix="Give the function that calls it to tft.analyze(source, preprocessing_fn)",
        )
    return trace


class tracing:  # noqa: N801 - reads as the statement that it is: `with tracing(trace)`
    """Make a pass the current one."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def __enter__(self) -> Trace:
        self._token = _CURRENT.set(self._trace)
        return self._trace

    def __exit__(self, *_: object) -> None:
        _CURRENT.reset(self._token)
