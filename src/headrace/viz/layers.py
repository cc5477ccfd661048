"""The layout of directed graphs.

Layers by longest path, dummy nodes on long edges, order by barycentres, and places by pulling each node towards its
neighbours while boxes keep their distance: the steps of Sugiyama, Tagawa and Toda (1981).
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Layout", "lay_out"]

_SWEEPS = 12
_PULLS = 60
_ROUNDS = 6
_DUMMY = 10.0
# How much harder the bends of a long edge pull at one another than boxes do.
_STIFF = 6.0


@dataclass(frozen=True)
class Layout:
    """Places of nodes and edges.

    Parameters
    ----------
    places
        Node to (centre across the layers in pixels, layer).
    routes
        An edge each: the same kind of points from its start to its end, one a layer.
    layers
        How many layers there are.
    width
        The extent across the layers, in pixels.
    """

    places: dict[str, tuple[float, int]]
    routes: list[list[tuple[float, int]]]
    layers: int
    width: float


def _without_circles(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the edges that are usable, each once, those that close a circle turned round."""
    known = set(nodes)
    after: dict[str, list[str]] = defaultdict(list)
    for start, stop in dict.fromkeys(edges):
        if start in known and stop in known and start != stop:
            after[start].append(stop)
    state: dict[str, int] = {}
    kept: dict[tuple[str, str], None] = {}
    for root in nodes:
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter(after[root]))]
        while stack:
            node, following = stack[-1]
            for other in following:
                if state.get(other) == 1:
                    kept[other, node] = None
                    continue
                kept[node, other] = None
                if other not in state:
                    state[other] = 1
                    stack.append((other, iter(after[other])))
                    break
            else:
                state[node] = 2
                stack.pop()
    return list(kept)


def _layers(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return each node's layer: the longest path to it, and sources pulled next to what they feed."""
    before, after = defaultdict(list), defaultdict(list)
    for start, stop in edges:
        before[stop].append(start)
        after[start].append(stop)
    left = {node: len(before[node]) for node in nodes}
    ready = [node for node in nodes if left[node] == 0]
    layer = dict.fromkeys(nodes, 0)
    order = []
    while ready:
        node = ready.pop(0)
        order.append(node)
        for other in after[node]:
            layer[other] = max(layer[other], layer[node] + 1)
            left[other] -= 1
            if left[other] == 0:
                ready.append(other)
    for node in reversed(order):
        if not before[node] and after[node]:
            layer[node] = min(layer[other] for other in after[node]) - 1
    return layer


class _Grid:
    """Rows of nodes and dummies, with their neighbours above and below."""

    def __init__(
        self, nodes: Sequence[str], edges: Sequence[tuple[str, str]], sizes: Mapping[str, float], gap: float
    ) -> None:
        self.layer = _layers(nodes, edges)
        self.rows: list[list[str]] = [[] for _ in range(max(self.layer.values(), default=-1) + 1)]
        self.size = dict(sizes)
        self.gap = gap
        self.above: dict[str, list[str]] = defaultdict(list)
        self.below: dict[str, list[str]] = defaultdict(list)
        self.chains: list[list[str]] = []
        self.line: dict[str, list[str]] = {}
        for node in nodes:
            self.rows[self.layer[node]].append(node)
        for number, (start, stop) in enumerate(edges):
            chain = [start]
            for depth in range(self.layer[start] + 1, self.layer[stop]):
                dummy = f"\0{number}:{depth}"
                self.layer[dummy], self.size[dummy] = depth, _DUMMY
                self.rows[depth].append(dummy)
                chain.append(dummy)
            chain.append(stop)
            for one, other in pairwise(chain):
                self.below[one].append(other)
                self.above[other].append(one)
            self.chains.append(chain)
            self.line.update(dict.fromkeys(chain[1:-1], chain))

    def crossings(self) -> int:
        """Return how many pairs of edges cross."""
        total = 0
        for upper, lower in pairwise(self.rows):
            rank = {node: index for index, node in enumerate(lower)}
            ends = [rank[other] for node in upper for other in sorted(self.below[node], key=rank.__getitem__)]
            # Insertion sort counts the pairs that are out of order.
            seen: list[int] = []
            for end in ends:
                total += sum(1 for other in seen if other > end)
                seen.append(end)
        return total

    def order(self) -> None:
        """Sort the rows by barycentre, up and down, and keep the order with the fewest crossings."""
        best, fewest = [list(row) for row in self.rows], self.crossings()
        for sweep in range(_SWEEPS):
            downwards = sweep % 2 == 0
            beside = self.above if downwards else self.below
            indexes = range(1, len(self.rows)) if downwards else range(len(self.rows) - 2, -1, -1)
            for index in indexes:
                rank = {node: at for at, node in enumerate(self.rows[index - 1 if downwards else index + 1])}
                centre = {
                    node: sum(rank[other] for other in beside[node]) / len(beside[node]) if beside[node] else float(at)
                    for at, node in enumerate(self.rows[index])
                }
                self.rows[index].sort(key=centre.__getitem__)
            crossed = self.crossings()
            if crossed < fewest:
                best, fewest = [list(row) for row in self.rows], crossed
        self.rows = best

    def places(self) -> dict[str, float]:
        """Return each node's centre across the layers."""
        place: dict[str, float] = {}
        for row in self.rows:
            at = 0.0
            for node in row:
                place[node] = at + self.size[node] / 2
                at += self.size[node] + self.gap
            for node in row:
                place[node] -= (at - self.gap) / 2
        for pull in range(_PULLS):
            rows = self.rows if pull % 2 == 0 else self.rows[::-1]
            for row in rows:
                wanted = [self._wish(node, place) for node in row]
                place.update(zip(row, self._apart(row, wanted), strict=True))
        for _ in range(_ROUNDS):
            for chain in sorted(self.chains, key=len, reverse=True):
                self._straighten(chain[1:-1], place)
        least = min((place[node] - self.size[node] / 2 for node in place), default=0.0)
        return {node: at - least for node, at in place.items()}

    def _straighten(self, bends: list[str], place: dict[str, float]) -> None:
        """Put the bends of an edge in one line where their neighbours leave room for it."""
        low, high = -math.inf, math.inf
        for bend in bends:
            row = self.rows[self.layer[bend]]
            at = row.index(bend)
            for other in row[max(at - 1, 0) : at]:
                low = max(low, place[other] + (self.size[other] + self.size[bend]) / 2 + self.gap)
            for other in row[at + 1 : at + 2]:
                high = min(high, place[other] - (self.size[other] + self.size[bend]) / 2 - self.gap)
        if len(bends) > 1 and low <= high:
            middle = sum(place[bend] for bend in bends) / len(bends)
            place.update(dict.fromkeys(bends, min(max(middle, low), high)))

    def _wish(self, node: str, place: Mapping[str, float]) -> float:
        """Return where a node would stand best: amid its neighbours, and a bend in line with the other bends."""
        if node in self.line:
            start, *bends, stop = self.line[node]
            ends = (place[start] + place[stop]) / 2
            return (sum(place[bend] for bend in bends) + ends) / (len(bends) + 1)
        near = [*self.above[node], *self.below[node]]
        return sum(place[other] for other in near) / len(near) if near else place[node]

    def _apart(self, row: list[str], wanted: list[float]) -> list[float]:
        """Return the places nearest to those wanted at which boxes keep their distance and their order.

        This is isotonic regression on the places less the room that the boxes to the left need; neighbours in
        conflict are pooled at their mean.
        """
        room, offsets = 0.0, []
        for index, node in enumerate(row):
            if index:
                room += (self.size[row[index - 1]] + self.size[node]) / 2 + self.gap
            offsets.append(room)
        pools: list[tuple[float, float, int]] = []
        for node, want, offset in zip(row, wanted, offsets, strict=True):
            mean, weight, many = want - offset, _STIFF if node in self.line else 1.0, 1
            while pools and pools[-1][0] > mean:
                other, more, count = pools.pop()
                mean = (mean * weight + other * more) / (weight + more)
                weight, many = weight + more, many + count
            pools.append((mean, weight, many))
        flat = [mean for mean, _, many in pools for _ in range(many)]
        return [mean + offset for mean, offset in zip(flat, offsets, strict=True)]


def lay_out(
    nodes: Sequence[str], edges: Sequence[tuple[str, str]], sizes: Mapping[str, float], *, gap: float = 20
) -> Layout:
    """Return the places of a graph's nodes and the routes of its edges.

    Parameters
    ----------
    nodes
        Ids, in the order that breaks ties.
    edges
        (from, to) pairs; unknown nodes and loops are left out.
    sizes
        Each node's extent across the layers, in pixels.
    gap
        The least distance between neighbours, in pixels.
    """
    names = list(dict.fromkeys(nodes))
    grid = _Grid(names, _without_circles(names, edges), sizes, gap)
    grid.order()
    place = grid.places()
    return Layout(
        places={node: (place[node], grid.layer[node]) for node in names},
        routes=[[(place[node], grid.layer[node]) for node in chain] for chain in grid.chains],
        layers=len(grid.rows),
        width=max((place[node] + grid.size[node] / 2 for node in place), default=0.0),
    )
