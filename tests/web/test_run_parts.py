from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from headrace.metadata import StepState
from headrace.web.facts import read_run
from headrace.web.run_parts import _STATES, _plain, header_part, lineage_part, steps_part

if TYPE_CHECKING:
    from pathlib import Path


def test_every_state_has_a_look() -> None:
    assert set(_STATES) == set(get_args(StepState))


def test_short_values_stay_on_one_line() -> None:
    assert _plain([128, 64]) == "[128, 64]"
    assert _plain("text") == "text"
    assert "\n" in _plain({f"key {index}": index for index in range(40)})


def test_lineage_leads_from_the_file_to_the_model(finished: tuple[Path, str]) -> None:
    markup = lineage_part(read_run(*finished))
    assert markup.index("adult.data") < markup.index("Examples") < markup.index("PushedModel")


def test_steps_that_did_not_run_have_no_times(failed: tuple[Path, str]) -> None:
    markup = steps_part(read_run(*failed))
    assert markup.count("waiting") >= 3
    assert "nan" not in markup.lower()


def test_verdicts_of_several_steps_name_the_step(finished: tuple[Path, str]) -> None:
    facts = read_run(*finished)
    alone = header_part(facts)
    assert "example_validator:" not in alone
    made = next(facts.made("ExampleAnomalies"))
    again = replace(made.step, step_id="drift")
    twice = replace(
        facts,
        steps=(*facts.steps, again),
        executions=facts.executions | {"drift": replace(facts.executions[made.step.step_id], step_id="drift")},
    )
    markup = header_part(twice)
    assert "example_validator: " in markup
    assert "drift: " in markup
