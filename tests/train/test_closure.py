"""Optimizers that compute the loss of a batch several times per step, against loops of PyTorch."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.train.optimizers import MakeOptimizer
from mlcli.train.update import Update

BATCH = (torch.randn(12, 4, generator=torch.Generator().manual_seed(1)).double(), torch.arange(12) % 3)
L1 = 0.01


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 16), nn.Dropout(0.5), nn.Tanh(), nn.Linear(16, 3)).double()


def lbfgs(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.LBFGS(parameters, lr=0.5, max_iter=5, line_search_fn="strong_wolfe")


def update_of(model: nn.Module, kind: Any = torch.optim.LBFGS, **settings: Any) -> Update:
    make = MakeOptimizer(partial(kind, lr=0.5, max_iter=5, line_search_fn="strong_wolfe"), "lbfgs")
    how: dict[str, Any] = {"steps_per_epoch": 3, "total_steps": 3, "device": torch.device("cpu"), **settings}
    return Update(make, [{"params": list(model.parameters())}], lambda *_: 1.0, model=model, **how)


def by_hand(clip: float | None = None, l1: float = 0.0) -> tuple[nn.Module, list[float]]:
    """Three steps, in each of which every computation has the same dropout masks."""
    model = network()
    optimizer, losses = lbfgs(model.parameters()), []
    for step in range(3):
        firsts: list[float] = []

        def closure(step: int = step, firsts: list[float] = firsts) -> Tensor:
            torch.manual_seed(step)
            optimizer.zero_grad()
            loss = F.cross_entropy(model(BATCH[0]), BATCH[1])
            firsts.append(loss.item())
            penalty = l1 * sum(p.abs().sum() for p in model.parameters()) if l1 else 0.0
            (loss + penalty).backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            return loss + penalty

        optimizer.step(closure)
        losses.append(firsts[0])
    return model, losses


@pytest.mark.parametrize(
    ("settings", "reference"),
    [({}, {}), ({"clip_norm": 0.1}, {"clip": 0.1}), ({"l1": L1}, {"l1": L1})],
    ids=["plain", "clip", "l1"],
)
def test_each_computation_of_a_step_has_the_same_masks(settings: Any, reference: Any) -> None:
    expected, losses = by_hand(**reference)
    model = network()
    update, got = update_of(model, **settings), []
    for step in range(3):
        torch.manual_seed(step)
        got.append(float(update(lambda x, y: F.cross_entropy(model(x), y), *BATCH)))
    assert got == pytest.approx(losses, rel=1e-12)
    for one, other in zip(model.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_accumulation_leaves_the_step_as_it_is() -> None:
    trained = []
    for accumulate in (1, 3):
        model = network().eval()
        update = update_of(model, accumulate=accumulate, batch_size=12)
        update(lambda x, y, model=model: F.cross_entropy(model(x), y), *BATCH)
        trained.append(list(model.parameters()))
    torch.testing.assert_close(trained[0], trained[1], rtol=1e-9, atol=1e-10)


def test_bf16_works_and_fp16_is_refused() -> None:
    model = network().float()
    update = update_of(model, precision="bf16")
    losses = [float(update(lambda x, y: F.cross_entropy(model(x.float()), y), *BATCH)) for _ in range(3)]
    assert all(loss == loss for loss in losses)
    with pytest.raises(ValueError, match=r"device\.precision=fp16: LBFGS .* use device\.precision=bf16 or fp32"):
        update_of(network(), precision="fp16")


class Idle(torch.optim.SGD):
    """Does not call the closure that it requires."""

    def __init__(self, params: Any, lr: float, **_: Any) -> None:
        super().__init__(params, lr)

    def step(self, closure: Any) -> None:  # type: ignore[override]
        """Nothing."""


def test_a_step_that_computes_no_loss_is_an_error() -> None:
    model = network()
    with pytest.raises(RuntimeError, match="the step of Idle does not call its closure"):
        update_of(model, Idle)(lambda x, y: F.cross_entropy(model(x), y), *BATCH)
