"""CartPole of gymnasium: balance a pole on a cart by pushing it left or right (Barto, Sutton and Anderson 1983)."""

from dataclasses import replace
from typing import Annotated

from mlcli.config.ranges import Range
from mlcli.data.environment import environment
from mlcli.loading.dataset import Examples

FEATURES = ("position", "velocity", "angle", "angular_velocity")  # metres, radians and seconds


def cartpole(examples: Annotated[int, Range(10)] = 500, seed: int = 0) -> Examples:
    """CartPole-v1: a reward of 1 per step, until the pole leans by more than 12 degrees, the cart leaves the range of
    ±2.4 m, or 500 steps are over. By definition it is solved with a mean return of 475.

    examples: see `environment`.
    """
    found = environment(
        "CartPole-v1", actions=("left", "right"), features=FEATURES, best=500.0, examples=examples, seed=seed
    )
    return replace(found, world=replace(found.world, scene="cart"))
