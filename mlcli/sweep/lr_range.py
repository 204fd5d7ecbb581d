"""optimizer.lr=auto: a learning-rate range test (Smith 2017, arXiv 1506.01186), as a stack.

Smith raises the rate while one network trains, so what a rate does hangs on those before it. A stack has a network
for each rate, all from the same weights and on the same batches.
"""

import copy
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from math import inf, isfinite
from typing import Any

import torch

from mlcli.config.check import check
from mlcli.config.errors import ConfigError
from mlcli.config.settings import Settings
from mlcli.figure.lr_range import lr_range
from mlcli.figure.plot import Plot
from mlcli.run.build import Parts
from mlcli.run.memory_need import release
from mlcli.run.stacked import build_together, stack_of
from mlcli.track.console import Console

RATES = tuple(float(f"{10 ** (exponent / 6):.3g}") for exponent in range(-30, 7))  # six to a decade, 1e-5 to 10
A_THIRD = 3  # places in RATES
STEPS = 100
JUDGED = 0.2  # share of the steps, at the end, whose mean loss counts


def resolve_lr(cfg: Settings, console: Console) -> tuple[Settings, Plot]:
    """The config with the rate that suits it, and the curve. Raises ConfigError for a config that cannot be."""
    check(_with_rate(cfg, RATES[0]))
    rate, plot = range_test(cfg)
    console.note(f"optimizer.lr={rate:g}, found by training {len(RATES)} rates for {STEPS} steps")
    return _with_rate(cfg, rate), plot


def _with_rate(cfg: Settings, rate: float) -> Settings:
    cfg = copy.deepcopy(cfg)
    cfg.optimizer.lr = rate
    return cfg


def range_test(cfg: Settings) -> tuple[float, Plot]:
    """The rate that suits this run, and the curve of loss against rate. ConfigError if none does."""
    constant = {"_target_": "mlcli.train.schedule.Constant"}
    cfgs = [_with_rate(cfg, rate) for rate in RATES]
    for each in cfgs:
        each.scheduler = constant
    parts = build_together(cfgs)
    losses = _losses(parts, STEPS)
    picked = choose_rate(losses)
    if picked is None:
        raise ConfigError("optimizer.lr=auto: the loss is finite at no rate from 1e-5 to 10; use a number.")
    return picked, lr_range(RATES, losses, picked, STEPS)


def _losses(parts: Sequence[Parts], steps: int) -> list[float]:
    """The mean training loss at each rate over the last of the steps."""
    values = _together(parts, steps)
    if values is None:
        release()
        values = torch.stack([_train(each.task, steps) for each in parts], 1)
    last = max(1, round(JUDGED * len(values)))
    return values[-last:].double().mean(0).tolist()


def _together(parts: Sequence[Parts], steps: int) -> torch.Tensor | None:
    """Losses steps × trials; None where they do not stack. By then nothing holds on to the stack."""
    with suppress(Exception):  # what is wrong with one of them shows when it trains alone
        return _train(stack_of(parts), steps)
    return None


def _train(task: Any, steps: int) -> torch.Tensor:
    """Losses steps × trials, or of the one trial."""
    batches = (batch for epoch in range(steps) for batch in task.batches(epoch))
    return torch.stack([task.step(batch)["loss"] for batch in islice(batches, steps)]).cpu()


def choose_rate(losses: Sequence[float]) -> float | None:
    """A third of the rate with the least loss: what is best for a hundred steps is at the edge of what a whole
    training can bear. None if no loss is finite."""
    finite = [loss if isfinite(loss) else inf for loss in losses]
    best = finite.index(min(finite))
    return RATES[max(best - A_THIRD, 0)] if isfinite(finite[best]) else None
