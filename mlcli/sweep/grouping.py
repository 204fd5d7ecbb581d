"""Which trials of a sweep can train as one stack: those whose configs differ in nothing but numbers that stack."""

import json
from collections.abc import Sequence

from mlcli.config.check import locate
from mlcli.config.settings import Settings
from mlcli.run.build import is_fitted
from mlcli.store.record import flatten
from mlcli.sweep.trial import Trial
from mlcli.train.protocols import HasMetrics, Stackable
from mlcli.traits import model_traits, task_traits

# Each trial of a stack has its own optimizer settings and its own schedule, whatever those are.
WHOLE_GROUPS = ("scheduler.", "optimizer.")
KEYS = {
    "name",
    "split.seed",
    "split.fold",
    "trainer.average_decay",
    "trainer.average_start",
    "trainer.clip_norm",
    "trainer.clip_value",
    "trainer.epochs",
    "trainer.l1",
    "trainer.min_delta",
    "trainer.patience",
    "trainer.seed",
    "variant",
}


def group_trials(trials: Sequence[Trial]) -> list[list[Trial]]:
    """The trials that could be one stack together, in the order in which they come."""
    found: dict[str, list[Trial]] = {}
    for trial in trials:
        found.setdefault(_shared(trial.job.cfg), []).append(trial)
    # Neighbours with equal optimizer settings are updated by one kernel.
    return [sorted(group, key=lambda trial: _settings(trial.job.cfg)) for group in found.values()]


def _shared(cfg: Settings) -> str:
    """What must be equal, as text."""
    settings = flatten(cfg)
    task, model = task_traits(locate(cfg.task._target_)), model_traits(locate(cfg.model._target_))
    per_trial = {*(f"task.{name}" for name in task.per_trial), *(f"model.{name}" for name in model.per_trial)}
    shared = {key: value for key, value in settings.items() if not _stacks(key) and key not in per_trial}
    return json.dumps(shared, sort_keys=True, default=str)


def _stacks(key: str) -> bool:
    return key in KEYS or (key.startswith(WHOLE_GROUPS) and key != "optimizer._target_")


def _settings(cfg: Settings) -> str:
    return json.dumps({**cfg.optimizer, "lr": None}, sort_keys=True, default=str)


def stacking_obstacle(cfg: Settings) -> str | None:
    """Why a run like this trains alone, or None."""
    if cfg.trainer.max_time is not None:
        return "trainer.max_time is a run's own time"
    if cfg.device.compile:
        return "device.compile makes a program of one network"
    if cfg.device.precision == "fp16":
        return "the loss scaling of device.precision=fp16 is a run's own"
    if is_fitted(cfg.model):
        return "what is fitted and not trained by gradients does not stack"
    task = locate(cfg.task._target_)
    if reason := task_traits(task).cannot_stack:
        return reason
    if not isinstance(task, HasMetrics | Stackable):
        return f"task={cfg.task._target_.rpartition('.')[2].lower()} has no loss of its own for each trial"
    return None
