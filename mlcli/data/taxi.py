"""Taxi of gymnasium: pick up a passenger and drop them off at their destination (Dietterich 2000, "Hierarchical
reinforcement learning with the MAXQ value function decomposition")."""

from typing import Annotated

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples
from mlcli.loading.gymnasium_tables import make_environment, tabular_examples

STANDS = ("red", "green", "yellow", "blue")
ACTIONS = ("south", "north", "east", "west", "pick up", "drop off")


def taxi(*, limit: Annotated[int, Range(1)] = 200) -> Examples:
    """The reward is −1 per step, −10 for an illegal pick-up or drop-off, and 20 for the final drop-off."""
    env = make_environment("Taxi-v4")
    names = [_state_name(*env.decode(state)) for state in range(len(env.P))]
    return tabular_examples("taxi", env, limit, names, ACTIONS)


def _state_name(row: int, column: int, passenger: int, destination: int) -> str:
    where = (*STANDS, "taxi")[passenger]
    return f"row {row} column {column}, passenger at {where}, to {STANDS[destination]}"
