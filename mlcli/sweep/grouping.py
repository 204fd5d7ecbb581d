"""Groups the trials that can train as one stack: their configs differ only in settings that each trial may have for
itself."""

import json
from collections.abc import Sequence

from mlcli.config.locate import locate
from mlcli.config.settings import Settings
from mlcli.run.compatible import is_fitted
from mlcli.store.records import flatten
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
    """Groups of trials that could train as one stack, in the order of their first trials."""
    found: dict[str, list[Trial]] = {}
    for trial in trials:
        found.setdefault(shared_settings(trial.job.cfg), []).append(trial)
    # Adjacent trials with equal optimizer settings are updated by one kernel.
    return [sorted(group, key=lambda trial: _optimizer_settings(trial.job.cfg)) for group in found.values()]


def shared_settings(cfg: Settings) -> str:
    """The settings that must be equal within a stack, as text."""
    settings = flatten(cfg)
    task, model = task_traits(locate(cfg.task._target_)), model_traits(locate(cfg.model._target_))
    per_trial = {*(f"task.{name}" for name in task.per_trial), *(f"model.{name}" for name in model.per_trial)}
    shared = {key: value for key, value in settings.items() if not _may_differ(key) and key not in per_trial}
    return json.dumps(shared, sort_keys=True, default=str)


def _may_differ(key: str) -> bool:
    return key in KEYS or (key.startswith(WHOLE_GROUPS) and key != "optimizer._target_")


def _optimizer_settings(cfg: Settings) -> str:
    return json.dumps({**cfg.optimizer, "lr": None}, sort_keys=True, default=str)


def stacking_obstacle(cfg: Settings) -> str | None:
    """Why a trial with this config cannot be part of a stack, or None if it can."""
    if cfg.trainer.max_time is not None:
        return "trainer.max_time limits each run's own time"
    if cfg.device.compile:
        return "device.compile compiles a single network"
    if cfg.device.precision == "fp16":
        return "device.precision=fp16 scales the loss of each run separately"
    if is_fitted(cfg.model):
        return "models that are not trained by gradient descent do not stack"
    task = locate(cfg.task._target_)
    if reason := task_traits(task).cannot_stack:
        return reason
    if not isinstance(task, HasMetrics | Stackable):
        return f"task={cfg.task._target_.rpartition('.')[2].lower()} has no separate loss for each trial"
    return None
