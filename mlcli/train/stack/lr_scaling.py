"""Whether an optimizer's step can be taken once for many trials and then scaled by each trial's learning rate.

That is exact if the optimizer works element by element and its step is proportional to the learning rate: then
w − lr · u = lerp(w, w − u, lr) for the step u at learning rate 1. Rather than trusting a list of optimizers, the
optimizer as configured is tested: rows at several learning rates, each alone, against all of them as a stack trains
them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mlcli.train.optimizers import MakeOptimizer
from mlcli.train.stack.row_optimizer import select_rows

STEPS, LEAVES = 30, 15  # steps; the one at which the middle row leaves, as a trial leaves a stack
RATES = (0.1, 0.03, 1e-4)
SHAPES = ((16,), (4, 12), (2, 4, 2, 3), (40, 40), (48, 64))  # of parameters; more than 4096 elements in total
SCALES = {8: 1e4, 9: 1e4, 20: 1e-4, 21: 1e-4}  # factors of the gradients at some steps
RESULTS: dict[str, bool] = {}  # by config of the optimizer


def scales_with_lr(make: MakeOptimizer) -> bool:
    """Whether the steps are element-wise and proportional to the learning rate. Equal configs are tested once."""
    if make.config not in RESULTS:
        RESULTS[make.config] = _test(make)
    return RESULTS[make.config]


@torch.no_grad()
def _test(make: MakeOptimizer) -> bool:
    start, gradients = noisy_gradients()
    try:
        rows = [alone(make, start[row], [each[row] for each in gradients], RATES[row]) for row in (0, 2)]
        together = _together(make, start.clone(), gradients)
    except Exception:  # an optimizer may raise anything for tensors that are not those of a network
        return False
    expected = torch.stack(rows) - start[[0, 2]]
    error = (together - start[[0, 2]] - expected).abs()
    return bool((error <= 1e-9 * expected.abs() + 1e-10 * expected.abs().amax(1, keepdim=True)).all())


def noisy_gradients() -> tuple[Tensor, list[Tensor]]:
    """Initial weights, a row per learning rate, and the gradients of each step.

    The gradients have a drift, so that adaptive step sizes reach their bounds, and several magnitudes, so that limits
    on the step or the gradient take effect.
    """
    generator = torch.Generator().manual_seed(0)
    length = sum(torch.Size(shape).numel() for shape in SHAPES)
    start = torch.randn(len(RATES), length, dtype=torch.float64, generator=generator)
    noise = [1.0 + torch.randn(start.shape, dtype=torch.float64, generator=generator) for _ in range(5)]
    return start, [noise[step % len(noise)] * SCALES.get(step, 1.0) for step in range(STEPS)]


def factor_at(step: int) -> float:
    """The factor of a schedule that falls and rises."""
    return 1.0 - 0.08 * (step % 10)


def alone(make: MakeOptimizer, start: Tensor, gradients: Sequence[Tensor], rate: float) -> Tensor:
    """The weights of one row after all steps, trained as a trial alone."""
    own = [nn.Parameter(piece.clone()) for piece in pieces(start)]
    optimizer = make([{"params": own, "lr": rate}])
    for step, gradient in enumerate(gradients):
        for parameter, piece in zip(own, pieces(gradient.clone()), strict=True):
            parameter.grad = piece
        optimizer.param_groups[0]["lr"] = rate * factor_at(step)
        optimizer.step()
    return torch.cat([parameter.flatten() for parameter in own])


def pieces(rows: Tensor) -> list[Tensor]:
    """A row, or several, as parameters of several shapes."""
    parts = torch.split(rows, [torch.Size(shape).numel() for shape in SHAPES], -1)
    return [part.reshape(*rows.shape[:-1], *shape) for part, shape in zip(parts, SHAPES, strict=True)]


def _together(make: MakeOptimizer, flat: Tensor, gradients: list[Tensor]) -> Tensor:
    """The weights of the rows after all steps, trained as by `RowOptimizer` and `StackedUpdate`."""
    view, rows = flat[:], list(range(len(RATES)))
    optimizer = make([{"params": [view]}], lr=1.0)
    for step, gradient in enumerate(gradients):
        if step == LEAVES:
            rows = [0, 2]
            select_rows(optimizer.state[view], view, rows)
            flat = flat[rows]
            view.grad, view.data = None, flat[:]
        before, view.grad = flat.clone(), gradient[rows]
        optimizer.step()
        rates = torch.tensor([RATES[row] * factor_at(step) for row in rows], dtype=flat.dtype).unsqueeze(1)
        torch.lerp(before, flat, rates, out=flat)
    return flat
