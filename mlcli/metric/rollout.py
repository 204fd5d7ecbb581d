"""Metrics of an agent's episodes. E episodes."""

from torch import Tensor

from mlcli.metric.episodes import interval
from mlcli.metric.undefined import left_out


def scores(returns: Tensor, lengths: Tensor) -> dict[str, Tensor]:
    """The mean return of E episodes, half the width of its 95 % interval (of two or more), and the mean length."""
    found = {"return": returns.mean(), "length": lengths.float().mean()}
    if len(returns) < 2:
        left_out("return_interval", "it takes two episodes or more")
        return found
    return found | {"return_interval": interval(returns)}
