"""The metric that `trainer.monitor=auto` becomes."""

from contextlib import suppress
from typing import Any

from mlcli.config.errors import ConfigError
from mlcli.config.locate import locate
from mlcli.traits import data_traits, task_traits

AUTO = "auto"


def choose_monitor(settings: dict[str, Any]) -> None:
    """Replaces `auto`, in place: val/loss, or for a table of the user's own what the task states, unless it has a
    task.loss. The metric depends on task and data only, so that all models of a sweep are chosen by the same one."""
    trainer = settings.get("trainer")
    if isinstance(trainer, dict) and trainer.get("monitor") == AUTO:
        trainer["monitor"] = f"val/{_robust_metric(settings) or 'loss'}"


def _robust_metric(settings: dict[str, Any]) -> str | None:
    data, task = ((settings.get(group) or {}) for group in ("data", "task"))
    with suppress(ConfigError):  # what cannot be imported is reported later
        own_table = data_traits(locate(str(data.get("_target_")))).columns is not None
        if own_table and task.get("loss") is None:
            return task_traits(locate(str(task.get("_target_")))).robust_metric
    return None
