"""Checks, before a run is trained, that it will have the metrics that its config names."""

from typing import Any

import torch

from mlcli.config.errors import ConfigError, as_config_error
from mlcli.config.schema import Trainer
from mlcli.config.settings import Settings
from mlcli.metric.suggestion import suggest_metric
from mlcli.random_numbers import keep_states
from mlcli.run.build import Parts, build
from mlcli.run.directions import check_direction
from mlcli.train.estimator_update import EstimatorUpdate
from mlcli.train.protocols import HasLoss, HasMetrics, HasUpdate
from mlcli.traits import task_traits


def check_monitor(cfg: Settings, parts: Parts) -> None:
    """Raises ConfigError if the run will not have the metric trainer.monitor, or if that has no direction. Nothing is
    computed for the metrics that every task of its kind has."""
    monitor = cfg.trainer.monitor
    if cfg.get("metrics"):  # functions of the user's own, which may raise anything
        with as_config_error():
            parts.task.evaluate("val" if cfg.split.val else "train", full=True)
    certain = {Trainer.monitor: HasMetrics, "train/loss": HasLoss}.get(monitor)
    if certain is not None and isinstance(parts.task, certain):
        return
    if monitor not in _of_epochs(cfg, parts, monitor):
        raise _unknown("trainer.monitor", monitor, _of_epochs(cfg, parts))
    check_direction(monitor, cfg)


def check_metric(cfg: Settings, parts: Parts, test_only: bool = False) -> None:
    """Raises ConfigError if sweep.metric has no direction, or if trials will not have it (in each epoch with halving,
    otherwise at the end).

    test_only: whether the sweep compares only metrics of the test split, as a cross-validation does.
    """
    metric = cfg.sweep.metric
    if metric is None:
        return
    if cfg.sweep.halving:
        known = [*_of_train(parts, cfg), *_of_val(cfg, parts, full=_is_slow(cfg, parts))]
    else:
        split = parts.data.evaluation_split
        known = [f"{split}/{name}" for name in parts.task.evaluate(split, full=True).metrics]
        known += [] if test_only else _of_epochs(cfg, parts)
    if metric not in known:
        raise _unknown("sweep.metric", metric, known)
    check_direction(metric, cfg, "sweep.metric")


def _unknown(key: str, name: str, known: list[str]) -> ConfigError:
    return ConfigError(f"{key}={name}: no such metric.{suggest_metric(name, known)}")


def _of_epochs(cfg: Settings, parts: Parts, wanted: str = "") -> list[str]:
    """Metrics of train and val. wanted: stop at the cheapest source that has this one."""
    found: list[str] = []
    if not wanted or wanted.startswith("train/"):
        found += _of_train(parts, cfg)
    if not wanted or wanted not in found:
        found += _of_val(cfg, parts, full=False)
    if not wanted or wanted not in found:
        found += _of_val(cfg, parts, full=True)
    return list(dict.fromkeys(found))


def _of_val(cfg: Settings, parts: Parts, full: bool) -> list[str]:
    return [f"val/{name}" for name in parts.task.evaluate("val", full=full).metrics] if cfg.split.val else []


def _is_slow(cfg: Settings, parts: Parts) -> bool:
    """Whether trainer.monitor requires a full evaluation in each epoch."""
    return cfg.trainer.monitor not in [Trainer.monitor, *_of_val(cfg, parts, full=False)]


def _of_train(parts: Parts, cfg: Settings) -> list[str]:
    """Metrics that an optimisation step returns, now or later, and those of the training sample. The step is of
    separate parts, and random states are restored."""
    task: Any = parts.task
    traits = task_traits(task)
    sampled = [f"train/{name}" for name in traits.sample_metrics] if cfg.split.val else []
    if isinstance(task, HasUpdate) and isinstance(task.update, EstimatorUpdate):  # a step may be the whole training
        return ["train/loss", *sampled]
    with keep_states():
        own: Any = build(cfg, parts.data, parts.loader, weights_later=True, set_up=False).task
        values = own.step(next(iter(own.batches(0))))
    tensors = [f"train/{name}" for name, value in values.items() if isinstance(value, torch.Tensor)]
    return [*tensors, *sampled, *(name for name in values if name.startswith("train/")), *traits.delayed_metrics]
