"""Running a pipeline: reuse what is known, run the rest side by side, publish what is done."""

from __future__ import annotations

import os
import queue
import secrets
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headrace._version import __version__
from headrace.config import available_cpus, load_settings, resolve_home
from headrace.errors import HeadraceError
from headrace.metadata import ArtifactRecord, ExecutionRecord, MetadataStore, RunRecord, StepRecord
from headrace.pipeline.digest import describe, recipe_of, step_key
from headrace.pipeline.files import FileDigests
from headrace.pipeline.home import Home, sweep
from headrace.pipeline.interrupts import Interrupts
from headrace.pipeline.loading import load_pipeline, origin_of, refuse_to_run_while_loading, search_path
from headrace.pipeline.locks import FileLock
from headrace.pipeline.parameters import plain_parameters
from headrace.pipeline.process import Worker
from headrace.pipeline.provenance import provenance
from headrace.pipeline.results import RunEvent, RunResult, StepResult
from headrace.pipeline.spec import Failure, InputArtifact, WorkOrder, WorkResult
from headrace.storage import publish_directory, remove_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from headrace.metadata import RunState
    from headrace.pipeline.digest import Recipe
    from headrace.pipeline.graph import Graph, Step
    from headrace.pipeline.loading import Origin
    from headrace.pipeline.pipelines import Pipeline
    from headrace.pipeline.results import EventKind

__all__ = ["run_pipeline"]

_CANCELLED_EXIT_CODE = 130
_POLL_SECONDS = 0.2
_GRACE_SECONDS = 5.0


def run_pipeline(
    target: str | Path | Pipeline[Any, Any],
    *,
    params: Mapping[str, Any] | None = None,
    home: str | Path | None = None,
    jobs: int | None = None,
    use_cache: bool = True,
    on_event: Callable[[RunEvent], None] | None = None,
    pipeline_name: str | None = None,
) -> RunResult:
    """Run a pipeline, reusing every step whose code, parameters and inputs have been seen before.

    Parameters
    ----------
    target
        A pipeline's file, or the pipeline.
    params
        Parameters of the pipeline, as values or as text.
    home
        The home folder; the setting by default.
    jobs
        Steps that may run side by side; the setting, or the number of processors, by default.
    use_cache
        Whether earlier results are reused.
    on_event
        Called in this thread with each ``RunEvent``.
    pipeline_name
        Which pipeline of the file, where it has several.

    Returns
    -------
    RunResult
        Failed steps do not raise; see ``RunResult.raise_for_state``.

    Raises
    ------
    WiringError, UsageError
        If the pipeline cannot work; nothing has run then.
    StorageError, MetadataError
        If the home cannot be used.
    """
    refuse_to_run_while_loading()
    settings = load_settings()
    place = Home(resolve_home(home))
    origin = origin_of(target, pipeline_name)
    given = plain_parameters(params or {})
    # Before there is a home: a file that is no pipeline leaves nothing behind.
    with search_path(origin):
        graph = load_pipeline(origin).compile(given)
    with MetadataStore(place.path) as store:
        files = FileDigests(store.file_digests())
        with search_path(origin):
            recipes = {step.id: recipe_of(step, files) for step in graph.steps.values()}
        if files.new:
            store.put_file_digests(files.new.values())
        sweep(place, store)
        limit = jobs or settings.jobs or available_cpus()
        run = _Run(place, store, origin, graph, given, recipes, files, on_event, use_cache=use_cache and settings.cache)
        return run.go(min(limit, len(graph.steps)))


class _Run:
    def __init__(
        self,
        home: Home,
        store: MetadataStore,
        origin: Origin,
        graph: Graph,
        given: dict[str, Any],
        recipes: dict[str, Recipe],
        files: FileDigests,
        on_event: Callable[[RunEvent], None] | None,
        *,
        use_cache: bool,
    ) -> None:
        self.home, self.store, self.origin, self.graph = home, store, origin, graph
        self.given, self.recipes, self.files = given, recipes, files
        self.use_cache = use_cache
        self._on_event = on_event
        self.id = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
        self.lock = home.lock(self.id)
        self.started = time.time()
        self.results: dict[str, StepResult] = {}
        self.records = {
            step.id: StepRecord(self.id, step.id, position, step.component.name, step.upstream, "waiting")
            for position, step in enumerate(graph.steps.values())
        }
        self._changed: set[str] = set()
        self._interrupts = Interrupts()
        self.workers: dict[str, Worker] = {}
        self.key_locks: dict[str, FileLock] = {}
        self.done: queue.Queue[Worker] = queue.Queue()
        self.waiting = dict.fromkeys(graph.steps)
        self.keys: dict[str, str] = {}

    # ---- the run as a whole

    def go(self, jobs: int) -> RunResult:
        with self._interrupts:
            return self._go(jobs)

    def _go(self, jobs: int) -> RunResult:
        self.lock.acquire()
        try:
            self._begin()
            try:
                self._loop(jobs)
                state, code = self._verdict()
            except KeyboardInterrupt:
                self._stop()
                state, code = "cancelled", _CANCELLED_EXIT_CODE
            except BaseException:
                self._stop()
                self._flush()
                self.store.end_run(self.id, "failed", 1, time.time())
                raise
            return self._end(state, code)
        finally:
            for lock in self.key_locks.values():
                lock.release()
            remove_tree(self.home.staging(self.id))
            self.lock.release()

    def _begin(self) -> None:
        run = RunRecord(
            id=self.id,
            pipeline=self.graph.name,
            file=self.origin.file,
            parameters={key: describe(value) for key, value in self.graph.parameters.items()},
            state="running",
            started=self.started,
            finished=None,
            exit_code=None,
            pid=os.getpid(),
            host=socket.gethostname(),
        )
        self.store.begin_run(run, list(self.records.values()))
        self._event("run started", message=self.graph.name, steps=tuple(self.graph.steps))

    def _loop(self, jobs: int) -> None:
        while self.waiting or self.workers:
            with self._interrupts.held_off():
                blocked = self._advance(jobs)
                self._flush()
            if not self.workers and not blocked:
                continue
            try:
                worker = self.done.get(timeout=_POLL_SECONDS if blocked else None)
            except queue.Empty:
                continue
            with self._interrupts.held_off():
                self._finish(worker)

    def _advance(self, jobs: int) -> bool:
        """Settle every step that can be settled now; say whether one waits for another run."""
        blocked = False
        progress = True
        while progress:
            progress = False
            for step_id in list(self.waiting):
                step = self.graph.steps[step_id]
                ends = [self.results.get(upstream) for upstream in step.upstream]
                bad = next((end for end in ends if end is not None and end.state not in ("done", "reused")), None)
                if bad is not None:
                    self._skip(step, bad)
                elif None in ends:
                    continue
                elif self._reuse(step):
                    pass
                elif len(self.workers) >= jobs:
                    continue
                elif not self._start(step):
                    blocked = True
                    continue
                self.waiting.pop(step_id, None)
                progress = True
        return blocked

    def _verdict(self) -> tuple[RunState, int]:
        for state in ("failed", "found wanting"):
            for result in (self.results[step_id] for step_id in self.graph.steps):
                if result.state == state and result.failure is not None:
                    return ("failed" if state == "failed" else "found wanting"), result.failure.exit_code
        return "done", 0

    def _stop(self) -> None:
        try:
            for worker in self.workers.values():
                worker.kill()
            deadline = time.monotonic() + _GRACE_SECONDS
            while self.workers and time.monotonic() < deadline:
                try:
                    worker = self.done.get(timeout=max(0.01, deadline - time.monotonic()))
                except queue.Empty:
                    break
                self._cancel(self.workers.pop(worker.step_id).step_id)
        finally:
            for worker in self.workers.values():
                worker.kill(hard=True)
        for step_id in [*self.workers, *self.waiting]:
            self._cancel(step_id)
        self.workers.clear()
        self.waiting.clear()

    def _cancel(self, step_id: str) -> None:
        component = self.graph.steps[step_id].component.name
        self.results[step_id] = StepResult(step_id, component, "cancelled", key=self.keys.get(step_id))
        self._record(step_id, state="cancelled", finished=time.time())
        self._event("cancelled", step_id)

    def _end(self, state: RunState, code: int) -> RunResult:
        self._flush()
        finished = time.time()
        self.store.end_run(self.id, state, code, finished)
        self._event("run finished", seconds=finished - self.started, message=state)
        ordered = [self.results[step_id] for step_id in self.graph.steps]
        return RunResult(self.id, self.graph.name, state, ordered, code, finished - self.started)

    # ---- one step

    def _skip(self, step: Step, because: StepResult) -> None:
        self.results[step.id] = StepResult(step.id, step.component.name, "skipped")
        self._record(step.id, state="skipped")
        self._event("skipped", step.id, message=f"{because.id} {because.state}")

    def _key(self, step: Step) -> str:
        if step.id not in self.keys:
            inputs: dict[str, tuple[str, ...] | None] = {
                name: None if refs is None else tuple(self.results[r.step_id].outputs[r.output].digest for r in refs)
                for name, refs in step.inputs.items()
            }
            self.keys[step.id] = step_key(self.recipes[step.id], inputs)
        return self.keys[step.id]

    def _reuse(self, step: Step) -> bool:
        if not self.use_cache or not step.component.cache:
            return False
        key = self._key(step)
        execution = self.store.find_execution(key)
        if execution is None:
            return False
        records = {record.id: record for record in self.store.artifacts_by_id([i for _, i in execution.outputs])}
        outputs = {name: records[i] for name, i in execution.outputs if i in records}
        if len(outputs) != len(execution.outputs):
            return False
        paths = {name: self.home.path / record.path for name, record in outputs.items()}
        kinds = dict(step.component.interface.outputs)
        if not all(kinds[name](paths[name], properties=outputs[name].properties).still_holds() for name in paths):
            return False
        log = self.home.log(execution.run_id, execution.step_id)
        self.results[step.id] = StepResult(
            step.id, step.component.name, "reused", key=key, outputs=outputs, paths=paths, log=log
        )
        self._record(step.id, state="reused", key=key, execution_id=execution.id)
        self._event("reused", step.id)
        return True

    def _start(self, step: Step) -> bool:
        key = self._key(step)
        lock = FileLock(self.home.scratch(f"{key}.lock"))
        if not lock.acquire():
            return False
        # Another run may have done it between the look-up and the lock.
        if self._reuse(step):
            lock.release(remove=True)
            return True
        self.key_locks[step.id] = lock
        started = time.time()
        self._record(step.id, state="running", key=key, started=started)
        self._flush()
        self._event("started", step.id)
        folder = self.home.staging(self.id) / step.id
        self.workers[step.id] = Worker(self._order(step, folder), folder, self.home.log(self.id, step.id), self.done)
        return True

    def _order(self, step: Step, folder: Path) -> WorkOrder:
        inputs: dict[str, list[InputArtifact] | None] = {}
        for name, refs in step.inputs.items():
            if refs is None:
                inputs[name] = None
                continue
            records = [self.results[ref.step_id].outputs[ref.output] for ref in refs]
            inputs[name] = [InputArtifact(r.id, r.type, r.path, r.digest, r.properties) for r in records]
        descriptors = [d for d in (self.lock.descriptor, self.key_locks[step.id].descriptor) if d is not None]
        return WorkOrder(
            run_id=self.id,
            step_id=step.id,
            key=self._key(step),
            recipe=self.recipes[step.id].digest,
            home=str(self.home.path),
            staging=str(folder / "artifacts"),
            scratch=str(self.home.scratch(self._key(step))),
            file=self.origin.file,
            module=self.origin.module,
            pipeline=self.graph.name,
            parameters=self.given,
            inputs=inputs,
            facts=self._facts(step),
            file_digests=self.files.used,
            runner_pid=os.getpid(),
            lock_descriptors=descriptors,
        )

    def _facts(self, step: Step) -> dict[str, Any]:
        ancestors = self.graph.ancestors(step.id)
        outputs = {step_id: self.results[step_id].outputs for step_id in ancestors}
        keys = {step_id: self._key(self.graph.steps[step_id]) for step_id in (*ancestors, step.id)}
        return {
            "run_id": self.id,
            "file": self.origin.file,
            "headrace_version": __version__,
            "step_id": step.id,
            **provenance(self.graph, [*ancestors, step.id], keys, self.recipes, outputs),
        }

    def _finish(self, worker: Worker) -> None:
        step = self.graph.steps[worker.step_id]
        result = worker.result()
        began = self.records[step.id].started or self.started
        if isinstance(result, Failure):
            result = WorkResult([], result, began, time.time(), 0.0, 0)
        failure = result.failure
        outputs: dict[str, ArtifactRecord] = {}
        if failure is None or result.products:
            try:
                outputs = self._publish(step, result)
            except HeadraceError as error:
                failure = Failure(
                    error=type(error).__name__,
                    message=str(error),
                    exit_code=error.exit_code,
                    ours=True,
                    where=error.where,
                    rule=error.rule,
                    got=None if error.got is None else str(error.got),
                    fix=error.fix,
                )
        wanting = failure is not None and failure.exit_code == 3
        kind: EventKind = "finished" if failure is None else "found wanting" if wanting else "failed"
        finished = time.time()
        self.results[step.id] = StepResult(
            id=step.id,
            component=step.component.name,
            state="done" if kind == "finished" else kind,  # type: ignore[arg-type]
            seconds=finished - began,
            cpu_seconds=result.cpu_seconds,
            peak_memory=result.peak_memory,
            key=self._key(step),
            outputs=outputs,
            paths={name: self.home.path / record.path for name, record in outputs.items()},
            log=self.home.log(self.id, step.id),
            failure=failure,
        )
        del self.workers[step.id]
        if failure is not None and not outputs:
            self._record(step.id, **_ending(result, failure))
        if failure is None:
            remove_tree(self.home.scratch(self._key(step)))
        remove_tree(self.home.staging(self.id) / step.id)
        self.key_locks.pop(step.id).release(remove=True)
        self._event(
            kind,
            step.id,
            seconds=finished - began,
            peak_memory=result.peak_memory,
            message=None if failure is None else failure.message,
        )

    def _publish(self, step: Step, result: WorkResult) -> dict[str, ArtifactRecord]:
        execution_id = f"{self.id}-{step.id}"
        staging = self.home.staging(self.id) / step.id / "artifacts"
        outputs: dict[str, ArtifactRecord] = {}
        recipe = self.recipes[step.id]
        try:
            for product in result.products:
                name = execution_id if len(step.component.interface.outputs) == 1 else f"{execution_id}-{product.name}"
                target = self.home.artifacts() / product.type / name
                publish_directory(staging / product.folder, target, synced=True)
                outputs[product.name] = ArtifactRecord(
                    id=name,
                    type=product.type,
                    path=target.relative_to(self.home.path).as_posix(),
                    digest=product.digest,
                    size=product.size,
                    created=time.time(),
                    properties=product.properties,
                )
            execution = ExecutionRecord(
                id=execution_id,
                key=self._key(step),
                component=step.component.name,
                code_digest=recipe.code_digest,
                parameters={name: describe(value) for name, value in step.parameters.items()},
                run_id=self.id,
                step_id=step.id,
                state="done" if result.failure is None else "found wanting",
                started=result.started,
                finished=time.time(),
                cpu_seconds=result.cpu_seconds,
                peak_memory=result.peak_memory,
                headrace_version=__version__,
                inputs=tuple((name, self.results[r.step_id].outputs[r.output].id) for name, r in step.refs),
                outputs=tuple((name, record.id) for name, record in outputs.items()),
                external=recipe.external,
            )
            ending = _ending(result, result.failure)
            record = replace(self.records[step.id], execution_id=execution_id, **ending)
            self.store.record_execution(execution, list(outputs.values()), record)
            self.records[step.id] = record
        except BaseException:
            for record_ in outputs.values():
                remove_tree(self.home.path / record_.path)
            raise
        return outputs

    # ---- writing down and telling

    def _record(self, step_id: str, **changes: Any) -> None:
        self.records[step_id] = replace(self.records[step_id], **changes)
        self._changed.add(step_id)

    def _flush(self) -> None:
        if self._changed:
            self.store.update_steps([self.records[step_id] for step_id in self.records if step_id in self._changed])
            self._changed.clear()

    def _event(self, kind: EventKind, step_id: str | None = None, **facts: Any) -> None:
        if self._on_event is None:
            return
        component = None if step_id is None else self.graph.steps[step_id].component.name
        listener, self._on_event = self._on_event, None
        listener(RunEvent(kind, self.id, time.time(), step_id, component, **facts))
        # A listener that raised is not called again while the run is being stopped.
        self._on_event = listener


def _ending(result: WorkResult, failure: Failure | None) -> dict[str, Any]:
    wanting = failure is not None and failure.exit_code == 3
    return {
        "state": "done" if failure is None else "found wanting" if wanting else "failed",
        "finished": time.time(),
        "cpu_seconds": result.cpu_seconds,
        "peak_memory": result.peak_memory,
        "error": None
        if failure is None
        else {
            "error": failure.error,
            "message": failure.message,
            "where": failure.where,
            "exit_code": failure.exit_code,
            "log_tail": list(failure.log_tail),
        },
    }
