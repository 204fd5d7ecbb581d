"""Random changes of training examples: what is learnt must not depend on them.

Modules with an attribute `random`, so that every trial of a stack draws its own. Shapes: B batch.
"""

from math import pi
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.random_numbers import normal, random


class Augment(nn.Module):
    """Shifts (by up to so many pixels), turns (up to so many degrees) and mirrors images, each in its own way, and
    adds normal noise (in standard deviations of the inputs) to numbers of any kind.

    shape: of one example as it was before the adapter, C × H × W of images. Raises ValueError where the data are no
    images and more than noise is asked for.
    """

    def __init__(self, kind: str, shape: tuple[int, ...], **amounts: float) -> None:
        super().__init__()
        self.amounts = amounts
        self.shape = shape
        self.moves = any(amounts[name] for name in ("shift", "rotate", "flip"))
        self.random: Any = random
        if self.moves and kind != "image":
            raise ValueError(f"task.shift, task.rotate and task.flip are for images, not {kind}: leave 0.")
        if kind == "tokens":
            raise ValueError("task.noise is for numbers, and tokens are none: leave 0.")

    def forward(self, inputs: Tensor) -> Tensor:
        """B × any shape → the same."""
        if self.moves:
            inputs = self._moved(inputs.reshape(-1, *self.shape)).reshape(inputs.shape)
        if self.amounts["noise"]:
            inputs = inputs + self.amounts["noise"] * self.random(inputs, normal)
        return inputs

    def _moved(self, images: Tensor) -> Tensor:
        chance_B4 = self.random(images.flatten(1)[:, :1].expand(-1, 4), _symmetric)
        angle = self.amounts["rotate"] * pi / 180 * chance_B4[:, 0]
        across, down = (self.amounts["shift"] * 2 / size for size in (self.shape[2], self.shape[1]))
        mirrored = torch.where((chance_B4[:, 3] < 0) & bool(self.amounts["flip"]), -1.0, 1.0)
        rows = [
            torch.stack([angle.cos() * mirrored, -angle.sin(), across * chance_B4[:, 1]], 1),
            torch.stack([angle.sin() * mirrored, angle.cos(), down * chance_B4[:, 2]], 1),
        ]
        places = _places(images) @ torch.stack(rows, 1).mT  # B × H · W × 2
        grid = places.reshape(-1, *self.shape[1:], 2)
        return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


class Mixup(nn.Module):
    """Blends each example of a batch with another, and their losses alike (Zhang et al. 2018, arXiv 1710.09412)."""

    def __init__(self, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha
        self.random: Any = random

    def forward(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The blended inputs, the other targets, and the share of the own: one number, from Beta(alpha, alpha).

        A batch comes in random order, so turned round it pairs its examples at random.
        """
        share = self.random(inputs.flatten()[0], self._beta)
        return share * inputs + (1 - share) * inputs.flip(0), targets.flip(0), share

    def _beta(self, tensor: Tensor, generator: torch.Generator | None) -> Tensor:
        """On the tensor's device and from its generator, as torch.distributions.Beta cannot."""
        both = torch._sample_dirichlet(tensor.new_full((*tensor.shape, 2), self.alpha), generator=generator)
        return tensor.copy_(both[..., 0])


def _places(images: Tensor) -> Tensor:
    """Of images B × C × H × W, H · W × 3: across, down, 1 of each pixel's centre, where an image reaches from -1 to
    1. As F.affine_grid, which torch.vmap does not know."""
    down, across = (
        (torch.arange(size, dtype=images.dtype, device=images.device) * 2 + 1) / size - 1 for size in images.shape[2:]
    )
    y, x = torch.meshgrid(down, across, indexing="ij")
    return torch.stack([x.flatten(), y.flatten(), torch.ones_like(x).flatten()], 1)


def _symmetric(tensor: Tensor, generator: torch.Generator | None) -> Tensor:
    return tensor.uniform_(-1, 1, generator=generator)
