"""optimizer.lr=auto: a learning-rate range test (Smith 2017, arXiv 1506.01186), as a stack.

Smith increases the learning rate while one network trains, so that the loss at a rate depends on the rates before it.
A stack has a network for each rate, all with the same initial weights and the same batches.
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
from mlcli.machine.memory import release_memory
from mlcli.run.build import Parts
from mlcli.run.stacked import build_trials, stack_of
from mlcli.track.console import Console

RATES = tuple(float(f"{10 ** (exponent / 6):.3g}") for exponent in range(-30, 7))  # six per decade, from 1e-5 to 10
THIRD = 3  # positions in RATES from a rate to a third of it
STEPS = 100
SCORED = 0.2  # fraction of the steps, at the end, whose mean loss is compared


def with_first_rate(cfg: Settings) -> Settings:
    """The config with the first learning rate of the test, checked. Raises ConfigError."""
    changed = _with_rate(cfg, RATES[0])
    check(changed)
    return changed


def resolve_lr(cfg: Settings, console: Console) -> tuple[Settings, Plot]:
    """The config with the learning rate that the test chooses, and the plot of the test. Raises ConfigError for an
    invalid config."""
    with_first_rate(cfg)
    rate, plot = range_test(cfg)
    console.note(f"optimizer.lr={rate:g}, found by training with {len(RATES)} learning rates for {STEPS} steps")
    return _with_rate(cfg, rate), plot


def _with_rate(cfg: Settings, rate: float) -> Settings:
    cfg = copy.deepcopy(cfg)
    cfg.optimizer.lr = rate
    return cfg


def range_test(cfg: Settings) -> tuple[float, Plot]:
    """The learning rate for this run, and the plot of loss against learning rate. Raises ConfigError if the loss is
    finite at none."""
    constant = {"_target_": "mlcli.train.schedule.Constant"}
    cfgs = [_with_rate(cfg, rate) for rate in RATES]
    for each in cfgs:
        each.scheduler = constant
    parts = build_trials(cfgs)
    losses = _losses(parts, STEPS)
    picked = choose_rate(losses)
    if picked is None:
        raise ConfigError(
            "optimizer.lr=auto: the loss is not finite at any learning rate from 1e-5 to 10; use a number."
        )
    return picked, lr_range(RATES, losses, picked, STEPS)


def _losses(parts: Sequence[Parts], steps: int) -> list[float]:
    """The mean training loss at each learning rate over the last steps."""
    values = _stacked_losses(parts, steps)
    if values is None:
        release_memory()
        values = torch.stack([_train(each.task, steps) for each in parts], 1)
    last = max(1, round(SCORED * len(values)))
    return values[-last:].double().mean(0).tolist()


def _stacked_losses(parts: Sequence[Parts], steps: int) -> torch.Tensor | None:
    """Losses, steps × trials; None if they do not stack. No reference to the stack is kept."""
    with suppress(Exception):  # an error of one trial is raised when it trains alone
        return _train(stack_of(parts), steps)
    return None


def _train(task: Any, steps: int) -> torch.Tensor:
    """Losses, steps × trials, or steps for a single trial."""
    batches = (batch for epoch in range(steps) for batch in task.batches(epoch))
    return torch.stack([task.step(batch)["loss"] for batch in islice(batches, steps)]).cpu()


def choose_rate(losses: Sequence[float]) -> float | None:
    """A third of the learning rate with the smallest loss, because the best one for a hundred steps is close to
    divergence in a longer training. None if no loss is finite."""
    finite = [loss if isfinite(loss) else inf for loss in losses]
    best = finite.index(min(finite))
    return RATES[max(best - THIRD, 0)] if isfinite(finite[best]) else None
