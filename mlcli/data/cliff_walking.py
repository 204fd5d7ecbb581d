"""CliffWalking of gymnasium: from corner to corner along a cliff (Sutton and Barto 2018, example 6.6)."""

from typing import Annotated

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples
from mlcli.loading.gymnasium_tables import cell_names, make_environment, tabular_examples
from mlcli.loading.mdp import FREE, GOAL, PIT, START

GRID = (*[FREE * 12] * 3, START + PIT * 10 + GOAL)


def cliff_walking(*, limit: Annotated[int, Range(1)] = 500) -> Examples:
    """The reward is −1 per step and −100 for a fall, which leads back to the start.

    limit: steps after which an episode is truncated; in the book it is not.
    """
    env = make_environment("CliffWalking-v1")
    return tabular_examples("cliff_walking", env, limit, cell_names(4, 12), ("up", "right", "down", "left"), GRID)
