from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from headrace.statistics import get_statistics_html, visualize_statistics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.statistics.page.conftest import Browser, Everything

NAMES = "[...document.querySelectorAll('.st-row .st-open')].map((button) => button.textContent)"
COUNTED = "document.querySelector('.st-counted').textContent"


@pytest.fixture(scope="module")
def pages(everything: Everything, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a page of one, three and twelve data sets."""
    folder = tmp_path_factory.mktemp("pages")
    visualize_statistics(everything("train"), folder / "one.html")
    visualize_statistics(everything("train", "eval", "test"), folder / "three.html")
    visualize_statistics(everything(*(f"month {at}" for at in range(1, 13))), folder / "months.html")
    return folder


@pytest.fixture
def three(browser: Browser, pages: Path) -> Iterator[Browser]:
    """Return the browser with the page of three data sets; fail where the page has complained."""
    browser.open(pages / "three.html")
    yield browser
    assert browser.complaints() == []


def _click(browser: Browser, selector: str) -> None:
    browser.run(f"document.querySelector({json.dumps(selector)}).click()")


def _search(browser: Browser, words: str) -> list[str]:
    browser.run(
        f"""(() => {{
          const box = document.querySelector('.st-search');
          box.value = {json.dumps(words)};
          box.dispatchEvent(new Event('input'));
        }})()"""
    )
    found: list[str] = browser.run(NAMES)
    return found


def _spare(browser: Browser, selector: str) -> int:
    """Return by how many pixels what is in an element is wider than the element."""
    box = f"document.querySelector({json.dumps(selector)})"
    found: int = browser.run(f"{box}.scrollWidth - {box}.clientWidth")
    return found


def _sort(browser: Browser, key: str) -> list[str]:
    _click(browser, f"thead [data-key={key}]")
    found: list[str] = browser.run(NAMES)
    return found


@pytest.mark.parametrize("name", ["one", "three", "months"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (760, "dark"), (400, "light")])
def test_the_page_opens_at_any_width(browser: Browser, pages: Path, name: str, width: int, scheme: str) -> None:
    browser.open(pages / f"{name}.html", width=width, scheme=scheme)
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    assert _spare(browser, ".st-holder") <= 0
    assert browser.run("document.querySelectorAll('.st-row').length") > 4
    assert browser.run("document.getElementById('plain')") is None
    ground = browser.run("getComputedStyle(document.querySelector('.hr-app')).backgroundColor")
    assert ground == ("rgb(16, 22, 28)" if scheme == "dark" else "rgb(247, 248, 249)")
    assert browser.complaints() == []


def test_what_has_moved_most_stands_first(three: Browser) -> None:
    first = three.run(NAMES)[:3]
    assert set(first) == {"bell", "count", "address.scores"}
    assert three.run("document.querySelector('.st-order select').value") == "worry"


def test_columns_sort(three: Browser) -> None:
    names = _sort(three, "distinct")
    assert names[:3] == ["id", "at", "photo"]
    assert three.run("document.querySelector('[aria-sort]').textContent") == "distinct"
    assert three.run("document.querySelector('[aria-sort]').getAttribute('aria-sort')") == "descending"
    # Once more turns it round; what has no such number stays last.
    assert _sort(three, "distinct")[0] == "fixed"
    assert three.run("document.activeElement.dataset.key") == "distinct"
    _click(three, "thead [data-key=name]")
    three.run("scrollTo(0, 1e6)")
    assert three.run(NAMES)[-1] == "שלום עולם"


def test_search_and_filters(three: Browser) -> None:
    assert _search(three, "BELL") == ["bell"]
    assert three.run(COUNTED) == "1 of 22 features"
    assert _search(three, "natural language") == ["text"]
    assert _search(three, "nobody") == []
    assert "No feature is like that" in three.run("document.querySelector('.st-none').textContent")
    _click(three, ".st-none button")
    assert three.run(COUNTED) == "22 features"
    _click(three, "[data-chip=leak]")
    _click(three, "[data-chip=absent]")
    assert set(three.run(NAMES)) == {"approved_at_text", "photo"}
    _click(three, "[data-chip=bytes]")
    assert three.run(NAMES) == ["photo"]
    assert three.run("document.querySelector('[data-chip=bytes]').getAttribute('aria-pressed')") == "true"


def test_toggles_change_the_pictures(three: Browser) -> None:
    _search(three, "bell")
    picture = "document.querySelector('.st-row').innerHTML"
    seen = {three.run(picture)}
    for choice in ("log", "quantiles", "weighted"):
        _click(three, f".st-toggles [data-choice={choice}]")
        seen.add(three.run(picture))
    _click(three, ".st-toggles [data-choice=width]")
    seen.add(three.run(picture))
    assert len(seen) == 5
    _click(three, ".st-toggles [data-choice=linear]")
    _click(three, ".st-row .st-open")
    ticks = "[...document.querySelectorAll('.st-panel .hr-tick')].map((one) => one.textContent)"
    assert "10%" in three.run(ticks)
    _click(three, ".st-panel [data-choice=count]")
    assert "100" in three.run(ticks)
    assert three.run("document.activeElement.dataset.choice") == "count"
    assert three.run("document.querySelector('.st-toggles [data-choice=count]').getAttribute('aria-pressed')") == "true"


def test_data_sets_come_and_go(browser: Browser, pages: Path) -> None:
    browser.open(pages / "months.html")
    shown = "[...document.querySelectorAll('.st-set-chip[aria-pressed=true] bdi')].map((one) => one.textContent)"
    lines = "document.querySelector('.st-row').querySelectorAll('.st-set').length"
    assert browser.run(shown) == ["month 1", "month 2", "month 3", "month 4"]
    for at in (11, 10, 9):
        _click(browser, f".st-set-chip[data-set='{at}']")
    # There are six looks; the baseline stays.
    assert browser.run(shown) == ["month 1", "month 3", "month 4", "month 10", "month 11", "month 12"]
    assert browser.run(lines) == 6
    for at in (2, 3, 9, 10, 11, 0):
        _click(browser, f".st-set-chip[data-set='{at}']")
    assert browser.run(shown) == ["month 1"]
    assert browser.run("document.querySelectorAll('.st-drift')[0].querySelectorAll('rect').length") == 11
    assert browser.complaints() == []


def test_details_open_by_keyboard(three: Browser) -> None:
    three.run("document.querySelector('.st-open[data-at=\"0\"]').focus()")
    three.press("Enter")
    assert three.run("document.querySelector('dialog').open")
    assert three.run("document.querySelector('#st-panel-name').textContent") == "bell"
    assert three.run("location.hash") == "#feature=bell"
    words = three.run("document.querySelector('.st-panel-body').textContent")
    for part in ("standard deviation", "kurtosis", "3.02", "Quantiles", "99%", "Goes with", "0.12 bits"):
        assert part in words
    three.run("document.querySelector('[data-move=\"1\"]').click()")
    assert three.run("document.querySelector('#st-panel-name').textContent") != "bell"
    three.press("Escape")
    assert not three.run("document.querySelector('dialog').open")
    assert three.run("document.activeElement.className") == "st-open"
    three.press("ArrowDown")
    three.press("End")
    assert three.run("document.activeElement.className") == "st-open"
    assert three.run("scrollY") > 300


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("approved_at_text", ["may leak the label", "Nearly the same as at", "dates as text (%Y-%m-%d)", "2013-01-18"]),
        ("address.scores", ["Number of values by level of nesting", "lists in lists", "1 to 6, on average 3"]),
        ("at", ["longest gap", "1 d 2 h, after 2013-01-07 03:00:00", "in order", "2013-02-11 15:00:00.250000"]),
        ("photo", ["≈ 998 ± 0.8%", "Not in test", "12, 65,000"]),
        ("address", ["its fields are features of their own"]),
        ("married", ["62.0%"]),
        ("colour", ["(empty)", "␣", '"?", "NA"']),
        ("fixed", ["a constant"]),
    ],
)
def test_details_say_all(browser: Browser, pages: Path, name: str, parts: list[str]) -> None:
    browser.open(pages / "three.html", fragment=f"#feature={name}")
    assert browser.run("document.querySelector('#st-panel-name').textContent") == name
    words = browser.run("document.querySelector('dialog').textContent")
    for part in parts:
        assert part in words
    assert _spare(browser, ".st-panel-body") <= 0
    assert browser.complaints() == []


def test_every_picture_of_every_feature_can_be_drawn(three: Browser) -> None:
    script = """(() => {
      const seen = [];
      for (const button of [...document.querySelectorAll('.st-row .st-open')]) {
        button.click();
        for (const choice of ['histogram', 'quantiles', 'values', 'ranks', 'cumulative', 'log', 'count', 'weighted']) {
          document.querySelector(`.st-panel [data-choice=${choice}]`)?.click();
          const chart = document.querySelector('.st-panel .st-chart');
          if (chart) seen.push(/NaN|undefined|Infinity/.test(chart.innerHTML) ? `${button.textContent} ${choice}` : '');
        }
        document.querySelector('.st-panel').close();
      }
      return seen;
    })()"""
    seen = three.run(script)
    assert len(seen) > 100
    assert set(seen) == {""}


def test_relations_are_drawn(three: Browser) -> None:
    _click(three, ".st-views [data-choice=relations]")
    assert three.run("document.querySelectorAll('.st-square').length") == 2 + 2 * 6
    assert three.run("document.querySelectorAll('.st-minus').length") == 1 + 2 * 2
    words = three.run("document.querySelector('.hr-section:not([hidden])').textContent")
    for part in ("What says most about the label", "Cram\u00e9r\u2019s V", "\u22120.42", "Values that stand together"):
        assert part in words
    _click(three, ".st-views [data-choice=sources]")
    words = three.run("document.querySelector('.hr-section:not([hidden])').textContent")
    for part in ("50.0% of the rows", "3 rows", "people.csv, row 17", "1,520", "entropy"):
        assert part in words


def test_hostile_values_are_shown_and_do_nothing(browser: Browser, pages: Path, made_by_hand: Any) -> None:
    browser.open(pages / "one.html", height=3000)
    names = [name.replace("␣", " ") if name != "(empty)" else "" for name in browser.run(NAMES)]
    assert {" ".join(name.split()) for name in made_by_hand.NAMES} <= {" ".join(name.split()) for name in names}
    assert browser.run("document.querySelectorAll('script').length") == 3
    assert browser.complaints() == []


def test_without_a_script_there_is_a_table(browser: Browser, pages: Path) -> None:
    browser.open(pages / "three.html", run=False)
    document = browser.send("DOM.getDocument")["root"]["nodeId"]
    rows = browser.send("DOM.querySelectorAll", nodeId=document, selector="#plain tbody tr")["nodeIds"]
    assert len(rows) == 22 + 22 + 21
    assert browser.complaints() == []


def test_printing_has_every_row(browser: Browser, pages: Path) -> None:
    browser.open(pages / "three.html")
    assert browser.run("document.querySelectorAll('.st-row').length") < 22
    browser.run("dispatchEvent(new Event('beforeprint'))")
    assert browser.run("document.querySelectorAll('.st-row').length") == 22
    browser.look(media="print")
    assert browser.run("getComputedStyle(document.querySelector('.st-tools')).display") == "none"
    browser.look()
    browser.run("dispatchEvent(new Event('afterprint'))")
    assert browser.run("document.querySelectorAll('.st-row').length") < 22


def test_two_thousand_features_are_no_more_rows(browser: Browser, everything: Everything, tmp_path: Path) -> None:
    from msgspec.structs import replace

    from headrace.statistics import Statistics

    data = everything("train")["train"]
    many = tuple(replace(data.features[at % 5], name=f"f{at:04d}") for at in range(2000))
    wide = Statistics((replace(data, features=many, cross_features=()),))
    (tmp_path / "wide.html").write_text(get_statistics_html(wide), encoding="utf-8")
    browser.open(tmp_path / "wide.html")
    assert browser.run(NAMES)[0] == "f0000"
    browser.run("scrollTo(0, 1e6)")
    names = browser.run(NAMES)
    assert names[-1] == "f1999"
    assert len(names) < 60
    assert browser.run("document.querySelector('.st-table').getAttribute('aria-rowcount')") == "2001"
    # A row in sight stands where the scroll bar says.
    browser.run("scrollTo(0, 50000)")
    inside = """[...document.querySelectorAll('.st-row')].some((row) => {
      const box = row.getBoundingClientRect();
      return box.top < 400 && box.bottom > 300;
    })"""
    assert browser.run(inside)
    assert browser.complaints() == []


def test_a_script_that_fails_leaves_the_table(browser: Browser, pages: Path, tmp_path: Path) -> None:
    # An old browser, say: what the page needs is not there.
    page = (pages / "one.html").read_text("utf-8").replace('"datasets":', '"nothing":', 1)
    (tmp_path / "broken.html").write_text(page, encoding="utf-8")
    browser.open(tmp_path / "broken.html")
    assert browser.run("document.querySelector('#plain').offsetHeight") > 300


@pytest.mark.parametrize("sets", [0, 1])
def test_nothing_is_a_page_too(browser: Browser, tmp_path: Path, sets: int) -> None:
    from headrace.statistics import DatasetStatistics, Statistics

    empty = Statistics(tuple(DatasetStatistics("none", 0, ()) for _ in range(sets)))
    (tmp_path / "empty.html").write_text(get_statistics_html(empty), encoding="utf-8")
    browser.open(tmp_path / "empty.html")
    assert browser.run(COUNTED) == "0 features"
    assert browser.complaints() == []


def test_what_is_wrong_stands_first(browser: Browser, everything: Everything, tmp_path: Path) -> None:
    from headrace.validation import Anomaly

    wrong = [
        Anomaly("tail", "range", "warning", "train", "tail is long <b>"),
        Anomaly("colour", "domain_values", "error", "train", "colour has odd values </script>"),
    ]
    page = get_statistics_html(everything("train", "test"), anomalies=wrong)
    (tmp_path / "wrong.html").write_text(page, encoding="utf-8")
    browser.open(tmp_path / "wrong.html", fragment="#feature=colour")
    assert browser.run(NAMES)[:2] == ["colour", "tail"]
    assert "colour has odd values </script>" in browser.run("document.querySelector('.hr-note').textContent")
    assert browser.run("document.querySelector('.st-order option').textContent") == "most anomalous first"
    assert browser.complaints() == []
