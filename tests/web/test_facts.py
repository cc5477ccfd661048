from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.web.facts import LOG_BYTES, read_run

if TYPE_CHECKING:
    from pathlib import Path


def test_artifacts_come_with_their_steps(finished: tuple[Path, str]) -> None:
    facts = read_run(*finished)
    assert [(made.step.step_id, made.artifact.type) for made in facts.made("Model", "Schema")] == [
        ("schema_gen", "Schema"),
        ("trainer", "Model"),
    ]
    assert all(made.folder.is_dir() for made in facts.made())
    assert facts.seconds == 44


def test_long_logs_show_their_end(failed: tuple[Path, str]) -> None:
    home, run_id = failed
    facts = read_run(home, run_id)
    by_id = {step.step_id: step for step in facts.steps}
    assert (facts.log(by_id["trainer"]) or "").startswith("epoch 1")
    assert facts.log(by_id["pusher"]) is None
    (home / "runs" / run_id / "trainer.log").write_text("x" * LOG_BYTES + "the end", "utf-8")
    text = facts.log(by_id["trainer"]) or ""
    assert text.startswith("…x")
    assert text.endswith("the end")
    assert len(text) <= LOG_BYTES + 1
