from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from headrace.errors import UsageError
from headrace.schema import Feature, Schema
from headrace.statistics import DatasetStatistics, Statistics, get_statistics_html, visualize_statistics
from headrace.validation import validate_statistics

if TYPE_CHECKING:
    from pathlib import Path

    from tests.statistics.page.conftest import Everything


def _data(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found.group(1))


def test_the_page_loads_nothing_and_runs_only_its_own_script(everything: Everything) -> None:
    page = get_statistics_html(everything("train", "test"))
    assert not re.search(r"https?://|url\(|@import|src=|style=\"", page.replace("http://www.w3.org/2000/svg", ""))
    policy = html.unescape(page.split('content="', 2)[1].split('"')[0])
    assert policy.startswith("default-src 'none'; ")
    (sheet,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    early, code = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    for directive, texts in (("style-src", [sheet]), ("script-src", [early, code])):
        digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
        allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
        assert f"{directive} {allowed};" in policy


def test_hostile_names_stay_data(everything: Everything, made_by_hand: Any) -> None:
    page = get_statistics_html(everything("train"))
    assert "<script>alert" not in page
    assert page.count("</script>") == 3
    names = [feature["n"] for feature in _data(page)["features"]]
    assert set(made_by_hand.NAMES) <= set(names)


def test_half_a_character_does_not_break_the_page(everything: Everything) -> None:
    data = everything("train")["train"]
    odd = replace(data.features[0], name="half \ud83e")
    page = get_statistics_html(Statistics((DatasetStatistics("odd", 5, (odd,)),)))
    page.encode()
    assert _data(page)["features"][0]["n"] == "half ?"


def test_the_plain_table_has_the_essentials(everything: Everything) -> None:
    page = get_statistics_html(everything("train", "test"))
    plain = page.split('id="plain"')[1].split("</table>")[0]
    assert plain.count("<tr>") == 1 + 22 + 21
    for part in ("bell", "1.3%", "40.2", "leak?, duplicate", "red (", "2013-01-01", "≈ 998"):
        assert part in plain
    # Of many data sets, the one that the others are compared with.
    page = get_statistics_html(everything("a", "b", "c", "d"), baseline="b")
    assert page.split('id="plain"')[1].split("</table>")[0].count("<tr>") == 1 + 22
    assert _data(page)["baseline"] == 1


def test_what_is_wrong_travels_along(everything: Everything, tmp_path: Path) -> None:
    known = tuple(feature for feature in everything("train")["train"].features if feature.name in {"bell", "tail"})
    statistics = Statistics((DatasetStatistics("train", 1013, known),))
    schema = Schema((Feature("bell", "FLOAT", min_fraction=1.0), Feature("tail", "FLOAT")))
    anomalies = validate_statistics(statistics, schema)
    path = tmp_path / "page.html"
    visualize_statistics(statistics, path, distances={"tail": 0.25}, anomalies=anomalies)
    data = _data(path.read_text("utf-8"))
    features = {feature["n"]: feature for feature in data["features"]}
    assert features["bell"]["a"][0][0] == "error"
    assert "bell" in features["bell"]["a"][0][1]
    assert features["tail"]["d"] == 0.25
    assert data["given"] is True


def test_the_baseline_is_a_data_set(everything: Everything) -> None:
    with pytest.raises(UsageError, match="baseline"):
        get_statistics_html(everything("train"), baseline="trian")
    with pytest.raises(UsageError, match="train"):
        visualize_statistics(everything("train"), baseline="trian")


def test_no_data_set_is_a_page_too() -> None:
    assert "no data set" in get_statistics_html(Statistics(()))
    assert _data(get_statistics_html(Statistics((DatasetStatistics("none", 0, ()),))))["features"] == []


def test_the_same_values_give_the_same_page(everything: Everything) -> None:
    assert get_statistics_html(everything("train")) == get_statistics_html(everything("train"))
