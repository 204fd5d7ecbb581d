"""What lets Hydra find mlcli's sweeper and launcher: it looks in this namespace package and nowhere else.

Hydra imports this file at every start, so it stays free of torch; the work is done in `mlcli.sweep`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper, BasicSweeperConf
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class GridSweeper(BasicSweeper):
    """Every combination of the swept values, handed to the launcher at once.

    Hydra's own composes each trial here and again in the launcher, and writes before anything was checked.
    """

    def sweep(self, arguments: list[str]) -> Any:
        assert self.hydra_context is not None and self.launcher is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        overrides = parser.parse_overrides([*self._parse_config(), *arguments])
        batches = self.split_arguments(overrides, None)
        return self.launcher.launch(batches[0], initial_job_idx=0)


class SerialLauncher(Launcher):
    """One trial after another in this process; a trial that fails is reported and the rest go on."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.loader = hydra_context.config_loader
        self.config = config
        self.session = task_function

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[Any]:
        from mlcli.sweep.serial import launch

        return launch(self.loader, self.config, job_overrides, self.session)


@dataclass
class GridConf(BasicSweeperConf):
    _target_: str = "hydra_plugins.mlcli_sweep.plugins.GridSweeper"


@dataclass
class SerialConf:
    _target_: str = "hydra_plugins.mlcli_sweep.plugins.SerialLauncher"


ConfigStore.instance().store(group="hydra/sweeper", name="grid", node=GridConf, provider="mlcli")
ConfigStore.instance().store(group="hydra/launcher", name="serial", node=SerialConf, provider="mlcli")
