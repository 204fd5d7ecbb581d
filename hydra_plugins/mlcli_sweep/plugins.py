"""What lets Hydra find mlcli's sweeper and launcher: it looks in this namespace package and nowhere else.

Hydra imports this file at every start, so it stays free of torch; the work is done in `mlcli.sweep`.
"""

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
from omegaconf import DictConfig, OmegaConf

from mlcli.config.explain import composing
from mlcli.sweep.grid import combinations, with_repeats
from mlcli.sweep.variants import expand_variant, with_variants


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
        given = parser.parse_overrides(with_variants(self.variants, [*self._parse_config(), *arguments]))
        trainer = self.config.trainer  # type: ignore[union-attr]  # set up
        all_given = with_repeats(given, self.variants.values(), trainer.repeats, trainer.seed)
        jobs = [expand_variant(self.variants, job) for job in combinations(parser.parse_overrides(all_given))]
        return self.launcher.launch(jobs, initial_job_idx=0)


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
        from mlcli.config.gc_policy import collect_rarely

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


def sweeper_of(config: DictConfig, context: HydraContext, task: TaskFunction) -> Sweeper:
    """The sweeper that the config names, set up. Of GridSweeper, `params` and `variants` stay as they were typed:
    Hydra resolves what it instantiates, by the config of the sweep and not by that of each trial."""
    with composing():
        if config.hydra.sweeper._target_ != GridConf._target_:
            plugins = Plugins.instance()
            return plugins.instantiate_sweeper(config=config, hydra_context=context, task_function=task)
        settings: Any = OmegaConf.to_container(config.hydra.sweeper, resolve=False)
        sweeper = GridSweeper(**{name: settings[name] for name in ("variants", "max_batch_size", "params")})
        sweeper.setup(hydra_context=context, task_function=task, config=config)
        return sweeper


ConfigStore.instance().store(group="hydra/sweeper", name="grid", node=GridConf, provider="mlcli")
for way in ("auto", "stack", "serial", "processes"):
    node = LauncherConf(way)
    ConfigStore.instance().store(group="hydra/launcher", name=way, node=node, provider="mlcli")
