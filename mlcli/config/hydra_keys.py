"""Hydra's own settings (docs/hydra.md): each is applied, or refused if it would have no effect."""

import os
from typing import Any

from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from mlcli.config.errors import ConfigError
from mlcli.config.explain import explained
from mlcli.config.job import as_typed

OWN_LAUNCHER = "hydra_plugins.mlcli_sweep.plugins.SweepLauncher"
OWN_SWEEPER = "hydra_plugins.mlcli_sweep.plugins.GridSweeper"
STRATEGIES = ("auto", "stack", "serial", "processes")
NUMBERED = ("${hydra.job.num}", "${hydra:job.num}")  # the folder names of trials

# Set for each run; overrides of these would be overwritten.
SET = ("hydra.runtime", "hydra.overrides", "hydra.job.num", "hydra.job.id", "hydra.job.override_dirname",
       "hydra.job.config_name")  # fmt: skip
USE_LOG = "the log is train.log in the run's folder; use -v for more on the terminal"


def resolve_hydra_keys(cfg: DictConfig) -> None:
    """Sets the environment variables in hydra.job.env_set. Raises ConfigError for a setting without effect.

    Launchers of other packages run trials as Hydra's jobs, so settings that these read are allowed with them.
    """
    with explained():
        _check_typed(cfg)
        hydra = cfg.hydra
        sweep = hydra.mode == RunMode.MULTIRUN
        for key, changed, instead in _without_effect(hydra):
            if changed:
                raise ConfigError(f"{key} is not supported: {instead}.")
        if not sweep or hydra.launcher._target_ == OWN_LAUNCHER:
            for key, changed, instead in _without_effect_in_runs(hydra):
                if changed:
                    raise ConfigError(f"{key} is not supported: {instead}.")
        if hydra.launcher._target_ == OWN_LAUNCHER:
            _check_strategy(str(hydra.launcher.strategy))
        os.environ.update({str(name): str(value) for name, value in hydra.job.env_set.items()})


def _check_strategy(name: str) -> None:
    """Raises ConfigError for a name that is neither one of mlcli's strategies nor a function's dotted name."""
    if name not in STRATEGIES and "." not in name:
        raise ConfigError(f"hydra.launcher.strategy={name}: use one of {', '.join(STRATEGIES)}, or MODULE.FUNCTION.")


def _check_typed(cfg: DictConfig) -> None:
    for name in ("launcher", "sweeper"):
        if not OmegaConf.is_config(cfg.hydra[name]):
            raise ConfigError(f"hydra.{name}={cfg.hydra[name]}: a group is set with a slash, use hydra/{name}=….")
    for text in as_typed(cfg.hydra.overrides.hydra):
        key = text.lstrip("+~").partition("=")[0]
        if key.startswith(SET):
            raise ConfigError(f"{text}: {key} is set for each run; it can only be read, as in ${{hydra:job.num}}.")
        if text == "hydra.mode=RUN" and cfg.hydra.mode == RunMode.MULTIRUN:
            raise ConfigError("hydra.mode=RUN and a sweep exclude each other: leave out -m and trainer.repeats.")


def _without_effect(hydra: Any) -> list[tuple[str, bool, str]]:
    """Settings that have no effect: key, whether it was changed, and what to use instead."""
    choices = hydra.runtime.choices
    grid = hydra.sweeper._target_ == OWN_SWEEPER
    subdir = OmegaConf.to_container(hydra.sweep, resolve=False)["subdir"]  # type: ignore[call-overload,index]
    return [
        ("hydra.sweep.subdir", subdir not in NUMBERED, "trials are in the folders 0, 1, … of hydra.sweep.dir"),
        ("hydra.job.chdir", bool(hydra.job.chdir), "runs stay in the current folder and write to ${hydra:run.dir}"),
        ("hydra.hydra_logging", choices.get("hydra/hydra_logging") not in ("none", "disabled"), USE_LOG),
        ("hydra.sweeper.max_batch_size", grid and hydra.sweeper.max_batch_size is not None,
         "a sweep trains all of its trials in one round, and stacks are cut to fit into memory"),
    ]  # fmt: skip


def _without_effect_in_runs(hydra: Any) -> list[tuple[str, bool, str]]:
    """The same for settings that only jobs run by Hydra read, not mlcli's runs and launchers."""
    return [
        (
            "hydra.output_subdir",
            hydra.output_subdir is not None,
            "config.yaml is in the run's folder itself",
        ),
        ("hydra.verbose", bool(hydra.verbose), USE_LOG),
        ("hydra.job_logging", hydra.runtime.choices.get("hydra/job_logging") not in ("none", "disabled"), USE_LOG),
        (
            "hydra.callbacks",
            bool(hydra.callbacks),
            "a run's metrics are in its metrics.jsonl",
        ),
    ]
