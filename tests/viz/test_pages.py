from __future__ import annotations

import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from headrace.viz import Section, embed, page, tag

if TYPE_CHECKING:
    from pathlib import Path

VOID = {"meta", "br", "hr", "img", "input", "link", "col", "wbr"}


class Balance(HTMLParser):
    """Reads a page and fails at the first element that closes another."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        found = dict(attrs)
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag == "a":
            self.links.append(found.get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed(demo: str) -> None:
    reader = Balance()
    reader.feed(demo)
    assert reader.open == []
    assert len(set(reader.ids)) == len(reader.ids)
    assert {link[1:] for link in reader.links if link.startswith("#")} <= set(reader.ids)


def test_the_page_loads_nothing(demo: str) -> None:
    assert not re.search(r"https?://|//[a-z]+\.|url\(|@import|src=", demo)
    assert "default-src &#x27;none&#x27;" in demo


def test_data_cannot_become_markup(demo: str) -> None:
    assert "<script>alert" not in demo
    assert "<b>" not in demo


def test_the_page_has_both_looks_and_prints(demo: str) -> None:
    assert "prefers-color-scheme: dark" in demo.replace("scheme:dark", "scheme: dark")
    assert "@media print" in demo
    assert demo.startswith("<!doctype html>")


def test_one_section_needs_no_contents() -> None:
    assert "<ol>" not in page("t", Section("a", "A", "x"))
    assert "<ol>" in page("t", Section("a", "A", "x"), Section("b", "B", "y"))


def test_titles_are_escaped() -> None:
    assert "<i>" not in page("<i>", Section("a", "<i>", "<i>", "<i>"), subtitle="<i>")


def test_a_fragment_brings_its_style() -> None:
    assert embed(tag("p", "x")).count("<style>") == 1


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("no browser to open the page in")
        pytest.skip("no browser to open the page in")
    return found


PROBE = """<script>
document.querySelectorAll('#tables th button')[3].click();
document.querySelector('.hr-toggle').click();
const wide = document.documentElement.scrollWidth > innerWidth;
document.title = JSON.stringify({
  first: document.querySelector('#tables tbody td').textContent,
  last: [...document.querySelectorAll('#tables tbody tr')].at(-1).cells[0].textContent,
  sort: document.querySelectorAll('#tables th')[3].getAttribute('aria-sort'),
  theme: document.documentElement.dataset.theme, wide,
  overflowing: [...document.querySelectorAll('.hr-node')].filter((node) => {
    const box = node.querySelector('rect').getBBox();
    const ends = [...node.querySelectorAll('text')].map((text) => text.getBBox()).map((it) => it.x + it.width);
    return ends.some((end) => end > box.x + box.width);
  }).length,
});
</script>"""


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_works_in_a_browser(demo: str, chromium: str, tmp_path: Path, width: int) -> None:
    file = tmp_path / "demo.html"
    file.write_text(demo.replace("</body>", PROBE + "</body>"), encoding="utf-8")
    done = subprocess.run(
        [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--enable-logging=stderr",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--window-size={width},900",
            "--dump-dom",
            file.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "CONSOLE" not in done.stderr, done.stderr
    title = re.search(r"<title>(\{.*?\})</title>", done.stdout)
    assert title is not None, done.stdout[:2000]
    for part in (
        '"first":"&lt;script',
        '"last":"capital_gain"',
        '"sort":"ascending"',
        '"wide":false',
        '"overflowing":0',
    ):
        assert part in title.group(1), title.group(1)
    assert '"theme":"dark"' in title.group(1) or '"theme":"light"' in title.group(1)
