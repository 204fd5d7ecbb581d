"""mlcli's sweeper, launcher and schema, in the namespace package in which Hydra looks for plugins.

Hydra imports this file at every start, so it must not import torch; the work is done in `mlcli.sweep`.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper, BasicSweeperConf
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from mlcli.config.explain import composing
from mlcli.config.own_table import readable
from mlcli.config.register import register
from mlcli.sweep.grid import combinations, with_repeats
from mlcli.sweep.variants import expand_variant, with_variants


class GridSweeper(BasicSweeper):
    """Passes every combination of the swept values and the named variants to the launcher at once.

    Hydra's basic sweeper composes each trial here and again in the launcher, and writes before anything is checked.
    """

    def __init__(self, variants: Mapping[str, str | None], **settings: Any) -> None:
        super().__init__(**settings)
        self.variants = variants

    def sweep(self, arguments: list[str]) -> Any:
        assert self.hydra_context is not None and self.launcher is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        given = parser.parse_overrides(readable(with_variants(self.variants, [*self._parse_config(), *arguments])))
        trainer = self.config.trainer  # type: ignore[union-attr]  # set up
        all_given = with_repeats(given, self.variants.values(), trainer.repeats, trainer.seed)
        jobs = [expand_variant(self.variants, job) for job in combinations(parser.parse_overrides(all_given))]
        jobs = [readable(job) for job in jobs] if self.variants else jobs
        return self.launcher.launch(jobs, initial_job_idx=0)


class SweepLauncher(Launcher):
    """Trains the trials of a sweep by one strategy; a failed trial is reported and the others continue.

    All rounds that a sweeper launches belong to one sweep, which ends when the sweeper does.
    """

    def __init__(self, strategy: str, alone: Sequence[int] = ()) -> None:
        self.strategy = strategy  # the sweep reads `alone` from the config

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.loader = hydra_context.config_loader
        self.config = config
        self.session: Any = task_function  # mlcli.sweep.session.Session

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[Any]:
        from mlcli.config.gc_policy import collect_rarely

        collect_rarely()  # before torch is imported
        from mlcli.sweep.sweep import train_round

        return train_round(self.session, self.loader, self.config, self.strategy, job_overrides, initial_job_idx)


@dataclass
class GridConf(BasicSweeperConf):
    """variants: name → overrides, as typed; each is combined with every combination of `params`."""

    variants: dict[str, str | None] = field(default_factory=dict)
    _target_: str = "hydra_plugins.mlcli_sweep.plugins.GridSweeper"


@dataclass
class LauncherConf:
    """strategy: stack (trials that differ only in numbers train as one computation), auto (a stack if that is
    faster), serial (one by one), processes (one per core). alone: numbers of trials that are not part of a stack."""

    strategy: str
    alone: list[int] = field(default_factory=list)
    _target_: str = "hydra_plugins.mlcli_sweep.plugins.SweepLauncher"


def sweeper_of(config: DictConfig, context: HydraContext, task: Any) -> Sweeper:
    """The sweeper of the config, set up. `params` and `variants` of GridSweeper are not resolved here, because Hydra
    would resolve them by the config of the sweep instead of that of each trial.

    task: mlcli.sweep.session.Session. A launcher of another package becomes its `launcher`.
    """
    with composing():
        if config.hydra.launcher._target_ != LauncherConf._target_:
            config = _with_other_launcher(config, context, task)
        if config.hydra.sweeper._target_ != GridConf._target_:
            plugins = Plugins.instance()
            return plugins.instantiate_sweeper(config=config, hydra_context=context, task_function=task)
        settings: Any = OmegaConf.to_container(config.hydra.sweeper, resolve=False)
        sweeper = GridSweeper(**{name: settings[name] for name in ("variants", "max_batch_size", "params")})
        sweeper.setup(hydra_context=context, task_function=task, config=config)
        return sweeper


def _with_other_launcher(config: DictConfig, context: HydraContext, session: Any) -> DictConfig:
    """The config with mlcli's launcher, through which the one in the config trains the trials of the sweep."""
    from mlcli.sweep.launcher import OTHER, OtherLauncher

    session.launcher = OtherLauncher(config, context)
    config = copy.deepcopy(config)
    with read_write(config.hydra), open_dict(config.hydra):
        config.hydra.launcher = LauncherConf(OTHER)
    return config


register()
ConfigStore.instance().store(group="hydra/sweeper", name="grid", node=GridConf, provider="mlcli")
for strategy in ("auto", "stack", "serial", "processes"):
    node = LauncherConf(strategy)
    ConfigStore.instance().store(group="hydra/launcher", name=strategy, node=node, provider="mlcli")
