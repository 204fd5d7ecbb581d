"""Augmentation: random changes of training examples.

The attribute `random` of these modules lets each trial of a stack sample its own numbers. Shapes: B batch.
"""

from math import pi
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.random_numbers import normal, random


class Augment(nn.Module):
    """Shifts, rotates and flips each image at random, and adds normal noise to inputs of any kind but tokens.

    shape: of one example before the adapter, C × H × W for images. amounts: the maximum `shift` in pixels and
    `rotate` in degrees, `flip`, and `noise` in standard deviations of the inputs. Raises ValueError for amounts that
    the kind of data does not support.
    """

    def __init__(self, kind: str, shape: tuple[int, ...], **amounts: float) -> None:
        super().__init__()
        self.amounts = amounts
        self.shape = shape
        self.transforms = any(amounts[name] for name in ("shift", "rotate", "flip"))
        self.random: Any = random
        if self.transforms and kind != "image":
            raise ValueError(f"task.shift, task.rotate and task.flip are for images, not {kind}: use 0")
        if kind == "tokens":
            raise ValueError("task.noise is for numbers, not tokens: use 0")

    def forward(self, inputs: Tensor) -> Tensor:
        """B × any shape → the same."""
        if self.transforms:
            inputs = self._transformed(inputs.reshape(-1, *self.shape)).reshape(inputs.shape)
        if self.amounts["noise"]:
            inputs = inputs + self.amounts["noise"] * self.random(inputs, normal)
        return inputs

    def _transformed(self, images: Tensor) -> Tensor:
        uniform_B4 = self.random(images.flatten(1)[:, :1].expand(-1, 4), _symmetric)
        angle = self.amounts["rotate"] * pi / 180 * uniform_B4[:, 0]
        across, down = (self.amounts["shift"] * 2 / size for size in (self.shape[2], self.shape[1]))
        flipped = torch.where((uniform_B4[:, 3] < 0) & bool(self.amounts["flip"]), -1.0, 1.0)
        rows = [
            torch.stack([angle.cos() * flipped, -angle.sin(), across * uniform_B4[:, 1]], 1),
            torch.stack([angle.sin() * flipped, angle.cos(), down * uniform_B4[:, 2]], 1),
        ]
        positions = _pixel_centres(images) @ torch.stack(rows, 1).mT  # B × H · W × 2
        grid = positions.reshape(-1, *self.shape[1:], 2)
        return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


class Mixup(nn.Module):
    """Mixup: convex combinations of two examples and of their losses (Zhang et al. 2018, arXiv 1710.09412)."""

    def __init__(self, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha
        self.random: Any = random

    def forward(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The mixed inputs, the targets of the other example, and the weight of the first: one number per batch, from
        Beta(alpha, alpha).

        Batches are in random order, so pairing a batch with its reverse pairs examples at random.
        """
        weight = self.random(inputs.flatten()[0], self._beta)
        return weight * inputs + (1 - weight) * inputs.flip(0), targets.flip(0), weight

    def _beta(self, tensor: Tensor, generator: torch.Generator | None) -> Tensor:
        """On the tensor's device and with a generator, which torch.distributions.Beta does not take."""
        both = torch._sample_dirichlet(tensor.new_full((*tensor.shape, 2), self.alpha), generator=generator)
        return tensor.copy_(both[..., 0])


def _pixel_centres(images: Tensor) -> Tensor:
    """For images B × C × H × W, the homogeneous coordinates x, y, 1 of each pixel's centre, H · W × 3, where an image
    spans -1 to 1: as F.affine_grid, which has no batching rule for torch.vmap."""
    down, across = (
        (torch.arange(size, dtype=images.dtype, device=images.device) * 2 + 1) / size - 1 for size in images.shape[2:]
    )
    y, x = torch.meshgrid(down, across, indexing="ij")
    return torch.stack([x.flatten(), y.flatten(), torch.ones_like(x).flatten()], 1)


def _symmetric(tensor: Tensor, generator: torch.Generator | None) -> Tensor:
    return tensor.uniform_(-1, 1, generator=generator)
