"""Ways to cut values into parts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

CUTS = st.lists(st.integers(0, 60), max_size=5)


def split(values: list[Any], cuts: list[int]) -> list[list[Any]]:
    edges = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    return [values[low:high] for low, high in pairwise(edges)]
