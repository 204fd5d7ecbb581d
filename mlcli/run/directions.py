"""What a run's task states of its own metrics: whether they are better small or large."""

from typing import Any

from mlcli.config.check import locate
from mlcli.config.errors import refused
from mlcli.config.settings import Settings
from mlcli.metric.direction import Directions, check_directed, direction
from mlcli.traits import task_traits


def task_directions(cfg: Settings) -> Directions:
    """The `directions` of the task's class, by names of metrics without their split; most tasks need none."""
    return task_traits(locate(cfg.task._target_)).directions


def is_higher_better(cfg: Settings, metric: str) -> bool:
    return direction(metric, task_directions(cfg)) == "max"


def check_direction(metric: str, task: Any, key: str = "trainer.monitor") -> None:
    """Raises ConfigError for a metric of this task by which nothing can be ranked."""
    with refused():
        check_directed(metric, task_traits(task).directions, key, type(task).__name__)
