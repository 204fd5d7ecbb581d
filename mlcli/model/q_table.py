"""A table of action values Q(s, a), which task=control learns.

Shapes: B batch, S states, A actions, N tables.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from mlcli.traits import ModelTraits


class QTable(nn.Module):
    """Action values B × A for states B × 1: the mean of N tables, 2 for double Q-learning (van Hasselt 2010), else 1.

    initial: the initial value of every action. Values above the largest possible return (optimistic initial values)
    make an agent try every action.
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
        self.traits = replace(self.traits, summary=f"{states:,} states × {outputs:,} actions")
        self.tables: Tensor
        self.visits: Tensor
        self.register_buffer("tables", torch.full((1, states, outputs), initial))
        self.register_buffer("visits", torch.zeros(states, outputs))

    def add_table(self) -> None:
        """Adds a second table, a copy of the first."""
        self.tables = self.tables.repeat(2, 1, 1)

    def forward(self, states: Tensor) -> Tensor:
        """B × 1 → B × A."""
        return self.tables.mean(0)[states.squeeze(1)]
