"""The training loop: updates, validation, selection of the best epoch, early stopping. There is one for all tasks,
and it depends on nothing but the methods of `Trials`.

The loop is a generator of events: it yields an `Epoch` per trial after each epoch and a `Tick` now and then, so the
caller writes the journal, moves the progress bar and saves checkpoints without callbacks. It trains any number of
trials side by side; a single run is one trial.

Shapes: S steps of an epoch, K trials still training ("rows", a row per trial).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from time import perf_counter
from typing import Any

from torch import Tensor

from mlcli.metric.suggestion import suggest_metric
from mlcli.random_numbers import restore_states
from mlcli.train.best_weights import BestWeights
from mlcli.train.epoch_values import Diverged, EpochValues
from mlcli.train.protocols import Task, Trials
from mlcli.train.single_trial import SingleTrial
from mlcli.traits import TRAIN_SAMPLE

CONVERGED = "converged"
TICK = 0.1  # least seconds between two ticks within an epoch


@dataclass(frozen=True)
class Plan:
    """When to stop, and by which metric the best epoch is chosen."""

    epochs: int
    monitor: str  # name of the metric
    higher: bool  # whether higher values of it are better
    max_steps: int | None = None
    max_time: float | None = None  # seconds
    patience: int | None = None  # epochs without an improvement by more than min_delta
    min_delta: float = 0.0
    layer_statistics: bool = False  # of gradients and activations, at the end of each epoch
    validates: bool = True  # whether there is a "val" split; without one the last epoch is the best

    def improves(self, score: float, best: float | None, by: float = 0.0) -> bool:
        if best is None or not self.validates:
            return True
        return score > best + by if self.higher else score < best - by


@dataclass
class Position:
    """A place within an epoch, which trials that train side by side share. generators: the states of the global
    generators there, of a training that continues; it needs them once the epoch's batches have seeded these."""

    values: EpochValues
    batches: int = 0  # so far
    generators: Any = None


@dataclass
class Progress:
    """The state of the loop for one trial; together with the task's state it is all that a resume needs
    (`mlcli.train.state`)."""

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0  # of training; trials that train side by side share them equally
    best_score: float | None = None
    best_epoch: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    patience_score: float | None = None  # the last one that was an improvement by more than min_delta
    patience_epoch: int = 0
    stopped: str = ""  # why training ended before its last epoch; the caller may set it to end training
    failure: Diverged | None = None
    position: Position | None = None  # None between two epochs


@dataclass(frozen=True)
class Tick:
    """A sign of life: within an epoch, or at its end, after the Epoch of every trial."""

    epoch: int
    step: int
    metrics: None = None  # those of an Epoch


@dataclass(frozen=True)
class Epoch:
    """The end of an epoch of one trial: its number (from 1), and "train/…" and "val/…" metrics as plain numbers."""

    epoch: int
    step: int
    metrics: dict[str, float]
    improved: bool
    trial: int = 0


def fit(task: Task, plan: Plan, progress: Progress) -> Iterator[Tick | Epoch]:
    """Trains one task until the plan ends, from where `progress` is. That is up to date whenever the generator yields
    or raises; after a Tick, it and the task have a state from which training can continue.

    Raises Diverged when the loss or the monitored metric is not finite, ValueError for an unknown `monitor`.
    """
    yield from fit_trials(SingleTrial(task), [plan], [progress])
    if progress.failure:
        raise progress.failure


def fit_trials(trials: Trials, plans: Sequence[Plan], progress: Sequence[Progress]) -> Iterator[Tick | Epoch]:
    """Trains trials side by side, each by its own plan, until the last one has ended.

    The plans share `monitor`, `higher`, `max_steps`, `max_time`, `layer_statistics` and `validates`. A trial leaves
    without an effect on the others when it diverges (then it has a `failure`), has converged, has reached the end of
    its plan, or when the caller sets `stopped`. Raises ValueError for an unknown `monitor`.
    """
    live = [i for i, each in enumerate(progress) if not ended(plans[i], each)]
    best = BestWeights(len(progress))
    full = False  # whether each validation is a full evaluation
    while live:
        plan, rows = plans[live[0]], [progress[i] for i in live]
        clock = _Clock(rows)
        position = rows[0].position or Position(EpochValues(rows[0].step))
        yield from _steps(trials, plan, rows, position, clock)
        values = position.values
        metrics = values.read(len(live))
        if plan.layer_statistics:
            _add(metrics, trials.layer_statistics())
        with trials.averaged():  # the averaged weights are the ones that are validated and kept
            full = _validate(trials, plan, metrics, full)
            failures = [values.failure(row) for row in range(len(live))]
            improved = [
                _update_best(plans[i], progress[i], metrics[row], failures[row]) for row, i in enumerate(live)
            ]
            trials.observe([own[plan.monitor] for own in metrics])
            best.keep(trials, live, [row for row, better in enumerate(improved) if better], progress)
        for i, converged in zip(live, trials.converged(), strict=True):
            progress[i].stopped = progress[i].stopped or (CONVERGED if converged else "")
        clock.read()
        for row, i in enumerate(live):
            each = progress[i]
            if each.failure is None:
                yield Epoch(each.epoch, each.step, metrics[row], improved[row], i)
        yield Tick(progress[live[0]].epoch, progress[live[0]].step)  # the Epoch of every trial has been yielded
        left = [row for row, i in enumerate(live) if not ended(plans[i], progress[i])]
        if len(left) < len(live):
            trials.keep(left)
        live = [live[row] for row in left]


def _validate(trials: Trials, plan: Plan, metrics: list[dict[str, float]], full: bool) -> bool:
    """Adds the validation metrics of each trial, and those of the training sample.

    Returns whether validation has to be a full evaluation, which it has if a cheap one does not compute the monitored
    metric.
    """
    if not plan.validates:
        return full
    validation = trials.evaluate("val", full)
    if not full and plan.monitor not in metrics[0] and plan.monitor.removeprefix("val/") not in validation:
        full = True
        validation = trials.evaluate("val", full)
    _add(metrics, validation, "val/")
    if trials.sample_metrics:
        found = trials.evaluate(TRAIN_SAMPLE, False)
        _add(metrics, {name: found[name] for name in trials.sample_metrics if name in found}, "train/")
    return full


def _add(metrics: list[dict[str, float]], columns: dict[str, list[float]], prefix: str = "") -> None:
    """Adds metrics by name, a number per row, to those of each row."""
    for name, numbers in columns.items():
        for own, number in zip(metrics, numbers, strict=True):
            own[f"{prefix}{name}"] = number


class _Clock:
    """Keeps the seconds of trials, which share those of the clock equally."""

    def __init__(self, progress: Sequence[Progress]) -> None:
        self.progress = progress
        self.start = perf_counter()
        self.before = [each.seconds for each in progress]

    def read(self) -> None:
        share = (perf_counter() - self.start) / len(self.progress)
        for each, before in zip(self.progress, self.before, strict=True):
            each.seconds = before + share


def _steps(
    trials: Trials, plan: Plan, progress: Sequence[Progress], position: Position, clock: _Clock
) -> Iterator[Tick]:
    """The updates of one epoch, from this position on."""
    lead = progress[0]
    first, step, stopped = lead.step - position.batches, lead.step, ""
    batches = trials.batches(lead.epoch, position.batches) if position.batches else trials.batches(lead.epoch)
    if position.generators is not None:
        restore_states(position.generators)
    before, tick, share = lead.seconds, perf_counter(), 1 / len(progress)
    try:
        for batch in batches:
            position.values.add(trials.step(batch), trials.weight(batch))
            step += 1
            now = perf_counter()
            if now - tick > TICK:
                tick = now
                position.batches = step - first
                clock.read()
                for each in progress:
                    each.step, each.position = step, position
                yield Tick(lead.epoch + 1, step)
            stopped = _limit(plan, step, before + (now - clock.start) * share)
            if stopped:
                break
    finally:
        for each in progress:
            each.step, each.stopped, each.position = step, each.stopped or stopped, None


def _update_best(plan: Plan, progress: Progress, metrics: dict[str, float], failure: Diverged | None) -> bool:
    """Whether this is the best epoch so far. Stops the trial when its patience is exhausted."""
    progress.epoch += 1
    progress.failure = failure
    if plan.monitor not in metrics:
        hint = suggest_metric(plan.monitor, metrics)
        raise ValueError(f"trainer.monitor={plan.monitor}: no such metric.{hint}")
    score = metrics[plan.monitor]
    if failure is None and not isfinite(score):
        progress.failure = Diverged(
            f"{plan.monitor} is {score:g} after step {progress.step}: try a smaller optimizer.lr"
        )
    if progress.failure:
        return False
    improved = plan.improves(score, progress.best_score)
    if improved:
        progress.best_score, progress.best_epoch = score, progress.epoch
    if plan.improves(score, progress.patience_score, plan.min_delta):
        progress.patience_score, progress.patience_epoch = score, progress.epoch
    elif plan.patience is not None and progress.epoch - progress.patience_epoch >= plan.patience:
        progress.stopped = progress.stopped or f"no better {plan.monitor} for {plan.patience} epochs"
    return improved


def ended(plan: Plan, progress: Progress) -> bool:
    """Whether the trial has ended."""
    return bool(progress.failure or progress.stopped) or progress.epoch >= plan.epochs


def _limit(plan: Plan, step: int, seconds: float) -> str:
    if plan.max_steps is not None and step >= plan.max_steps:
        return f"trainer.max_steps={plan.max_steps}"
    if plan.max_time is not None and seconds >= plan.max_time:
        return f"trainer.max_time={plan.max_time:g}"
    return ""
