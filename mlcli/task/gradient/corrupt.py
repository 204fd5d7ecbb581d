"""What is done to inputs that a network is to make whole again."""

from typing import Any

import torch
from torch import Tensor, nn

from mlcli.loading.loader import EVALUATION_BATCH
from mlcli.random_numbers import normal, random, uniform

SEED = 0  # of the numbers that evaluation always meets


class Corrupt(nn.Module):
    """Adds normal noise of a standard deviation, then sets a share of the numbers to 0, which of normalised inputs is
    the mean (Vincent et al. 2008). Either amount may be None.

    A module with an attribute `random`, so that every trial of a stack draws its own. Shapes: B batch.
    """

    def __init__(self, shape: tuple[int, ...], device: torch.device) -> None:
        """shape: of one example as the model takes it."""
        super().__init__()
        self.random: Any = random
        # Drawn here: torch.vmap lets nobody draw from a generator. Of every batch the examples in one place share it.
        generator = torch.Generator().manual_seed(SEED)
        fixed = torch.empty(2, EVALUATION_BATCH, *shape)
        self.fixed_noise = normal(fixed[0], generator).to(device)
        self.fixed_chance = uniform(fixed[1], generator).to(device)

    def forward(self, inputs: Tensor, noise: Tensor | float | None, mask: Tensor | float | None) -> Tensor:
        """B × shape → the same, each time with other numbers."""
        if noise is not None:
            inputs = inputs + noise * self.random(inputs, normal)
        if mask is not None:
            inputs = inputs * (self.random(inputs, uniform) >= mask)
        return inputs

    def always_alike(self, inputs: Tensor, noise: Tensor | float | None, mask: Tensor | float | None) -> Tensor:
        """B × shape → the same, each time with the same numbers; B is at most EVALUATION_BATCH."""
        if noise is not None:
            inputs = inputs + noise * self.fixed_noise[: len(inputs)].to(inputs.dtype)
        if mask is not None:
            inputs = inputs * (self.fixed_chance[: len(inputs)].to(inputs.dtype) >= mask)
        return inputs
