"""Whether the trials of a stack can take one step of an optimizer together, each at its own rate.

They can if it works number by number and its step is proportional to the rate. An optimizer as it is configured is
tried out: rows at several rates, each alone, against all of them as a stack trains them.
"""

import torch
from torch import Tensor

from mlcli.train.optimizers import MakeOptimizer
from mlcli.train.stack.part import narrow

STEPS, LEAVES = 30, 15  # at that step the middle row leaves, as a trial leaves a stack
RATES = (0.1, 0.03, 1e-4)
SHAPES = ((16,), (4, 12), (2, 4, 2, 3), (40, 40), (48, 64))  # of weights alone; they add up to more than 4096
SCALES = {8: 1e4, 9: 1e4, 20: 1e-4, 21: 1e-4}  # of the gradients at some steps
KNOWN: dict[str, bool] = {}  # by config


def is_proportional(make: MakeOptimizer) -> bool:
    """Whether the optimizer's steps are element-wise and proportional to the rate. Equal configs are tried once."""
    if make.config not in KNOWN:
        KNOWN[make.config] = _try(make)
    return KNOWN[make.config]


@torch.no_grad()
def _try(make: MakeOptimizer) -> bool:
    generator = torch.Generator().manual_seed(0)
    length = sum(torch.Size(shape).numel() for shape in SHAPES)
    start = torch.randn(len(RATES), length, dtype=torch.float64, generator=generator)
    # With a drift, so that a step size that grows meets its bounds, and large and small, so that limits are met.
    noise = [1.0 + torch.randn(start.shape, dtype=torch.float64, generator=generator) for _ in range(5)]
    gradients = [noise[step % len(noise)] * SCALES.get(step, 1.0) for step in range(STEPS)]
    try:
        alone = [_alone(make, start[row], [each[row] for each in gradients], RATES[row]) for row in (0, 2)]
        together = _together(make, start.clone(), gradients)
    except Exception:  # whatever an optimizer says to tensors that are not the network's
        return False
    expected = torch.stack(alone) - start[[0, 2]]
    error = (together - start[[0, 2]] - expected).abs()
    return bool((error <= 1e-9 * expected.abs() + 1e-10 * expected.abs().amax(1, keepdim=True)).all())


def _factor(step: int) -> float:
    """What a schedule makes of the rate: it falls and rises."""
    return 1.0 - 0.08 * (step % 10)


def _alone(make: MakeOptimizer, start: Tensor, gradients: list[Tensor], rate: float) -> Tensor:
    own = [piece.clone() for piece in _pieces(start)]
    optimizer = make([{"params": own}], lr=rate)
    for step, gradient in enumerate(gradients):
        for parameter, piece in zip(own, _pieces(gradient.clone()), strict=True):
            parameter.grad = piece
        optimizer.param_groups[0]["lr"] = rate * _factor(step)
        optimizer.step()
    return torch.cat([parameter.flatten() for parameter in own])


def _pieces(row: Tensor) -> list[Tensor]:
    sizes = [torch.Size(shape).numel() for shape in SHAPES]
    return [piece.view(shape) for piece, shape in zip(torch.split(row, sizes), SHAPES, strict=True)]


def _together(make: MakeOptimizer, flat: Tensor, gradients: list[Tensor]) -> Tensor:
    """As `Part` and `StackedUpdate` do it."""
    view, rows = flat[:], list(range(len(RATES)))
    optimizer = make([{"params": [view]}], lr=1.0)
    for step, gradient in enumerate(gradients):
        if step == LEAVES:
            rows = [0, 2]
            narrow(optimizer.state[view], view, rows)
            flat = flat[rows]
            view.grad, view.data = None, flat[:]
        before, view.grad = flat.clone(), gradient[rows]
        optimizer.step()
        rates = torch.tensor([RATES[row] * _factor(step) for row in rows], dtype=flat.dtype).unsqueeze(1)
        torch.lerp(before, flat, rates, out=flat)
    return flat
