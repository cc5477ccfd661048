"""Search by trial: a tree-structured Parzen estimator chooses, an objective judges, a file remembers."""

from __future__ import annotations

import hashlib
import logging
import math
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.errors import EstimatorError, UsageError, import_extra
from headrace.storage import write_atomic
from headrace.tuning.domains import Choice, Domain, Integer, Uniform
from headrace.tuning.result import Direction, SearchResult, Trial, best_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

__all__ = ["TrialContext", "search"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrialContext:
    """What an objective may know of its trial: the number, from 0, and a seed of its own."""

    number: int
    seed: int


class _Kept(msgspec.Struct, frozen=True):
    plan: str
    trials: list[Trial]


def search(
    objective: Callable[[dict[str, Any], TrialContext], float],
    space: Mapping[str, Domain],
    *,
    trials: int = 20,
    direction: Direction = "maximize",
    storage: Path | None = None,
    seed: int = 0,
    timeout: float | None = None,
) -> SearchResult:
    """Look for the parameters with the best value.

    What is tried next depends on the seed, the trial's number and the values so far alone: a search that was killed
    and resumed makes the trials of one that was not.

    Parameters
    ----------
    objective
        Called with parameters by name and a ``TrialContext``; an error that it raises fails the trial, not the search.
    space
        Which values every parameter may take.
    trials
        How many to make in all, failed ones and those of an earlier attempt counted.
    direction
        Which values are good.
    storage
        A file that keeps finished trials; a later search with the same space, direction and seed goes on from it.
    seed
        Of the sampler.
    timeout
        Seconds after which no new trial begins.

    Raises
    ------
    UsageError
        If there is nothing to search.
    EstimatorError
        If no trial ended with a value.
    """
    _check(space, trials, direction)
    optuna = import_extra("optuna", "tune")
    plan = f"{sorted(space.items(), key=lambda item: item[0])!r} {direction} {seed}"
    done = _restore(storage, plan, space)[:trials]
    if done:
        log.info("going on after %d finished trials", len(done))
    began = time.monotonic()
    with _quiet(optuna):
        study = optuna.create_study(direction=direction, sampler=optuna.samplers.TPESampler(seed=seed))
        for trial in done:
            _replay(optuna, study, space, trial)
        while len(done) < trials and (timeout is None or time.monotonic() - began < timeout):
            number = len(done)
            asked = study.ask(_distributions(optuna, space))
            params = _values(space, asked.params)
            trial = _run(objective, params, TrialContext(number, _own_seed(seed, number)))
            _tell(optuna, study, asked, trial)
            done.append(trial)
            log.info("trial %d of %d: %s %s %s", number + 1, trials, trial.state, trial.value, params)
            if storage is not None:
                write_atomic(storage, msgspec.json.encode(_Kept(plan, done)))
    return _result(tuple(done), direction, timeout)


def _own_seed(seed: int, number: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed} {number}".encode(), digest_size=4).digest(), "big")


def _result(trials: tuple[Trial, ...], direction: Direction, timeout: float | None) -> SearchResult:
    if not trials:
        raise EstimatorError(
            "At least one trial fits into the time", got=f"a timeout of {timeout} s", fix="Allow more time"
        )
    if all(trial.value is None for trial in trials):
        raise EstimatorError(
            "At least one trial ends with a value",
            got=f"{len(trials)} failed trials, the first with {trials[0].params}: {trials[0].error}",
        )
    best = best_of(trials, direction)
    assert best.value is not None
    return SearchResult(best_params=best.params, best_value=best.value, direction=direction, trials=trials)


def _check(space: Mapping[str, Domain], trials: int, direction: str) -> None:
    if not space:
        raise UsageError("A search has at least one parameter", got="an empty space")
    for name, domain in space.items():
        if not isinstance(domain, Choice | Uniform | Integer):
            raise UsageError(
                "A domain is made with choice, uniform or integer",
                got=f"{name!r}: {domain!r}",
                fix="Write choice(…) around the values",
            )
    if trials < 1:
        raise UsageError("A search makes at least one trial", got=trials)
    if direction not in ("maximize", "minimize"):
        raise UsageError("The direction is 'maximize' or 'minimize'", got=direction)


def _restore(storage: Path | None, plan: str, space: Mapping[str, Domain]) -> list[Trial]:
    if storage is None or not storage.is_file():
        return []
    try:
        kept = msgspec.json.decode(storage.read_bytes(), type=_Kept)
    except msgspec.DecodeError as error:
        raise UsageError(
            "The storage holds the trials of a search", got=str(error), where=str(storage), fix="Remove the file"
        ) from error
    if kept.plan != plan:
        return []
    return [msgspec.structs.replace(trial, params=_revive(trial.params, space)) for trial in kept.trials]


def _revive(params: dict[str, Any], space: Mapping[str, Domain]) -> dict[str, Any]:
    """Return parameters as the domains give them: JSON has made lists of tuples."""
    found = {}
    for name, value in params.items():
        domain = space[name]
        if isinstance(domain, Choice):
            plain = msgspec.json.decode(msgspec.json.encode(domain.options))
            found[name] = domain.options[plain.index(value)]
        else:
            found[name] = value
    return found


def _run(
    objective: Callable[[dict[str, Any], TrialContext], float], params: dict[str, Any], context: TrialContext
) -> Trial:
    began = time.monotonic()
    error = None
    value: float | None = None
    try:
        value = float(objective(dict(params), context))
        if not math.isfinite(value):
            value, error = None, f"the value is {value}"
    except Exception as raised:  # noqa: BLE001 - the error is part of the trial, whatever it is
        error = f"{type(raised).__name__}: {raised}"
    return Trial(
        number=context.number,
        params=params,
        state="failed" if value is None else "complete",
        value=value,
        seconds=time.monotonic() - began,
        error=error,
    )


def _distributions(optuna: Any, space: Mapping[str, Domain]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, domain in space.items():
        if isinstance(domain, Choice):
            # By index, since options may be tuples, which the sampler does not take.
            found[name] = optuna.distributions.CategoricalDistribution(tuple(range(len(domain.options))))
        elif isinstance(domain, Integer):
            found[name] = optuna.distributions.IntDistribution(domain.low, domain.high, log=domain.log)
        else:
            found[name] = optuna.distributions.FloatDistribution(domain.low, domain.high, log=domain.log)
    return found


def _values(space: Mapping[str, Domain], found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: domain.options[found[name]] if isinstance(domain, Choice) else found[name]
        for name, domain in space.items()
    }


def _tell(optuna: Any, study: Any, asked: Any, trial: Trial) -> None:
    if trial.value is None:
        study.tell(asked, state=optuna.trial.TrialState.FAIL)
    else:
        study.tell(asked, trial.value)


def _replay(optuna: Any, study: Any, space: Mapping[str, Domain], trial: Trial) -> None:
    """Bring a fresh study to where it was after a trial, the sampler's random numbers included."""
    asked = study.ask(_distributions(optuna, space))
    if _values(space, asked.params) == trial.params:
        _tell(optuna, study, asked, trial)
        return
    # Another version of the sampler asks for other values: it is told what was tried instead.
    state = optuna.trial.TrialState
    study.tell(asked, state=state.FAIL)
    study.add_trial(
        optuna.trial.create_trial(
            params={
                name: domain.options.index(trial.params[name]) if isinstance(domain, Choice) else trial.params[name]
                for name, domain in space.items()
            },
            distributions=_distributions(optuna, space),
            value=trial.value,
            state=state.FAIL if trial.value is None else state.COMPLETE,
        )
    )


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Keep the sampler's own log out of ours."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
