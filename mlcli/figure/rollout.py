"""Episodes of an agent: returns in training, the distribution of returns, and one episode by time step.

E episodes, T time steps, A actions, D numbers of an observation.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mlcli.evenly import evenly_spaced
from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import (
    BLUE,
    GREY,
    HEADER,
    INK,
    MARGIN,
    PALE,
    PALETTE,
    VERMILLION,
    brief,
    legend,
    page,
    panel,
    room,
    shorten,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 5.2, 3.2
WINDOW = 20  # episodes of a running mean
BINS, LONGEST = 25, 20
NARROWEST = 0.2  # the least that a histogram spans, as a share of the highest return
DASHED = (0, (4, 3))
MOST = 2000  # training episodes of a plot
LAST = 150  # time steps of an episode: few enough to see alternating actions


def training_returns(course: Sequence[tuple[int, float]], best: float | None) -> list[Plot]:
    """training_returns: of the training episodes, (environment steps until the end, return); none without any, as of
    a run that was loaded. best: the highest possible return, if known."""
    if not course:
        return []
    steps, returns = zip(*(course[i] for i in evenly_spaced(len(course), MOST)), strict=True)
    data = {"steps": steps, "returns": returns, "total": len(course), "best": best}
    return [Plot("training_returns", render_training_returns, data)]


def returns(returns: np.ndarray, interval: float | None, best: float | None) -> Plot:
    """returns: the distribution of the returns of E greedy episodes; interval: the margin of error of their
    mean (95 %)."""
    return Plot("returns", render_returns, {"returns": plain(returns), "interval": interval, "best": best})


def episode(
    observations: np.ndarray, scores: np.ndarray, names: dict[str, Sequence[str] | str], which: tuple[int, float, int]
) -> Plot:
    """Plots the last steps of an episode from its T × D observations and the T × A scores of its actions.

    names: of the `features` and of the `actions`, and what the scores are (`scored`); which: the number of the
    episode, its return (the lowest of all episodes), and the number of episodes.
    """
    number, total, episodes = which
    first = max(0, len(observations) - LAST)
    data = {"observations": plain(observations[first:].T), "scores": plain(scores[first:].T)}
    about = {"number": number, "total": total, "episodes": episodes, "first": first}
    return Plot("episode", render_episode, {**data, **names, **about})


def render_training_returns(steps: list[int], returns: list[float], total: int, best: float | None) -> "Figure":
    """A point for each episode, and the running mean."""
    window = min(WINDOW, len(returns))
    means = np.convolve(returns, np.ones(window) / window, "valid")
    shown = f", {len(returns):,} shown" if len(returns) < total else ""
    title = f"Returns in training · {total:,} episodes in {brief(steps[-1])} steps"
    note = f"points: episodes{shown}; line: running mean over {window}; with exploration"
    figure = page(MARGIN + 0.75 + WIDTH + 0.3, 0.6 + HEIGHT + HEADER, title, note)
    axes = panel(figure, MARGIN + 0.75, 0.6, WIDTH, HEIGHT, "environment steps", "return")
    axes.scatter(steps, returns, s=7, color=BLUE, alpha=0.35, linewidths=0)
    axes.plot(steps[window - 1 :], means, color=VERMILLION, linewidth=1.8)
    if best is not None:
        axes.axhline(best, color=PALE, linewidth=1.2, linestyle=DASHED, zorder=1)
    axes.set_xlim(left=0)
    return figure


def render_returns(returns: list[float], interval: float | None, best: float | None) -> "Figure":
    """A histogram of the episodes."""
    mean = float(np.mean(returns))
    title = f"Return · {brief(mean)}" + ("" if interval is None else f" ± {brief(interval)}")
    within = "" if interval is None else ", with its 95 % confidence interval"
    note = f"{len(returns):,} greedy episodes; line: mean{within}"
    figure = page(MARGIN + 0.75 + WIDTH + 0.3, 0.6 + HEIGHT + HEADER, title, note)
    axes = panel(figure, MARGIN + 0.75, 0.6, WIDTH, HEIGHT, "return", "episodes")
    high = max([*returns, best] if best is not None else returns)
    low = min(*returns, high - (NARROWEST * abs(high) or 1))
    axes.hist(returns, bins=np.linspace(low, high, BINS + 1).tolist(), color=BLUE)
    axes.axvline(mean, color=INK, linewidth=1.4)
    if interval is not None:
        axes.axvspan(mean - interval, mean + interval, color=GREY, alpha=0.2, linewidth=0)
    return figure


def render_episode(
    observations: list[list[float]],
    scores: list[list[float]],
    features: list[str],
    actions: list[str],
    scored: str,
    number: int,
    total: float,
    episodes: int,
    first: int,
) -> "Figure":
    """Observations above, the scores of the actions below, from the time step `first` on."""
    title = f"Episode {number} · return {brief(total)}"
    shown = f", its last {len(observations[0])} steps" if first else ""
    note = f"the lowest return of {episodes:,} greedy episodes{shown}"
    aside = room([*features, *actions], LONGEST) + 0.5
    half = 0.72 * HEIGHT
    figure = page(MARGIN + 0.75 + WIDTH + aside, 0.6 + 2 * half + 0.25 + HEADER, title, note)
    above = panel(figure, MARGIN + 0.75, 0.6 + half + 0.25, WIDTH, half, "", "observation")
    below = panel(figure, MARGIN + 0.75, 0.6, WIDTH, half, "time step", scored)
    _lines(above, first, observations, features)
    _lines(below, first, scores, actions)
    above.tick_params(labelbottom=False)
    return figure


def _lines(axes: "Axes", first: int, series: list[list[float]], names: list[str]) -> None:
    """The series with the largest variation is at the back."""
    steps = range(first, first + len(series[0]))
    behind = np.argsort(np.argsort([-np.std(values) for values in series]))
    handles = [
        axes.plot(steps, values, color=PALETTE[i % len(PALETTE)], linewidth=1.3, zorder=2 + behind[i] / 100)[0]
        for i, values in enumerate(series)
    ]
    axes.set_xlim(first, first + max(len(series[0]) - 1, 1))
    legend(axes, handles, [shorten(name, LONGEST) for name in names])
