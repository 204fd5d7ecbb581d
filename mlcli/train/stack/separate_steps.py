"""Whether optimizers of one class, each with one trial's weights, do to them what they do to those of a model.

An optimizer of another package may keep references to memory that a stack moves, share state between its instances,
or sample from a global random generator. It is tested with a few steps before it is trusted: rows of stacked weights,
whose optimizers step in turn, against the same rows as parameters of their own.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mlcli.cannot_stack import CannotStack
from mlcli.random_numbers import keep_states
from mlcli.train.optimizers import MakeOptimizer
from mlcli.train.stack.lr_scaling import LEAVES, RATES, SHAPES, alone, factor_at, noisy_gradients, pieces
from mlcli.train.stack.row_optimizer import RowOptimizer
from mlcli.train.stack.side_effects import global_rng_states, require_unchanged_rng
from mlcli.train.stack.weights import StackedWeights

ROUNDED_STEPS, ROUNDED = 10, 1e-4  # steps; the largest distance, as a share of the way
REASONS: dict[str, str | None] = {}  # by config of the optimizer; None for one that passes


def require_separate_steps(make: MakeOptimizer, name: str, of_torch: bool) -> None:
    """Raises CannotStack with the reason if an optimizer fails the test, or amplifies rounding errors, by which the
    gradients of a stack differ from those of its trials. Equal configs are tested once.

    of_torch: whether it is one of torch.optim, which only the rounding errors concern.
    """
    if make.config not in REASONS:
        with keep_states(), torch.no_grad():
            reason = None if of_torch else _reason(make, name)
            if reason is None and _enlarges_rounding(make):
                reason = f"{name} amplifies rounding errors"
            REASONS[make.config] = reason
    reason = REASONS[make.config]
    if reason is not None:
        raise CannotStack(reason)


def _reason(make: MakeOptimizer, name: str) -> str | None:
    start, gradients = noisy_gradients()
    try:
        expected = [alone(make, start[row], [each[row] for each in gradients], RATES[row]) for row in (0, 2)]
        got = _together(make, start, gradients)
    except CannotStack as error:
        return str(error)
    except Exception as error:  # an optimizer may raise anything for tensors that are not those of a network
        lines = str(error).strip().splitlines() or [""]
        return f"a test of {name} on small tensors raised {type(error).__name__}: {lines[0]}".rstrip(": ")
    for own, other in zip(expected, got, strict=True):
        if not torch.allclose(own, other, rtol=1e-9, atol=1e-12):
            return f"{name} updates trials side by side differently than each alone"
    return None


def _enlarges_rounding(make: MakeOptimizer) -> bool:
    """Whether weights end far apart after a few steps with gradients that differ by rounding, as with Newton-Schulz
    iterations in bfloat16 (Muon). Some optimizers take only matrices."""
    generator = torch.Generator().manual_seed(0)
    for shapes in (SHAPES, [shape for shape in SHAPES if len(shape) == 2]):
        sizes = [torch.Size(shape) for shape in shapes]
        gradients = [[torch.randn(size, generator=generator) for size in sizes] for _ in range(ROUNDED_STEPS)]
        rounded = [
            [each * (1 + 1e-6 * torch.rand(each.shape, generator=generator)) for each in own] for own in gradients
        ]
        try:
            start, one, other = (_steps(make, sizes, given) for given in ([], gradients, rounded))
        except Exception:  # for tensors that are not those of a network
            continue
        return bool((one - other).norm() > ROUNDED * (one - start).norm())
    return False


def _steps(make: MakeOptimizer, sizes: Sequence[torch.Size], gradients: Sequence[Sequence[Tensor]]) -> Tensor:
    own = [nn.Parameter(torch.linspace(-1, 1, size.numel()).view(size)) for size in sizes]
    optimizer = make([{"params": own, "lr": RATES[1]}])
    for given in gradients:
        for parameter, gradient in zip(own, given, strict=True):
            parameter.grad = gradient.clone()
        optimizer.step()
    return torch.cat([parameter.flatten() for parameter in own])


def _together(make: MakeOptimizer, start: Tensor, gradients: Sequence[Tensor]) -> list[Tensor]:
    """The first and the last row after all steps; the middle one leaves."""
    models = [_Weights(row) for row in start]
    weights = StackedWeights(models, [list(models[0].parameters())], transpose=False)
    rows = [0, 1, 2]
    own = [RowOptimizer(make, [{"lr": RATES[row]}], weights, range(row, row + 1), False) for row in rows]
    states = global_rng_states()
    for step, gradient in enumerate(gradients):
        if step == LEAVES:
            rows, own = [0, 2], [own[0], own[2]]
            weights.keep(rows)
            for place, each in enumerate(own):
                each.keep([each.rows.start], place)
        weights.set_gradients({f"p{place}": piece for place, piece in enumerate(pieces(gradient[rows]))})
        for each, row in zip(own, rows, strict=True):
            each.set_groups([{"lr": RATES[row] * factor_at(step)}])
            each.take_gradients()
        for each in own:
            each.optimizer.step()
            each.require_in_place()
    require_unchanged_rng(states, "its optimizer")
    trained = [weights.trained[f"p{place}"] for place in range(len(SHAPES))]
    return [torch.cat([each[place].flatten() for each in trained]) for place in range(2)]


class _Weights(nn.Module):
    def __init__(self, row: Tensor) -> None:
        super().__init__()
        for place, piece in enumerate(pieces(row)):
            self.register_parameter(f"p{place}", nn.Parameter(piece.clone()))

    def forward(self, *inputs: Any) -> None:
        """Never called."""
