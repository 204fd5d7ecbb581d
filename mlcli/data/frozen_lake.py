"""FrozenLake of gymnasium: across a frozen lake to the goal without falling into a hole."""

from typing import Annotated, Literal

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples
from mlcli.loading.gymnasium_tables import cell_names, make_environment, tabular_examples
from mlcli.loading.mdp import FREE, GOAL, PIT, START

MARKS = {"S": START, "F": FREE, "H": PIT, "G": GOAL}


def frozen_lake(
    *, map: Literal["4x4", "8x8"] = "4x4", slippery: bool = True, limit: Annotated[int, Range(1)] = 100
) -> Examples:
    """The reward is 1 at the goal and 0 elsewhere; holes end the episode. On slippery ice a move goes in the intended
    direction with probability 1/3, else to one of the two sides."""
    env = make_environment("FrozenLake-v1", map_name=map, is_slippery=slippery)
    grid = tuple("".join(MARKS[mark.decode()] for mark in row) for row in env.desc)
    names, actions = cell_names(len(grid), len(grid[0])), ("left", "down", "right", "up")
    return tabular_examples("frozen_lake", env, limit, names, actions, grid)
