"""Which trials of a sweep can train as one stack: those whose configs differ in nothing but numbers that stack."""

import json
from collections.abc import Sequence

from mlcli.config.check import locate
from mlcli.config.settings import Settings
from mlcli.run.build import is_fitted
from mlcli.store.record import flatten
from mlcli.sweep.trial import Trial

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
    varies = {
        f"{group}.{name}"
        for group in ("task", "model")
        for name in getattr(locate(cfg[group]._target_), "varies", ())
    }
    shared = {key: value for key, value in settings.items() if not _stacks(key) and key not in varies}
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
    if hasattr(task, "alone"):  # the task's own word on it
        return str(task.alone)
    if not any(hasattr(task, verb) for verb in ("metrics", "stack")):
        return f"task={cfg.task._target_.rpartition('.')[2].lower()} has no loss of its own for each trial"
    return None
