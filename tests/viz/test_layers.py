from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.viz.layers import lay_out

edges_of_twelve = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 13)), max_size=40)


def test_a_chain_is_straight() -> None:
    layout = lay_out(["a", "b", "c"], [("a", "b"), ("b", "c")], {"a": 50, "b": 90, "c": 30})
    assert len({round(place, 3) for place, _ in layout.places.values()}) == 1
    assert [layout.places[name][1] for name in "abc"] == [0, 1, 2]


def test_long_edges_bend_round_the_boxes_between() -> None:
    layout = lay_out(["a", "b", "c"], [("a", "b"), ("b", "c"), ("a", "c")], dict.fromkeys("abc", 80.0))
    long = max(layout.routes, key=len)
    assert [layer for _, layer in long] == [0, 1, 2]
    assert abs(long[1][0] - layout.places["b"][0]) >= 40


def test_no_crossing_where_none_is_needed() -> None:
    layout = lay_out(["a", "b", "x", "y"], [("a", "y"), ("b", "x")], dict.fromkeys("abxy", 50.0))
    assert (layout.places["a"][0] < layout.places["b"][0]) == (layout.places["y"][0] < layout.places["x"][0])


def test_circles_loops_and_strangers_do_no_harm() -> None:
    layout = lay_out(["a", "b"], [("a", "b"), ("b", "a"), ("a", "a"), ("a", "z")], {"a": 10, "b": 10})
    assert layout.places["a"][1] < layout.places["b"][1]
    assert lay_out([], [], {}).layers == 0


@given(edges_of_twelve)
@settings(deadline=None, max_examples=60)
def test_boxes_keep_their_distance_and_edges_lead_on(pairs: list[tuple[int, int]]) -> None:
    names = [f"n{index}" for index in range(12)]
    edges = [(f"n{start}", f"n{stop}") for start, stop in pairs]
    sizes = {name: 40.0 + 7 * index for index, name in enumerate(names)}
    layout = lay_out(names, edges, sizes, gap=20)
    assert layout == lay_out(names, edges, sizes, gap=20)
    for route in layout.routes:
        assert [layer for _, layer in route] == list(range(route[0][1], route[-1][1] + 1))
    for one, other in combinations(names, 2):
        (x, layer), (other_x, other_layer) = layout.places[one], layout.places[other]
        assert 0 <= layer < layout.layers
        if layer == other_layer:
            assert abs(x - other_x) >= (sizes[one] + sizes[other]) / 2 + 20 - 1e-6
        assert sizes[one] / 2 - 1e-6 <= x <= layout.width - sizes[one] / 2 + 1e-6
