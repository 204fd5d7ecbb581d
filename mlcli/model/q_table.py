"""A table of action values: a number for each action in each state, which task=control learns.

Shapes: B states, S states of the world, A actions, N tables.
"""

import torch
from torch import Tensor, nn

from mlcli.traits import ModelTraits


class QTable(nn.Module):
    """Values B × A of the actions in states B × 1, by the mean of N tables: two for double Q-learning, else one.

    initial: what every action is thought to be worth at first; more than it can be makes an agent try all of them.
    visits: how often each action has been taken in each state, S × A.
    """

    traits = ModelTraits(accepts=("state",), trained_by="control", per_trial=("initial",))

    def __init__(
        self,
        input_shape: tuple[int, ...],
        outputs: int,
        vocabulary: int | None = None,
        *,
        initial: float = 0.0,
    ) -> None:
        super().__init__()
        states = vocabulary or 1
        self.tables: Tensor
        self.visits: Tensor
        self.register_buffer("tables", torch.full((1, states, outputs), initial))
        self.register_buffer("visits", torch.zeros(states, outputs))

    def add_table(self) -> None:
        """A second table beside the first."""
        self.tables = self.tables.repeat(2, 1, 1)

    def forward(self, states: Tensor) -> Tensor:
        return self.tables.mean(0)[states.squeeze(1)]
