"""A gridworld defined by a map of walls, pits and goals, with configurable rewards and slips."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Annotated, Literal

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples
from mlcli.loading.mdp import FREE, GOAL, PIT, START, WALL, FiniteMDP, mdp_examples, outcome_tables

MOVES = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}
Cell = tuple[int, int]  # row, column


@dataclass(frozen=True)
class Rewards:
    """goal, pit, step: rewards for reaching a goal, falling into a pit, and any other step. farthest: the largest
    distance of a cell from the goal, in steps. potential, discount, nearer: see `gridworld`."""

    goal: float
    pit: float
    step: float
    potential: float
    discount: float
    nearer: float
    farthest: float


def gridworld(
    map: Sequence[str],
    *,
    goal: float = 1.0,
    pit: float = -1.0,
    step: float = -0.01,
    falls: Literal["end", "restart"] = "end",
    slip: Annotated[float, Range(0, 1)] = 0.0,
    potential: float = 0.0,
    discount: Annotated[float, Range(0, 1)] = 0.99,
    nearer: float = 0.0,
    limit: Annotated[int, Range(1)] = 200,
) -> Examples:
    """The states are the cells of a map: `#` wall, `O` pit, `G` goal, `S` start, dot or space for free cells.

    falls: whether a pit ends the episode, or leads back to the start, as the cliff of Sutton and Barto (example 6.6).
    slip: probability of moving to one of the two sides instead, half of it each.
    potential: potential-based reward shaping, adds F = discount · Φ(s') − Φ(s) to each reward. Φ is this number times
    the steps by which a cell is closer to the goal than the farthest cell, and 0 for terminal states. With the
    discount of the agent it leaves the optimal policy unchanged (Ng, Harada and Russell 1999).
    nearer: a bonus for each step towards the goal, without a penalty for steps away from it, so that going back and
    forth may be better than reaching the goal.

    Raises ValueError for a map without a start, a goal, or a path from one to the other.
    """
    rows = _check(map)
    cells = [(r, c) for r, row in enumerate(rows) for c, mark in enumerate(row) if mark != WALL]
    index = {cell: state for state, cell in enumerate(cells)}
    marks = [rows[r][c] for r, c in cells]
    starts = torch.tensor([float(mark == START) for mark in marks], dtype=torch.float64)
    away = distances(cells, marks)
    if any(distance == inf for distance, mark in zip(away, marks, strict=True) if mark == START):
        raise ValueError("data.map: there is no path from S to G; leave a free cell between walls and pits.")
    farthest = max(distance for distance in away if distance < inf)
    rewards = Rewards(goal, pit, step, potential, discount, nearer, farthest)

    def outcome(state: int, move: Cell, chance: float) -> tuple[float, int, float, bool]:
        if marks[state] == GOAL or (marks[state] == PIT and falls == "end"):
            return chance, state, 0.0, True
        (row, column), (down, right) = cells[state], move
        there = index.get((row + down, column + right), state)  # at walls and the edge the agent stays
        fell = marks[there] == PIT
        ends = marks[there] == GOAL or (fell and falls == "end")
        landed = int(starts.argmax()) if fell and not ends else there
        return chance, landed, _reward(rewards, marks[there], away[state], away[landed], ends), ends

    outcomes = [
        [[outcome(state, move, chance) for move, chance in _moves(name, slip)] for name in MOVES]
        for state in range(len(cells))
    ]
    world = FiniteMDP(
        *outcome_tables(outcomes),
        initial=starts / starts.sum(),
        goals=torch.tensor([mark == GOAL for mark in marks]),
        limit=limit,
        grid=rows,
        positions=torch.tensor(cells),
    )
    names = [f"row {r} column {c}" for r, c in cells]
    return mdp_examples("gridworld", world, names, list(MOVES), f"a map of {len(rows)} × {len(rows[0])} cells")


def distances(cells: Sequence[Cell], marks: Sequence[str]) -> list[float]:
    """Steps from each cell to the nearest goal, around walls and pits; infinite if there is no path."""
    known = {cell: 0.0 for cell, mark in zip(cells, marks, strict=True) if mark == GOAL}
    open_cells = {cell for cell, mark in zip(cells, marks, strict=True) if mark != PIT}
    edge = list(known)
    while edge:
        reached = []
        for row, column in edge:
            for down, right in MOVES.values():
                cell = row + down, column + right
                if cell in open_cells and cell not in known:
                    known[cell] = known[row, column] + 1
                    reached.append(cell)
        edge = reached
    return [known.get(cell, inf) for cell in cells]


def _reward(rewards: Rewards, mark: str, before: float, after: float, ends: bool) -> float:
    given = {GOAL: rewards.goal, PIT: rewards.pit}.get(mark, rewards.step)
    if before < inf:
        kept = 0.0 if ends or after == inf else rewards.farthest - after
        given += rewards.potential * (rewards.discount * kept - (rewards.farthest - before))
    return given + (rewards.nearer if after < before < inf else 0.0)


def _moves(name: str, slip: float) -> list[tuple[Cell, float]]:
    """The possible moves of an action, with their probabilities."""
    moves = list(MOVES.values())
    wanted = list(MOVES).index(name)
    if not slip:
        return [(moves[wanted], 1.0)]
    return [(moves[wanted], 1 - slip), *((moves[(wanted + turn) % 4], slip / 2) for turn in (1, -1))]


def _check(map: Sequence[str]) -> tuple[str, ...]:
    width = max(len(row) for row in map)
    rows = tuple(row.replace(".", FREE).ljust(width, FREE) for row in map)
    unknown = sorted({mark for row in rows for mark in row} - {FREE, WALL, START, GOAL, PIT})
    if unknown:
        raise ValueError(f"data.map: unknown cell {unknown[0]!r}; use # . S G O for wall, free, start, goal and pit.")
    for mark, name in ((START, "start"), (GOAL, "goal")):
        if not any(mark in row for row in rows):
            raise ValueError(f"data.map has no {name}: put {mark} into one of its cells.")
    return rows
