"""The corruption of a denoising autoencoder's inputs. Shapes: B batch."""

from typing import Any

import torch
from torch import Tensor, nn

from mlcli.loading.loader import EVALUATION_BATCH
from mlcli.random_numbers import normal, random, uniform

SEED = 0  # of the corruption in evaluations


class Corrupt(nn.Module):
    """Adds normal noise of a standard deviation, then sets a share of the numbers to 0, the mean of normalised inputs
    (Vincent et al. 2008). Either amount may be None.

    The attribute `random` lets each trial of a stack sample its own numbers.
    """

    def __init__(self, shape: tuple[int, ...], device: torch.device) -> None:
        """shape: of one example as the input of the model."""
        super().__init__()
        self.random: Any = random
        # Sampled here, since torch.vmap forbids generators; examples at the same position of their batches share it.
        generator = torch.Generator().manual_seed(SEED)
        fixed = torch.empty(2, EVALUATION_BATCH, *shape)
        self.fixed_noise = normal(fixed[0], generator).to(device)
        self.fixed_chance = uniform(fixed[1], generator).to(device)

    def forward(self, inputs: Tensor, noise: Tensor | float | None, mask: Tensor | float | None) -> Tensor:
        """B × shape → the same, with new random numbers at each call."""
        if noise is not None:
            inputs = inputs + noise * self.random(inputs, normal)
        if mask is not None:
            inputs = inputs * (self.random(inputs, uniform) >= mask)
        return inputs

    def fixed(self, inputs: Tensor, noise: Tensor | float | None, mask: Tensor | float | None) -> Tensor:
        """B × shape → the same, with the same random numbers at each call; B ≤ EVALUATION_BATCH."""
        if noise is not None:
            inputs = inputs + noise * self.fixed_noise[: len(inputs)].to(inputs.dtype)
        if mask is not None:
            inputs = inputs * (self.fixed_chance[: len(inputs)].to(inputs.dtype) >= mask)
        return inputs
