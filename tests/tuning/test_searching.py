"""Searches: what they find, how they fail, and that a killed one goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import optuna
import pytest

from headrace.errors import EstimatorError, UsageError
from headrace.tuning import Domain, SearchResult, TrialContext, choice, integer, search, uniform

if TYPE_CHECKING:
    from pathlib import Path

SPACE: dict[str, Domain] = {
    "x": uniform(-4, 4),
    "n": integer(1, 8),
    "units": choice((8,), (16, 8)),
    "rate": uniform(1e-4, 1, log=True),
}


def bowl(params: dict[str, Any], trial: TrialContext) -> float:
    """Return a value whose minimum, 0, lies at x = 1, n = 3 and two layers."""
    return float((params["x"] - 1) ** 2 + (params["n"] - 3) ** 2 + (len(params["units"]) == 1))


def test_it_comes_near_the_minimum() -> None:
    result = search(bowl, SPACE, trials=60, direction="minimize")
    assert result.best_value < 0.5
    assert result.best_params["n"] == 3
    assert result.best_params["units"] == (16, 8)
    assert result.best_value == min(trial.value for trial in result.trials if trial.value is not None)


def test_the_same_seed_makes_the_same_trials_and_another_seed_others() -> None:
    first, again = (search(bowl, SPACE, trials=15, seed=3) for _ in range(2))
    assert [trial.params for trial in first.trials] == [trial.params for trial in again.trials]
    other = search(bowl, SPACE, trials=15, seed=4)
    assert [trial.params for trial in first.trials] != [trial.params for trial in other.trials]


def test_values_stay_inside_their_domains() -> None:
    for trial in search(bowl, SPACE, trials=20).trials:
        assert -4 <= trial.params["x"] <= 4
        assert trial.params["n"] in range(1, 9)
        assert trial.params["units"] in {(8,), (16, 8)}
        assert 1e-4 <= trial.params["rate"] <= 1


def test_a_killed_search_makes_the_trials_of_one_that_was_not(tmp_path: Path) -> None:
    storage = tmp_path / "trials.json"
    calls: list[int] = []

    def killed(params: dict[str, Any], trial: TrialContext) -> float:
        calls.append(trial.number)
        if trial.number == 12 and calls.count(12) == 1:
            raise KeyboardInterrupt
        return bowl(params, trial)

    with pytest.raises(KeyboardInterrupt):
        search(killed, SPACE, trials=20, storage=storage)
    resumed = search(killed, SPACE, trials=20, storage=storage)
    assert calls == [*range(13), *range(12, 20)]
    whole = search(bowl, SPACE, trials=20)
    assert [trial.params for trial in resumed.trials] == [trial.params for trial in whole.trials]
    assert [trial.value for trial in resumed.trials] == [trial.value for trial in whole.trials]


def test_a_finished_search_is_not_made_again_and_a_changed_one_is(tmp_path: Path) -> None:
    storage = tmp_path / "trials.json"
    first = search(bowl, SPACE, trials=5, storage=storage)

    def never(params: dict[str, Any], trial: TrialContext) -> float:
        raise AssertionError

    assert search(never, SPACE, trials=5, storage=storage).trials == first.trials
    changed = search(bowl, {**SPACE, "x": uniform(0, 1)}, trials=3, storage=storage)
    assert all(0 <= trial.params["x"] <= 1 for trial in changed.trials)


def test_trials_of_another_sampler_are_taken_over(tmp_path: Path) -> None:
    storage = tmp_path / "trials.json"
    first = search(bowl, SPACE, trials=6, storage=storage)
    kept = json.loads(storage.read_text())
    kept["trials"][2]["params"] |= {"x": 0.5, "units": [8]}
    storage.write_text(json.dumps(kept))
    resumed = search(bowl, SPACE, trials=9, storage=storage)
    assert len(resumed.trials) == 9
    assert resumed.trials[2].params["x"] == 0.5
    assert resumed.trials[2].params["units"] == (8,)
    assert resumed.trials[3] == first.trials[3]


def test_a_broken_storage_is_an_error(tmp_path: Path) -> None:
    storage = tmp_path / "trials.json"
    storage.write_text("{")
    with pytest.raises(UsageError, match=r"trials\.json"):
        search(bowl, SPACE, trials=1, storage=storage)


def test_failed_trials_are_counted_and_their_errors_kept() -> None:
    def sometimes(params: dict[str, Any], trial: TrialContext) -> float:
        if trial.number == 1:
            raise ValueError("too wide")
        return float("nan") if trial.number == 2 else 1.0

    result = search(sometimes, SPACE, trials=5)
    assert [trial.state for trial in result.trials] == ["complete", "failed", "failed", "complete", "complete"]
    assert result.trials[1].error == "ValueError: too wide"
    assert result.trials[2].error == "the value is nan"
    assert result.best_trial.number == 0


def test_a_search_without_a_value_is_an_error() -> None:
    def always(params: dict[str, Any], trial: TrialContext) -> float:
        raise ValueError("no such layer")

    with pytest.raises(EstimatorError, match=r"3 failed trials.*no such layer"):
        search(always, SPACE, trials=3)
    with pytest.raises(EstimatorError, match="timeout"):
        search(bowl, SPACE, trials=3, timeout=0)


def test_nothing_to_search_is_an_error() -> None:
    with pytest.raises(UsageError, match="at least one parameter"):
        search(bowl, {})
    with pytest.raises(UsageError, match="at least one trial"):
        search(bowl, SPACE, trials=0)
    with pytest.raises(UsageError, match="'x'"):
        search(bowl, {"x": (1, 2)})  # type: ignore[dict-item]
    with pytest.raises(UsageError, match="direction"):
        search(bowl, SPACE, direction="up")  # type: ignore[arg-type]


def test_the_sampler_says_nothing_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    before = optuna.logging.get_verbosity()
    search(bowl, SPACE, trials=2)
    assert capfd.readouterr().err == ""
    assert optuna.logging.get_verbosity() == before


def test_saved_and_loaded(tmp_path: Path) -> None:
    result = search(bowl, SPACE, trials=4, direction="minimize")
    result.save(tmp_path)
    document = json.loads((tmp_path / "tuning.json").read_text())
    assert document["best_params"]["n"] == result.best_params["n"]
    loaded = SearchResult.load(tmp_path)
    assert loaded.best_value == result.best_value
    assert len(loaded.trials) == 4
    with pytest.raises(UsageError, match="holds the result"):
        SearchResult.load(tmp_path / "absent.json")
