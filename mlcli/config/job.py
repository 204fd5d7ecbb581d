"""Hydra's settings, `${hydra:…}`, of a run or trial; and overrides as they were typed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import get_overrides_dirname
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict, read_write


def begin_job(
    cfg: DictConfig, overrides: Sequence[str], number: int | None = None, folder: Path | None = None
) -> None:
    """Makes `${hydra:…}` refer to this run, or to the trial of this number, in this folder, as in Hydra's own jobs.

    override_dirname omits the overrides that refer to it, which would contain themselves.
    """
    names = cfg.hydra.job.config.override_dirname
    parsed = OverridesParser.create().parse_overrides([each for each in overrides if "override_dirname" not in each])
    task = [override for override in parsed if not override.is_hydra_override()]
    with read_write(cfg.hydra), open_dict(cfg.hydra):
        cfg.hydra.overrides.task = list(overrides)
        cfg.hydra.job.override_dirname = get_overrides_dirname(task, names.exclude_keys, names.item_sep, names.kv_sep)
        if number is not None:
            cfg.hydra.job.num, cfg.hydra.job.id = number, f"job_id_for_{number}"
        if folder is not None:
            cfg.hydra.runtime.output_dir = str(folder.absolute())
    HydraConfig.instance().set_config(cfg)


def chosen_options(hydra: Any) -> dict[str, str]:
    """The chosen option of each config group, without Hydra's own groups. hydra: Hydra's node of the config."""
    choices: Any = OmegaConf.to_container(hydra.runtime.choices)
    return {group: option for group, option in choices.items() if option and not group.startswith("hydra/")}


def as_typed(overrides: Any) -> list[str]:
    """A list of overrides in a config, such as `hydra.overrides.task`, as they were typed: an interpolation in one of
    them is resolved by the config of the run or trial that it is applied to."""
    return list(OmegaConf.to_container(overrides, resolve=False))  # type: ignore[arg-type]  # a list
