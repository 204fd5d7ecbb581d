"""What is told and drawn of an agent's episodes. E episodes, T steps, A actions, D numbers of an observation."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from mlcli.figure import acting as figures_acting
from mlcli.figure import cart as figures_cart
from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import brief
from mlcli.metric.episodes import interval
from mlcli.metric.undefined import left_out

MOST = 2000  # training episodes that are drawn
LAST = 150  # steps of an episode that are: what alternates from step to step can be told apart then
EVERY, FRAMES = 2, 100  # every second step is a frame of a film, and so many are
CART_SECONDS = 0.02  # of a step


def scores(returns: Tensor, lengths: Tensor) -> dict[str, Tensor]:
    """The mean return of E episodes, half the width of its 95 % interval (of two or more), and the mean length."""
    found = {"return": returns.mean(), "length": lengths.float().mean()}
    if len(returns) < 2:
        left_out("return_interval", "it takes two episodes or more")
        return found
    return found | {"return_interval": interval(returns)}


def training_returns(course: Sequence[tuple[int, float]], best: float | None) -> list[Plot]:
    """training_returns: of the episodes that were trained on, by the steps that were taken until they ended; nothing
    where none is known, as of a run that was loaded."""
    if not course:
        return []
    shown = np.unique(np.linspace(0, len(course) - 1, min(len(course), MOST)).round().astype(int))
    steps, returns = zip(*(course[i] for i in shown), strict=True)
    data = {"steps": steps, "returns": returns, "total": len(course), "best": best}
    return [Plot("training_returns", figures_acting.training_returns, data)]


def returns(returns: np.ndarray, best: float | None) -> Plot:
    """returns: how the returns of E greedy episodes are distributed."""
    half = 1.96 * float(returns.std(ddof=1)) / len(returns) ** 0.5 if len(returns) > 1 else None
    return Plot("returns", figures_acting.returns, {"returns": plain(returns), "interval": half, "best": best})


def episode(
    observations: np.ndarray, scores: np.ndarray, names: dict[str, Sequence[str] | str], which: tuple[int, float, int]
) -> Plot:
    """episode: T × D observations of one episode, of which the last are shown, and the T × A scores of actions there.

    names: of the `features`, of the `actions`, and what the scores are called (`scored`); which: the number of the
    episode, its return, and of how many that is the lowest.
    """
    number, total, episodes = which
    first = max(0, len(observations) - LAST)
    data = {"observations": plain(observations[first:].T), "scores": plain(scores[first:].T)}
    told = {"number": number, "total": total, "episodes": episodes, "first": first}
    return Plot("episode", figures_acting.episode, {**data, **names, **told})


def film(scene: str, observations: np.ndarray, which: tuple[int, float, int]) -> list[Plot]:
    """episode_film: the end of an episode, T × D observations, where there is a scene that shows it."""
    if scene != "cart":
        return []
    number, total, episodes = which
    steps = np.arange(len(observations))[::-EVERY][:FRAMES][::-1]  # its last step is among them
    data = {
        "title": f"Episode {number} · return {brief(total)}",
        "note": f"the end of the lowest of {episodes:,} greedy episodes, at its own pace",
        "states": plain(observations[steps][:, [0, 2]]),
        "steps": steps.tolist(),
        "seconds": EVERY * CART_SECONDS,
    }
    return [Plot("episode_film", figures_cart.film, data, "gif")]
