"""What lets Hydra find mlcli's sweeper and launcher: it looks in this namespace package and nowhere else.

Hydra imports this file at every start, so it stays free of torch; the work is done in `mlcli.sweep`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper, BasicSweeperConf
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from mlcli.config.errors import ConfigError
from mlcli.sweep.variants import expand, sweep_over


class GridSweeper(BasicSweeper):
    """Every combination of the swept values, and of the named variants, handed to the launcher at once.

    Hydra's own composes each trial here and again in the launcher, and writes before anything was checked.
    """

    def __init__(self, variants: Mapping[str, str | None], **settings: Any) -> None:
        super().__init__(**settings)
        self.variants = variants

    def sweep(self, arguments: list[str]) -> Any:
        assert self.hydra_context is not None and self.launcher is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        swept = sweep_over(self.variants, [*self._parse_config(), *arguments])
        overrides = parser.parse_overrides(self._with_repeats(swept))
        batches = self.split_arguments(overrides, None)
        jobs = [expand(self.variants, job) for job in batches[0]]
        return self.launcher.launch(jobs, initial_job_idx=0)

    def _with_repeats(self, arguments: list[str]) -> list[str]:
        """trainer.repeats as what it stands for: a sweep over seeds."""
        assert self.config is not None
        repeats, first = self.config.trainer.repeats, self.config.trainer.seed
        if repeats == 1:
            return arguments
        if any(argument.startswith("trainer.seed=") and "," in argument for argument in arguments):
            raise ConfigError("trainer.repeats sweeps over seeds itself: leave out trainer.seed, or type one seed.")
        own = [each for each in arguments if not each.startswith(("trainer.repeats=", "trainer.seed="))]
        seeds = ",".join(str(seed) for seed in range(first, first + repeats))
        return [*own, f"trainer.seed={seeds}", "trainer.repeats=1"]


class SweepLauncher(Launcher):
    """Trains the trials of a sweep in one of mlcli's ways; a trial that fails is reported and the rest go on.

    A sweeper may launch round after round: they are one sweep, which ends when the sweeper does.
    """

    def __init__(self, way: str) -> None:
        self.way = way

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.loader = hydra_context.config_loader
        self.config = config
        self.session: Any = task_function  # mlcli.sweep.session.Session

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[Any]:
        from mlcli.config.garbage import collect_rarely

        collect_rarely()
        return self.session.train(self.loader, self.config, self.way, job_overrides, initial_job_idx)


@dataclass
class GridConf(BasicSweeperConf):
    """variants: name → overrides, as typed; each is tried with every combination of `params`."""

    variants: dict[str, str | None] = field(default_factory=dict)
    _target_: str = "hydra_plugins.mlcli_sweep.plugins.GridSweeper"


@dataclass
class LauncherConf:
    """way: stack (trials that differ only in numbers train as one computation), auto (if that is faster),
    serial (one by one), processes (one on each core)."""

    way: str
    _target_: str = "hydra_plugins.mlcli_sweep.plugins.SweepLauncher"


ConfigStore.instance().store(group="hydra/sweeper", name="grid", node=GridConf, provider="mlcli")
for way in ("auto", "stack", "serial", "processes"):
    node = LauncherConf(way)
    ConfigStore.instance().store(group="hydra/launcher", name=way, node=node, provider="mlcli")
