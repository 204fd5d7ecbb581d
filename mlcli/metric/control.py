"""Figures of an agent, as plain data. S states, A actions, E episodes; H × W cells of a map."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlcli.figure import control as figures_control
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot, plain

POINTS = 500  # of a curve
SMOOTHED = 50  # a curve is a running mean over this part of the episodes
FRAMES = 60  # of a film


def by_episode(returns: np.ndarray, lengths: np.ndarray, expected: tuple[float, float]) -> Plot:
    """online_return: what each of E episodes returned while the agent learnt, and how long it was; `expected` of the
    greedy policy in the end."""
    window = max(1, len(returns) // SMOOTHED)
    each = (("return", returns, expected[0]), ("steps", lengths, expected[1]))
    shown = [Panel("episode", name, {"agent": running_mean(values, window)}, level=end) for name, values, end in each]
    last = returns[-max(1, len(returns) // 10) :].mean()
    title = f"Return of the last tenth of {len(returns):,} episodes: {last:.4g}"
    note = f"while learning, running mean over {window}; dashed: expected of the greedy policy"
    return panels("online_return", title, note, shown)


def running_mean(values: np.ndarray, window: int) -> Curve:
    """Of each value and those before it within the window, by episode, counted from 1."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.unique(np.linspace(window, len(values), POINTS).round().astype(int))
    return Curve(ends.tolist(), plain((total[ends] - total[ends - window]) / window))


def policy_map(
    name: str, table: np.ndarray, actions: Sequence[str], places: np.ndarray, grid: Sequence[str], path: np.ndarray
) -> dict[str, Any]:
    """A panel for `maps`: what the states are worth, the best actions as arrows, and the states of an episode.

    table: S × A; places: rows and columns of the states, S × 2.
    """
    best = [actions[place] for place in table.argmax(1)]
    decides = np.array([grid[row][column] not in "GO" for row, column in places])
    known = decides & (table.max(1) > table.min(1)) & (set(actions) <= figures_control.TURNS.keys())
    arrows = [(*places[state].tolist(), best[state]) for state in np.flatnonzero(known)]
    shade = _on_map(np.where(decides, table.max(1), np.nan), places, grid)
    return {"name": name, "shade": shade, "arrows": arrows, "path": places[path].tolist()}


def visits_map(visits: np.ndarray, places: np.ndarray, grid: Sequence[str]) -> dict[str, Any]:
    """How often the agent has been in each state, S."""
    return {
        "name": "",
        "shade": _on_map(np.where(visits > 0, visits, np.nan), places, grid),
        "arrows": [],
        "path": [],
    }


def maps(
    name: str,
    title: str,
    note: str,
    grid: Sequence[str],
    of: Sequence[Mapping[str, Any]],
    scale: str,
    log: bool = False,
) -> Plot:
    """Panels side by side, coloured by one scale."""
    data = {"title": title, "note": note, "grid": list(grid), "panels": [dict(each) for each in of]}
    return Plot(name, figures_control.maps, data | {"scale": scale, "log": log})


def on_map(
    world: Any,
    actions: Sequence[str],
    table: np.ndarray,
    visits: np.ndarray,
    episode: tuple[np.ndarray, np.ndarray],
    expected: tuple[float, float],
) -> list[Plot]:
    """policy, visits (if there are any) and episode, in a world with a map. episode: its states and rewards."""
    (path, rewards), (returned, steps), grid, places = episode, expected, world.grid, world.positions.numpy()
    panel = policy_map("", table, actions, places, grid, path)
    title = f"Greedy policy: expected return {returned:.4g} in {steps:.4g} steps"
    note = "arrows: best actions; colour: what a state is thought to be worth; orange: an episode"
    plots = [maps("policy", title, note, grid, [panel], "value")]
    if visits.any():
        title = f"{visits.sum():,.0f} steps were taken, in {(visits > 0).mean():.0%} of the states"
        where = visits_map(visits, places, grid)
        plots.append(
            maps("visits", title, "how often each state was left while learning", grid, [where], "steps", True)
        )
    title = f"An episode of the greedy policy: return {rewards.sum():.4g} in {len(rewards)} steps"
    return [*plots, film(title, "colour: what a state is thought to be worth", grid, panel, rewards, world.limit)]


def film(
    title: str, note: str, grid: Sequence[str], panel: Mapping[str, Any], rewards: np.ndarray, limit: int
) -> Plot:
    """episode: the path of a panel that `policy_map` made. rewards: of its steps, one fewer than it has states."""
    gained = np.concatenate([[0.0], rewards.cumsum()])
    told = [f"step {step} · return {value:.4g}" for step, value in enumerate(gained)]
    path = panel["path"][:FRAMES]
    if len(path) == len(told):
        told[-1] += " · cut off" if len(rewards) == limit else " · the end"
    data = {"title": title, "note": note, "grid": list(grid), "shade": panel["shade"], "path": path, "told": told}
    return Plot("episode", figures_control.episode, data, "gif")


def _on_map(values: np.ndarray, places: np.ndarray, grid: Sequence[str]) -> list[Any]:
    drawn = np.full((len(grid), len(grid[0])), np.nan)
    drawn[places[:, 0], places[:, 1]] = values
    return plain(drawn)
