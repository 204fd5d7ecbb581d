"""CartPole: a pole on a cart is kept upright by pushes to the left or to the right (Barto, Sutton and Anderson 1983),
as gymnasium has it."""

from dataclasses import replace
from typing import Annotated

from mlcli.config.ranges import Range
from mlcli.data.environment import environment
from mlcli.loading.dataset import Examples

FEATURES = ("position", "velocity", "angle", "angular_velocity")  # metres, radians and seconds


def cartpole(examples: Annotated[int, Range(10)] = 500, seed: int = 0) -> Examples:
    """CartPole-v1: 1 for each step, until the pole leans by more than 12 degrees, the cart is more than 2.4 m off, or
    500 steps are over. It counts as solved from a mean return of 475 on.

    examples: see `environment`.
    """
    found = environment(
        "CartPole-v1", actions=("left", "right"), features=FEATURES, best=500.0, examples=examples, seed=seed
    )
    return replace(found, world=replace(found.world, scene="cart"))
