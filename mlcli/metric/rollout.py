"""Metrics of an agent's episodes. E episodes."""

from torch import Tensor

from mlcli.metric.few_shot import margin_of_error
from mlcli.metric.undefined import left_out


def scores(returns: Tensor, lengths: Tensor) -> dict[str, Tensor]:
    """Means over E episodes: return, with its margin of error (95 %, for two or more episodes) as
    return_margin_of_error, and episode_length."""
    found = {"return": returns.mean(), "episode_length": lengths.float().mean()}
    if len(returns) < 2:
        left_out("return_margin_of_error", "it takes two episodes or more")
        return found
    return found | {"return_margin_of_error": margin_of_error(returns)}
