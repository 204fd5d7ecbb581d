"""The directions of a run's metrics: those of mlcli, and those that its task states for metrics of its own."""

from typing import Any

from mlcli.config.errors import as_config_error
from mlcli.config.locate import locate
from mlcli.config.settings import Settings
from mlcli.metric.direction import Directions, check_directed, direction
from mlcli.traits import task_traits


def task_directions(cfg: Settings) -> Directions:
    """Directions that the task's class states, by names of metrics without their split."""
    return task_traits(locate(cfg.task._target_)).directions


def is_higher_better(cfg: Settings, metric: str) -> bool:
    return direction(metric, task_directions(cfg)) == "max"


def check_direction(metric: str, task: Any, key: str = "trainer.monitor") -> None:
    """Raises ConfigError for a metric of this task without a direction, which nothing can be ranked by."""
    with as_config_error():
        check_directed(metric, task_traits(task).directions, key, type(task).__name__)
