"""Positions of the boxes of a layered graph, after Sugiyama et al. 1981.

An edge that spans several layers passes through a waypoint in each layer between. Swapping neighbours removes
crossings; positions within a layer are least squares to the neighbours' under minimal distances.
"""

from dataclasses import dataclass
from itertools import combinations, pairwise

Edge = tuple[str, str]  # importing, imported
Order = list[list[str]]  # nodes of each layer from left to right, the lowest layer first
WAYPOINT = 0.16  # width of a waypoint, in boxes
STRAIGHT = (1, 2, 8)  # weight of a segment, by the number of its ends that are waypoints
CROSSING = 3.0  # cost of a crossing, in boxes of horizontal length of an edge


@dataclass(frozen=True)
class Layout:
    """Centres of all nodes in boxes and layers, and the nodes that each edge passes through."""

    x: dict[str, float]
    level: dict[str, int]
    paths: dict[Edge, list[str]]


def reduced(edges: set[Edge]) -> set[Edge]:
    """The edges that are not implied by a longer path (transitive reduction)."""

    def reach(room: str) -> set[str]:
        direct = {end for start, end in edges if start == room}
        return direct.union(*map(reach, direct))

    return {(a, b) for a, b in edges if not any(b in reach(end) for start, end in edges if start == a)}


def layers(rooms: set[str], edges: set[Edge]) -> Order:
    """Rooms by the length of the longest chain of imports below them. Raises SystemExit for a cycle."""
    found: Order = []
    rest = set(rooms)
    while rest:
        ready = {room for room in rest if not any(start == room and end in rest for start, end in edges)}
        if not ready:
            raise SystemExit(f"error: imports in a cycle among {', '.join(sorted(rest))}")
        found.append(sorted(ready))
        rest -= ready
    return found


def lay_out(rooms: Order, edges: set[Edge]) -> Layout:
    level = {room: i for i, layer in enumerate(rooms) for room in layer}
    paths = {}
    for a, b in sorted(edges):
        between = [f"{a}>{b}@{i}" for i in range(level[a] - 1, level[b], -1)]
        paths[a, b] = [a, *between, b]
        level |= {node: level[a] - 1 - i for i, node in enumerate(between)}
    segments = sorted({pair for path in paths.values() for pair in pairwise(path)})
    start = [[node for node in level if level[node] == i] for i in range(len(rooms))]
    candidates = [_improved(order, segments) for order in (start, [layer[::-1] for layer in start])]
    best = min(candidates, key=lambda order: _cost(order, segments))
    return Layout(_positions(best, segments), level, paths)


def _improved(order: Order, segments: list[Edge]) -> Order:
    """Swaps two nodes of a layer while that lowers the cost."""
    cost = _cost(order, segments)
    improved = True
    while improved:
        improved = False
        for i, layer in enumerate(order):
            for one, two in combinations(range(len(layer)), 2):
                swapped = list(layer)
                swapped[one], swapped[two] = swapped[two], swapped[one]
                trial = [*order[:i], swapped, *order[i + 1 :]]
                trial_cost = _cost(trial, segments)
                if trial_cost < cost - 1e-6:
                    order, layer, cost, improved = trial, swapped, trial_cost, True
    return order


def _cost(order: Order, segments: list[Edge]) -> float:
    x = _positions(order, segments)
    level = {node: i for i, layer in enumerate(order) for node in layer}
    crossings = sum(
        level[a] == level[c] and (x[a] - x[c]) * (x[b] - x[d]) < 0 for (a, b), (c, d) in combinations(segments, 2)
    )
    return CROSSING * crossings + sum(abs(x[a] - x[b]) for a, b in segments)


def _positions(order: Order, segments: list[Edge]) -> dict[str, float]:
    """Centres, layer by layer: each node as close to the mean of its neighbours as the minimal distances allow."""
    near: dict[str, dict[str, int]] = {node: {} for layer in order for node in layer}
    for a, b in segments:
        near[a][b] = near[b][a] = STRAIGHT[is_waypoint(a) + is_waypoint(b)]
    x = {node: float(i) for layer in order for i, node in enumerate(layer)}
    for _ in range(8):
        for layer in (*order, *order[::-1]):
            wanted = [_mean(near[node], x) if near[node] else x[node] for node in layer]
            x |= dict(zip(layer, _spread(layer, wanted), strict=True))
    return x


def _mean(weights: dict[str, int], x: dict[str, float]) -> float:
    return sum(weight * x[node] for node, weight in weights.items()) / sum(weights.values())


def _spread(layer: list[str], wanted: list[float]) -> list[float]:
    """Least squares to `wanted` without overlapping boxes, by isotonic regression of the remaining gaps."""
    offsets = [0.0]
    for left, right in pairwise(layer):
        offsets.append(offsets[-1] + (_width(left) + _width(right)) / 2)
    blocks: list[list[float]] = []  # sum, count
    for goal, offset in zip(wanted, offsets, strict=True):
        blocks.append([goal - offset, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
    level = [total / count for total, count in blocks for _ in range(int(count))]
    return [base + offset for base, offset in zip(level, offsets, strict=True)]


def is_waypoint(node: str) -> bool:
    return "@" in node


def _width(node: str) -> float:
    return WAYPOINT if is_waypoint(node) else 1.12
