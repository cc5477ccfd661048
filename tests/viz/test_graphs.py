from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from headrace.viz import DagNode, dag
from headrace.viz.graphs import _ICONS


def test_every_node_and_edge_is_drawn() -> None:
    nodes = [DagNode("a", "first", "1 s", "done"), DagNode("b", "<second>", state="failed", href="#b")]
    root = ET.fromstring(str(dag(nodes, [("a", "b"), ("a", "nobody")])))
    assert [text.text for text in root.iter("text")] == ["first", "1 s", "<second>"]
    assert len([path for path in root.iter("path") if path.get("class") == "hr-edge"]) == 1
    link = next(root.iter("a"))
    assert link.get("href") == "#b"
    assert link.get("aria-label") == "<second>, failed"


def test_states_differ_in_shape() -> None:
    assert len({shape for _, shape in _ICONS.values()}) == len(_ICONS)
    assert "hr-muted" in dag([DagNode("a", "a", state="never heard of")], [])


@pytest.mark.parametrize("direction", ["down", "right"])
def test_direction(direction: str) -> None:
    nodes = [DagNode(name, name) for name in "abcd"]
    edges = [("a", "b"), ("b", "c"), ("c", "d")]
    picture = next(
        ET.fromstring(str(dag(nodes, edges, direction="down" if direction == "down" else "right"))).iter("svg")
    )
    wide = float(picture.get("width", "")) > float(picture.get("height", ""))
    assert wide == (direction == "right")


def test_no_nodes() -> None:
    assert "no data" in dag([], [])


def test_long_titles_fit_their_boxes() -> None:
    markup = dag([DagNode("a", "a_component_with_a_name_that_goes_on_and_on_and_on", "x" * 80)], [])
    assert markup.count("…") == 2
