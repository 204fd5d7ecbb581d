"""Composes the configs of the trials of a sweep from their overrides, much faster than Hydra would one by one."""

import copy
import json
import pickle
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from omegaconf import DictConfig, OmegaConf

from mlcli.config.auto_task import TASK, task_of, with_options_of_data, with_task, without_task
from mlcli.config.compose import without_hydra
from mlcli.config.explain import composing, explained
from mlcli.config.job import as_typed, begin_job, chosen_options
from mlcli.config.override_cache import ComposedConfig, to_settings
from mlcli.config.settings import Settings
from mlcli.config.targets import allow_settings, bare_targets, drop_settings

OF_THE_JOB = re.compile(r"\$\{\s*hydra\s*:")


class TrialComposer:
    """Configs of many trials: one composition per choice of groups, then copies with the values of each trial. The
    result is identical to composing each trial alone, which a test verifies."""

    def __init__(self, hydra_loader: Any, sweep: DictConfig) -> None:
        self.loader = hydra_loader
        self.sweep = sweep
        self.parser = OverridesParser.create(config_loader=hydra_loader)
        self.parsed: dict[str, Override] = {}
        self.bases: dict[tuple[str, ...], bytes] = {}  # pickled configs with Hydra's node, by choice of groups
        self.options: dict[tuple[str, ...], dict[str, str]] = {}  # by groups: those of the config
        self.compositions: dict[tuple[str, ...], ComposedConfig] = {}  # of configs that do not refer to that node
        self.stated: dict[tuple[str, ...], list[str]] = {}  # by groups: further options that their data states
        self.tasks: dict[str, str] = {}  # what task=auto becomes, by the settings of the data
        self.typed = [
            text for text in as_typed(sweep.hydra.overrides.task) if not self._parse(text).is_sweep_override()
        ]

    def __call__(self, overrides: Sequence[str], number: int = 0) -> Settings:
        """The config of the trial with these overrides. Raises ConfigError."""
        return self._made(self.resolved(overrides), number)

    def resolved(self, overrides: Sequence[str]) -> list[str]:
        """The overrides with what the data of the trial states about other groups, and with the task that task=auto
        becomes. Raises ConfigError."""
        with explained():
            groups = self.groups(overrides)
            if groups not in self.stated:
                self.stated[groups] = with_options_of_data(groups)[len(groups) :]
            overrides = [*overrides, *self.stated[groups]]
            groups = self.groups(overrides)
            if groups not in self.bases:
                self._compose(groups, overrides)
        if self.options[groups].get(TASK) != "auto":
            return overrides
        cfg = self._made(without_task(overrides), 0)
        key = json.dumps(cfg.data, default=str)
        if key not in self.tasks:
            self.tasks[key] = task_of(cfg)
        return with_task(overrides, self.tasks[key])

    def _made(self, overrides: Sequence[str], number: int) -> Settings:
        with bare_targets(overrides), explained():
            overrides = allow_settings(overrides)
            groups = self.groups(overrides)
            if groups not in self.bases:
                self._compose(groups, overrides)
            values = [self.parsed[text] for text in overrides if text not in groups]
            composition = self.compositions.get(groups)
            if composition is None or OF_THE_JOB.search(" ".join(overrides)):
                made = self._of_the_job(pickle.loads(self.bases[groups]), values, overrides, number)
            else:
                made = composition(values)
        drop_settings(made, overrides)
        return made

    def groups(self, overrides: Sequence[str]) -> tuple[str, ...]:
        """The overrides that choose options of groups."""
        return tuple(text for text in overrides if self._is_group(self._parse(text)))

    def _of_the_job(self, cfg: DictConfig, values: list[Override], overrides: Sequence[str], number: int) -> Settings:
        """The settings of a trial where some refer to Hydra's settings, which differ between trials."""
        before = HydraConfig.instance().cfg
        try:
            folder = Path(self.sweep.hydra.sweep.dir) / str(number)
            self.loader._apply_overrides_to_config(values, cfg)
            begin_job(cfg, overrides, number, folder)
            return to_settings(without_hydra(copy.deepcopy(cfg)))
        finally:
            HydraConfig.instance().cfg = before

    def _compose(self, groups: tuple[str, ...], overrides: Sequence[str]) -> None:
        """Composes the base config of trials with these groups. It is the config of the sweep if that has these
        groups, and no values other than those that the trials override; otherwise it is composed, which is slower."""
        values = [self.parsed[text] for text in self.typed if text not in groups]
        again = {self.parsed[text].key_or_group for text in overrides}
        is_same = groups == tuple(text for text in self.typed if self._is_group(self.parsed[text]))
        if is_same and all(each.type == OverrideType.CHANGE and each.key_or_group in again for each in values):
            own = self.sweep
        else:
            with composing():
                own = self.loader.load_sweep_config(self.sweep, list(groups))
        self.bases[groups], self.options[groups] = pickle.dumps(own), chosen_options(own.hydra)
        cfg = without_hydra(pickle.loads(self.bases[groups]))
        if not OF_THE_JOB.search(str(OmegaConf.to_container(cfg))):
            self.compositions[groups] = ComposedConfig(cfg, self.loader._apply_overrides_to_config)

    def _parse(self, text: str) -> Override:
        if text not in self.parsed:
            (self.parsed[text],) = self.parser.parse_overrides([text])
        return self.parsed[text]

    def _is_group(self, override: Override) -> bool:
        is_group = override.package is not None or self.loader.repository.group_exists(override.key_or_group)
        return is_group or override.is_hydra_override()
