"""Replaces renamed words (`mlcli.renamed`) in the values of a composed config: names of metrics, and overrides."""

import shlex
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from mlcli import renamed
from mlcli.config.locate import locate
from mlcli.metric.direction import is_stated
from mlcli.traits import task_traits


def replace_metrics(settings: dict[str, Any]) -> None:
    """Renames trainer.monitor and sweep.metric, unless the user's own task has a metric of the old name."""
    renamed.metric_names(settings, lambda metric: _is_own(settings.get("task"), metric), quiet=False)


def _is_own(task: Any, metric: str) -> bool:
    """Whether the task's class states a direction for the metric, as it must for its own metrics."""
    stated = task_traits(locate(task["_target_"])).directions if isinstance(task, dict) else {}
    return is_stated(metric, stated)


def replace_in(cfg: DictConfig) -> None:
    """Renames them in a config with Hydra's node, and the overrides of its sweeper."""
    stored: Any = OmegaConf.to_container(cfg, resolve=False)
    sweeper = stored["hydra"]["sweeper"]
    changed = {"hydra.sweeper.params": _params, "hydra.sweeper.variants": _variants}
    new = {f"hydra.sweeper.{name}": sweeper.get(name) for name in ("params", "variants")}
    new = {key: changed[key](value) for key, value in new.items() if isinstance(value, dict)}
    before = {key: _select(stored, key) for key in (*renamed.METRIC_KEYS, *new)}
    replace_metrics(stored)
    new |= {key: _select(stored, key) for key in renamed.METRIC_KEYS}
    with read_write(cfg), read_write(cfg.hydra), open_dict(cfg):
        for key, value in new.items():
            if value != before[key]:
                OmegaConf.update(cfg, key, value, merge=False)


def _select(stored: Any, key: str) -> Any:
    for name in key.split("."):
        stored = stored.get(name) if isinstance(stored, dict) else None
    return stored


def _params(params: dict[str, Any]) -> dict[str, Any]:
    """Swept values by key."""
    made: dict[str, Any] = {}
    for key, value in params.items():
        new, _, text = renamed.override(f"{key}={value}").partition("=")
        made[new] = text if isinstance(value, str) else value
    return made


def _variants(variants: dict[str, Any]) -> dict[str, Any]:
    """Several overrides in one text, by the variant's name."""
    made: dict[str, Any] = {}
    for name, text in variants.items():
        words = shlex.split(text or "")
        changed = [renamed.override(word) for word in words]
        made[name] = text if changed == words else shlex.join(changed)
    return made
