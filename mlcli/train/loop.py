"""The training loop, the only one. It knows the verbs of a task and nothing else of mlcli.

It is a generator: after each epoch (and now and then within a long one) it hands over what happened and waits,
so whoever drives it writes journals, moves progress bars and saves checkpoints with no callbacks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from mlcli.train.verbs import Task

TICK = 0.1  # seconds between two signs of life within an epoch


class Diverged(ArithmeticError):
    """The loss is no longer a finite number."""


@dataclass(frozen=True)
class Plan:
    """When to stop, and which metric decides what is best (`higher`: the larger the better)."""

    epochs: int
    monitor: str
    higher: bool
    max_steps: int | None = None
    max_time: float | None = None  # seconds
    patience: int | None = None
    min_delta: float = 0.0

    def improves(self, score: float, best: float | None) -> bool:
        if best is None:
            return True
        return score > best + self.min_delta if self.higher else score < best - self.min_delta


@dataclass
class Progress:
    """How far training has come; with the task's state, all that a resume needs."""

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    best_score: float | None = None
    best_epoch: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    stopped: str = ""  # why training ended before its last epoch


@dataclass(frozen=True)
class Tick:
    """Within an epoch."""

    epoch: int
    step: int


@dataclass(frozen=True)
class Epoch:
    """An epoch that has ended (counted from 1), with "train/…" and "val/…" metrics as plain numbers."""

    epoch: int
    step: int
    metrics: dict[str, float]
    improved: bool


def fit(task: Task, plan: Plan, progress: Progress) -> Iterator[Tick | Epoch]:
    """Trains until the plan is fulfilled; `progress` is kept up to date, also when an exception ends it.

    Raises Diverged when the loss or the monitored metric is not finite, ValueError when there is no such metric.
    """
    before = progress.seconds
    start = tick = perf_counter()
    full = False
    while progress.epoch < plan.epochs and not progress.stopped:
        values = EpochValues(progress.step)
        for batch in task.batches(progress.epoch):
            values.add(task.step(batch))
            progress.step += 1
            now = perf_counter()
            if now - tick > TICK:
                tick = now
                yield Tick(progress.epoch + 1, progress.step)
            progress.stopped = _limit(plan, progress.step, before + now - start)
            if progress.stopped:
                break
        progress.epoch += 1
        metrics = values.read()
        validation = task.evaluate("val", full=full).metrics
        if plan.monitor not in metrics and plan.monitor.removeprefix("val/") not in validation:
            full = True  # too slow for every epoch unless it is asked for
            validation = task.evaluate("val", full=True).metrics
        metrics |= _numbers(validation)
        improved = _judge(task, plan, progress, metrics)
        progress.seconds = before + perf_counter() - start
        yield Epoch(progress.epoch, progress.step, metrics, improved)


def _judge(task: Task, plan: Plan, progress: Progress, metrics: dict[str, float]) -> bool:
    """Keeps the weights if they are the best so far; ends training when they have not been for too long."""
    if plan.monitor not in metrics:
        raise ValueError(f"trainer.monitor={plan.monitor}: no such metric. Choices: {', '.join(metrics)}.")
    score = metrics[plan.monitor]
    if not isfinite(score):
        raise Diverged(f"{plan.monitor} is {score:g} after step {progress.step}: try a smaller optimizer.lr")
    task.observe(score)
    improved = plan.improves(score, progress.best_score)
    if improved:
        progress.best_score, progress.best_epoch = score, progress.epoch
        weights = task.state_dict()["model"]
        progress.best_weights = {name: tensor.detach().clone() for name, tensor in weights.items()}
    elif plan.patience is not None and progress.epoch - progress.best_epoch >= plan.patience:
        progress.stopped = progress.stopped or f"no better {plan.monitor} for {plan.patience} epochs"
    return improved


def _limit(plan: Plan, step: int, seconds: float) -> str:
    if plan.max_steps is not None and step >= plan.max_steps:
        return f"trainer.max_steps={plan.max_steps}"
    if plan.max_time is not None and seconds >= plan.max_time:
        return f"trainer.max_time={plan.max_time:g}"
    return ""


class EpochValues:
    """What the steps of an epoch returned: tensors stay on the device and are read once, at its end."""

    def __init__(self, first_step: int) -> None:
        self.first_step = first_step
        self.tensors: dict[str, list[Tensor]] = {}
        self.numbers: dict[str, float] = {}

    def add(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if isinstance(value, Tensor):
                self.tensors.setdefault(name, []).append(value)
            else:
                self.numbers[name] = value

    def read(self) -> dict[str, float]:
        """ "train/loss", … as means over the updates. Raises Diverged with the first step that is not finite."""
        metrics: dict[str, float] = {}
        for name, tensors in self.tensors.items():
            values = torch.stack(tensors).cpu().double()
            finite = values.isfinite()
            if not finite.all():
                step = self.first_step + int(finite.int().argmin()) + 1
                raise Diverged(f"{name} is {values[~finite][0]:g} at step {step}: try a smaller optimizer.lr")
            metrics[f"train/{name}"] = values.mean().item()
        return metrics | self.numbers


def _numbers(metrics: dict[str, Any]) -> dict[str, float]:
    """ "val/…" as plain numbers, with one transfer from the device for all that lie there."""
    tensors = {name: value for name, value in metrics.items() if isinstance(value, Tensor)}
    read = torch.stack([value.float() for value in tensors.values()]).tolist() if tensors else []
    numbers = dict(zip(tensors, read, strict=True))
    return {f"val/{name}": float(numbers.get(name, value)) for name, value in metrics.items()}
