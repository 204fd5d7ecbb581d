"""An environment of gymnasium that agents act in."""

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Environment:
    """An environment of gymnasium: observations of D numbers, A actions.

    limit: steps after which an episode is truncated. best: the highest possible return of an episode, if known; an
    agent that reaches it has converged. scene: how `mlcli.figure.acting` plots an observation, if it can.
    """

    name: str
    actions: int
    limit: int
    best: float | None = None
    scene: str = ""
    tables: ClassVar[tuple[()]] = ()  # its transition model is unknown; cf. FiniteMDP.tables

    def make_vector(self, count: int) -> Any:
        """`count` copies side by side, a gymnasium VectorEnv. A copy whose episode has ended is reset by its next
        step, whatever the action. CartPole has a vectorised version of its own."""
        import gymnasium

        return gymnasium.make_vec(self.name, num_envs=count)
