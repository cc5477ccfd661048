"""Work on threads, with results in the order of the items."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from headrace.config import available_cpus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")

__all__ = ["in_order"]


def in_order(function: Callable[[T], R], items: Iterable[T], workers: int | None = None) -> Iterator[R]:
    """Yield ``function`` of each item, computed on threads, in the order of the items.

    At most ``2 * workers`` items are taken ahead of the consumer, so memory does not grow with the number of items.
    The first error ends the work: what has not started is cancelled, what runs is waited for.

    Parameters
    ----------
    function
        Called on a thread; on the caller's own where there is one worker.
    items
        May be lazy; it is advanced on the caller's thread.
    workers
        Threads; all processors that this process may use when None.
    """
    workers = workers or available_cpus()
    if workers <= 1:
        for item in items:
            yield function(item)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="headrace") as pool:
        pending: deque[Future[R]] = deque()
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) >= 2 * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
