"""Plots of a tabular agent. S states, A actions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlcli.figure import control as figure
from mlcli.figure.plot import Plot


def on_map(
    mdp: Any,
    actions: Sequence[str],
    table: np.ndarray,
    visits: np.ndarray,
    episode: tuple[np.ndarray, np.ndarray],
    expected: tuple[float, float],
) -> list[Plot]:
    """policy, visits (if there are any) and episode, of an environment with a map.

    table: S × A action values; visits: S; episode: its states and rewards; expected: return and length of an episode
    of the greedy policy.
    """
    (path, rewards), (returned, steps), grid, places = episode, expected, mdp.grid, mdp.positions.numpy()
    panel = figure.policy_map("", table, actions, places, grid, path)
    title = f"Greedy policy: expected return {returned:.4g} in {steps:.4g} steps"
    note = "arrows: greedy actions; colour: estimated state value; orange: an episode"
    plots = [figure.maps("policy", title, note, grid, [panel], "value")]
    if visits.any():
        title = f"{visits.sum():,.0f} training steps, in {(visits > 0).mean():.0%} of the states"
        note = "visits of each state in training"
        where = figure.visits_map(visits, places, grid)
        plots.append(figure.maps("visits", title, note, grid, [where], "steps", log=True))
    title = f"An episode of the greedy policy: return {rewards.sum():.4g} in {len(rewards)} steps"
    note = "colour: estimated state value"
    return [*plots, figure.episode(title, note, grid, panel, rewards, mdp.limit)]
