from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headrace.pipeline import run_pipeline
from headrace.web import run_report

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
from pathlib import Path

import headrace.pipeline as hp


class Words(hp.Artifact):
    pass


@hp.component
def write(source: hp.FilePath, *, times: int) -> Words:
    print("writing", times, "times")
    words = Words.create()
    (words.path / "words.txt").write_text(Path(source).read_text() * times)
    return words


@hp.component
def check(words: Words, *, most: int) -> Words:
    from headrace.errors import DataError

    if len((words.path / "words.txt").read_text()) > most:
        raise DataError("Words are few", got="many", where="words.txt", fix="Write fewer")
    return Words.create()


@hp.pipeline
def wording(most: int = 100):
    check(write("in.txt", times=3), most=most)
"""


def test_runs_as_the_runner_records_them(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("hello ", "utf-8")
    file = tmp_path / "pipeline.py"
    file.write_text(PIPELINE.replace('"in.txt"', repr(str(tmp_path / "in.txt"))), "utf-8")
    home = tmp_path / "home"
    first = run_pipeline(file, home=home)
    assert first.exit_code == 0, [step.failure for step in first.steps]
    text = re.sub(r"<[^>]+>", " ", run_report(home, first.run_id))
    for said in ("writing 3 times", "in.txt", "words.txt", "0 cached"):
        assert said in text, said
    second = run_pipeline(file, home=home, params={"most": 5})
    assert second.exit_code == 1
    text = re.sub(r"<[^>]+>", " ", run_report(home, second.run_id))
    for said in ("1 of 2 steps cached", "check failed", "Words are few", "Write fewer", "writing 3 times"):
        assert said in text, said
