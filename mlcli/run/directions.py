"""The directions of a run's metrics: those of mlcli, and those that its task states for metrics of its own."""

from mlcli.config.errors import ConfigError, as_config_error
from mlcli.config.locate import locate
from mlcli.config.settings import Settings
from mlcli.metric.direction import Directions, check_directed, direction, without_split
from mlcli.run.own import metric_directions
from mlcli.traits import task_traits


def task_directions(cfg: Settings) -> Directions:
    """Directions that the task's class and the config's `metrics` state, by names of metrics without their split."""
    return {**task_traits(locate(cfg.task._target_)).directions, **metric_directions(cfg)}


def is_higher_better(cfg: Settings, metric: str) -> bool:
    return direction(metric, task_directions(cfg)) == "max"


def check_direction(metric: str, cfg: Settings, key: str = "trainer.monitor") -> None:
    """Raises ConfigError for a metric without a direction, which nothing can be ranked by."""
    directions, own = task_directions(cfg), without_split(metric)
    if own in metric_directions(cfg) and directions[own] not in ("min", "max"):
        raise ConfigError(f"{key}={metric}: is a small or a large value better? Use metrics.{own}.direction=min|max.")
    with as_config_error():
        check_directed(metric, directions, key, str(cfg.task._target_).rpartition(".")[2])
