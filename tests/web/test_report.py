from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from headrace.errors import MetadataError
from headrace.web import run_report

if TYPE_CHECKING:
    from pathlib import Path

Home = tuple["Path", str]


class Outline(HTMLParser):
    """Collects headings, anchors and links, and checks that elements close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "br", "hr", "img"}:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name == "href" and value:
                self.links.append(value)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def outline(page: str) -> Outline:
    reader = Outline()
    reader.feed(page)
    assert reader.open == []
    return reader


def words(page: str) -> str:
    return re.sub(r"<[^>]+>", " ", page.split("</style>", 1)[1])


@pytest.fixture(scope="module")
def page(finished: Home) -> str:
    return run_report(*finished)


def test_every_part_of_the_run_is_there(page: str) -> None:
    assert outline(page).headings == [
        "Graph",
        "Parameters",
        "Data",
        "Statistics",
        "Anomalies",
        "Schema",
        "Transform",
        "Tuning",
        "Training",
        "Evaluation",
        "Crash test",
        "Publication",
        "Letter",
        "Lineage",
        "Steps",
    ]
    assert "cannot be shown" not in page
    assert "no data" not in page


def test_links_lead_somewhere_and_anchors_are_unique(page: str) -> None:
    found = outline(page)
    assert len(set(found.ids)) == len(found.ids)
    assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.ids)


def test_the_page_loads_nothing(page: str) -> None:
    assert not re.search(r"https?://|url\(|@import|\ssrc=", page)


def test_data_names_and_logs_are_text(page: str, failed: Home) -> None:
    for one in (page, run_report(*failed)):
        assert "<script>alert" not in one
        assert "&lt;script&gt;alert" in one
        assert "\x1b" not in one
        assert "\x00" not in one


def test_verdicts_times_and_digests_are_named(page: str) -> None:
    text = words(page)
    for said in (
        "pushed census/4",
        "crash test passed",
        "not blessed",
        "2 of 10 steps cached",
        "cached, was 10 ms",
        "2026-11-20 19:01:42 UTC",
        "data/adult.data",
        "aaaaaaaaaaaa",
        "[128, 64]",
        "epoch 2 loss 0.4",
        "3 of 1,003 rows could not be read",
    ):
        assert said in text, said


def test_the_same_run_gives_the_same_page(finished: Home, page: str) -> None:
    home, run_id = finished
    assert run_report(home, run_id) == page
    assert run_report(home, run_id[:10]) == page


def test_a_failed_run_says_what_failed(failed: Home) -> None:
    page = run_report(*failed)
    text = words(page)
    assert "trainer failed" in text
    assert "pipeline.py, line 12" in text
    assert "Training" not in outline(page).headings
    assert "Evaluation" not in outline(page).headings
    assert '<details class="hr-details" open="">' in page


def test_what_was_cleaned_up_or_broken_is_said_and_the_rest_is_shown(failed: Home) -> None:
    home, run_id = failed
    (home / "artifacts" / "statistics" / "statistics.json").write_text("{", "utf-8")
    (home / "artifacts" / "examples" / "examples.json").write_text("[]", "utf-8")
    (home / "artifacts" / "schema").rename(home / "elsewhere")
    text = words(run_report(home, run_id))
    assert "ExampleStatistics cannot be shown" in text
    assert "Examples cannot be shown" in text
    assert "folder of this artifact is gone" in text
    assert "From columns to features" in text


def test_an_unknown_run_is_an_error(finished: Home, tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match="nothing-like-it"):
        run_report(finished[0], "nothing-like-it")
    with pytest.raises(MetadataError):
        run_report(tmp_path, "any")
