"""An environment of gymnasium to act in."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Environment:
    """An environment of gymnasium: observations of D numbers, A actions.

    limit: steps after which an episode is cut off. best: the highest return that an episode can have, where it is
    known: an agent that reaches it has nothing left to learn. scene: what its observations can be drawn as, of what
    `mlcli.figure.acting` can draw.
    """

    name: str
    actions: int
    limit: int
    best: float | None = None
    scene: str = ""

    def make_vector(self, count: int) -> Any:
        """So many of them side by side (a VectorEnv). One whose episode has ended begins anew at its next step,
        whatever the action. CartPole has a version of its own that computes all of them at once."""
        import gymnasium

        return gymnasium.make_vec(self.name, num_envs=count)
