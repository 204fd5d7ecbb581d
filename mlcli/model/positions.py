"""Positions of steps in a sequence, for networks that do not depend on order by themselves: learned, sinusoidal or
rotary.

Shapes: B batch, T steps, H heads, D numbers a step.
"""

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from mlcli.model.steps import Steps

PositionName = Literal["learned", "sinusoidal", "rotary"]
BASE = 10_000  # the longest period is 2π times as many steps


class StepEmbedding(nn.Module):
    """Embeds each step, a vector or a token, in D = d_model dimensions, and adds its position."""

    def __init__(
        self,
        input_shape: tuple[int, ...],
        vocabulary: int | None,
        padded: bool,
        d_model: int,
        positions: PositionName,
    ) -> None:
        super().__init__()
        self.steps = Steps(input_shape, vocabulary, padded, d_model)
        self.project = None if vocabulary else nn.Linear(self.steps.features, d_model)
        self.positions = Positions(positions, input_shape[0], d_model)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """B × T × features, or tokens B × T → B × T × D, and a mask B × T that is False for padding."""
        features, mask = self.steps(inputs)
        return self.positions(features if self.project is None else self.project(features)), mask


class Positions(nn.Module):
    """Adds a vector for its position to each step: learned, for up to `steps` positions, or sinusoidal.

    Rotary positions add nothing here; self-attention rotates queries and keys by them. Raises ValueError with the
    choices.
    """

    def __init__(self, name: PositionName, steps: int, d_model: int) -> None:
        super().__init__()
        if name not in get_args(PositionName):
            choices = ", ".join(get_args(PositionName))
            raise ValueError(f"model.positions={name}: no such positions. Choices: {choices}.")
        self.waves = name == "sinusoidal"
        self.learned = nn.Parameter(torch.randn(steps, d_model)) if name == "learned" else None

    def forward(self, inputs: Tensor) -> Tensor:
        """B × T × D → the same."""
        if self.learned is not None:
            return inputs + self.learned[: inputs.shape[1]]
        return inputs + sinusoids(inputs) if self.waves else inputs


def sinusoids(inputs: Tensor) -> Tensor:
    """T × D for B × T × D: sines in the first half and cosines in the second, with periods from 2π to 2π · 10,000
    steps (Vaswani et al. 2017, 3.5)."""
    sines, cosines = _waves(inputs, (inputs.shape[-1] + 1) // 2)
    return torch.cat([sines, cosines], -1)[:, : inputs.shape[-1]]


def rotate(inputs: Tensor) -> Tensor:
    """… × T × D → the same: components i and i + D / 2 of a step are rotated by an angle in proportion to its
    position, so that query · key depends on relative positions (Su et al. 2021, arXiv 2104.09864)."""
    sines, cosines = _waves(inputs, inputs.shape[-1] // 2)
    x, y = inputs.chunk(2, -1)
    return torch.cat([x * cosines - y * sines, x * sines + y * cosines], -1)


def _waves(inputs: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Sines and cosines T × count for … × T × D, in single precision: bfloat16 has integers up to 256 only."""
    exact = torch.promote_types(inputs.dtype, torch.float32)
    steps = torch.arange(inputs.shape[-2], device=inputs.device, dtype=exact)
    frequencies = BASE ** -(torch.arange(count, device=inputs.device, dtype=exact) / count)
    angles = torch.outer(steps, frequencies)
    return angles.sin().to(inputs.dtype), angles.cos().to(inputs.dtype)
