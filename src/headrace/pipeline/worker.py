"""Runs one step in a process of its own: ``python -m headrace.pipeline.worker order.json``."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from headrace.errors import FoundWanting, HeadraceError, StepError, StorageError
from headrace.pipeline.context import StepContext, running
from headrace.pipeline.digest import recipe_of
from headrace.pipeline.files import FileDigests
from headrace.pipeline.loading import Origin, load_pipeline, search_path
from headrace.pipeline.places import place_in_traceback
from headrace.pipeline.spec import Failure, Product, WorkOrder, WorkResult
from headrace.pipeline.worker_files import RESULT_NAME
from headrace.storage import disk_errors, sync_tree, tree_digest, tree_size, write_atomic

if TYPE_CHECKING:
    from headrace.pipeline.artifact import Artifact
    from headrace.pipeline.graph import Graph, InputRef, Step
    from headrace.pipeline.spec import InputArtifact

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Run the step of an order and write its result beside it."""
    order_path = Path(arguments[0])
    order = msgspec.json.decode(order_path.read_bytes(), type=WorkOrder)
    _die_with_runner(order)
    _log_to_stderr()
    started, products, failure = time.time(), list[Product](), None
    context = StepContext(
        run_id=order.run_id,
        step_id=order.step_id,
        key=order.key,
        home=Path(order.home),
        scratch=Path(order.scratch),
        staging=Path(order.staging),
        facts=order.facts,
    )
    wired: list[Step] = []
    try:
        products = _run(order, context, wired)
    except KeyboardInterrupt:
        return 130
    except BaseException as error:  # noqa: BLE001 - whatever ends a step is reported
        failure = _failure(error, order)
        if isinstance(error, FoundWanting):
            products = _findings(context, wired[0] if wired else None)
    result = WorkResult(products, failure, started, time.time(), _cpu_seconds(), _peak_memory())
    sys.stdout.flush()
    sys.stderr.flush()
    write_atomic(order_path.with_name(RESULT_NAME), msgspec.json.encode(result))
    return 0 if failure is None else failure.exit_code


def _log_to_stderr() -> None:
    """Let what headrace says of its work into the step's log; other packages are heard from a warning on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("headrace")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


def _run(order: WorkOrder, context: StepContext, wired: list[Step]) -> list[Product]:
    origin = Origin(order.file, order.module, order.pipeline)
    with search_path(origin):
        graph = load_pipeline(origin).compile(order.parameters)
        step = graph.steps.get(order.step_id)
        files = FileDigests(order.file_digests)
        if step is None or recipe_of(step, files).digest != order.recipe:
            _refuse_change(order, "Before it began")
        wired.append(step)
        interface = step.component.interface
        arguments: dict[str, Any] = dict(step.parameters)
        for name, records in order.inputs.items():
            pairs = zip(step.inputs[name] or (), records or (), strict=True)
            taken = [_input(graph, ref, record, context.home) for ref, record in pairs]
            arguments[name] = None if records is None else tuple(taken) if name in step.many else taken[0]
        for port in interface.ports.values():
            if port.kind == "order":
                arguments[port.name] = None
        context.scratch.mkdir(parents=True, exist_ok=True)
        context.staging.mkdir(parents=True, exist_ok=True)
        with running(context):
            returned = step.component.function(**arguments)
        products = _products(step, returned, context)
        # A source that was edited while it was read would leave a result that belongs to neither version.
        if files.changed():
            _refuse_change(order, "While it ran")
    return products


def _refuse_change(order: WorkOrder, when: str) -> NoReturn:
    raise StepError(
        "The pipeline's code and data stay as they are while it runs",
        got=f"{when}, what step {order.step_id!r} depends on was changed",
        where=order.file,
        fix="Run it again; steps that are done are reused",
    )


def _input(graph: Graph, ref: InputRef, record: InputArtifact, home: Path) -> Artifact:
    kind = dict(graph.steps[ref.step_id].component.interface.outputs)[ref.output]
    return kind.published(home / record.path, record.id, record.digest, record.properties)


def _products(step: Step, returned: Any, context: StepContext) -> list[Product]:
    interface = step.component.interface
    given = interface.unpack(returned)
    wanted = ", ".join(kind.type_name for _, kind in interface.outputs) or "None"
    if len(given) != len(interface.outputs) or any(
        not isinstance(artifact, kind) for artifact, (_, kind) in zip(given, interface.outputs, strict=False)
    ):
        raise StepError(
            f"Component {step.component.name} returns what its annotation says: {wanted}",
            got=repr(returned),
            where=interface.place,
        )
    products: list[Product] = []
    for artifact, (name, _) in zip(given, interface.outputs, strict=True):
        if artifact.path.parent.resolve() != context.staging.resolve() or not artifact.path.is_dir():
            raise StepError(
                f"Component {step.component.name} returns artifacts that it has made itself",
                got=repr(artifact),
                where=interface.place,
                fix=f"Begin with {artifact.type_name}.create() and write into its path",
            )
        if any(product.folder == artifact.path.name for product in products):
            raise StepError(
                f"Component {step.component.name} returns a different artifact for each output", got=repr(returned)
            )
        products.append(_product(name, artifact))
    return products


def _findings(context: StepContext, step: Step | None) -> list[Product]:
    # What a check has found is worth looking at, so what it had made by then is kept.
    products: list[Product] = []
    for name, kind in step.component.interface.outputs if step is not None else ():
        taken = {product.folder for product in products}
        for artifact in context.created:
            if type(artifact) is kind and artifact.path.is_dir() and artifact.path.name not in taken:
                products.append(_product(name, artifact))
                break
    return products


def _product(name: str, artifact: Artifact) -> Product:
    try:
        properties = json.loads(json.dumps(artifact.properties))
    except (TypeError, ValueError) as error:
        raise StepError(
            f"Properties of an artifact are small JSON values; those of {name} are not", got=str(error)
        ) from error
    sync_tree(artifact.path)
    return Product(
        name=name,
        type=artifact.type_name,
        folder=artifact.path.name,
        digest=tree_digest(artifact.path),
        size=tree_size(artifact.path),
        properties=properties,
    )


def _failure(error: BaseException, order: WorkOrder) -> Failure:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        try:
            with disk_errors(order.staging):
                raise error
        except StorageError as mapped:
            error = mapped
    place = place_in_traceback(error.__traceback__, order.file)
    if isinstance(error, HeadraceError):
        if not isinstance(error, FoundWanting):
            traceback.print_exception(error)
        got = error.got if error.got is None or isinstance(error.got, str) else repr(error.got)
        return Failure(
            error=type(error).__name__,
            message=str(error),
            exit_code=error.exit_code,
            ours=True,
            where=error.where or place,
            rule=error.rule,
            got=got,
            fix=error.fix,
        )
    traceback.print_exception(error)
    if isinstance(error, SystemExit):
        return Failure(error="SystemExit", message=f"it called sys.exit({error.code!r})", where=place)
    return Failure(error=type(error).__name__, message=str(error), where=place)


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _peak_memory() -> int:
    try:
        import resource
    except ImportError:
        return 0
    scale = 1 if sys.platform == "darwin" else 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
    # On Linux ru_maxrss also counts the process that this one was forked from; VmHWM does not.
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                own = int(line.split()[1]) * 1024
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * scale)


def _die_with_runner(order: WorkOrder) -> None:
    """End this process, and all that it starts, when the runner goes; locks are not handed on to children."""
    for descriptor in order.lock_descriptors:
        os.set_inheritable(descriptor, False)
    if hasattr(os, "register_at_fork"):

        def let_go() -> None:
            for descriptor in order.lock_descriptors:
                with contextlib.suppress(OSError):
                    os.close(descriptor)

        os.register_at_fork(after_in_child=let_go)
    watched = os.dup(0)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)

    def watch() -> None:
        while os.read(watched, 1):
            pass
        _end()

    threading.Thread(target=watch, name="headrace-watch", daemon=True).start()
    if sys.platform == "linux":
        # The watcher needs the interpreter's lock, which compiled code may hold for long; the kernel needs nothing.
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != order.runner_pid:
            _end()


def _end() -> None:
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(137)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
