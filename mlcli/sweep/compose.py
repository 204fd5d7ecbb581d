"""Composes the trials of a sweep from their overrides."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from mlcli.config.check import check
from mlcli.config.errors import ConfigError, UnknownKey
from mlcli.config.job import as_typed
from mlcli.config.own_table import readable
from mlcli.config.quoting import text_of
from mlcli.config.settings import Settings, leaves
from mlcli.config.trials import TrialComposer
from mlcli.run import estimator, transfer
from mlcli.run.job import Job
from mlcli.sweep.reproduce import trial_command
from mlcli.sweep.trial import Trial
from mlcli.sweep.unknown_key import explain_unknown_key
from mlcli.sweep.variants import KEY as VARIANT


def compose_trials(
    loader: Any,
    sweep: DictConfig,
    all_overrides: Sequence[Sequence[str]],
    flags: Sequence[str],
    folder: Path,
    first: int = 0,
    earlier: Sequence[Sequence[str]] = (),
) -> list[Trial]:
    """The trials with their composed and checked configs, numbered from `first`. Raises ConfigError before anything
    is written.

    flags: those of the sweep's command that choose configs. earlier: the overrides of the sweep's previous trials; a
    key that differs from them is a swept key too.
    """
    composer = TrialComposer(loader, sweep)
    swept = _swept([*earlier, *all_overrides], _searched(sweep))
    trials = []
    for number, overrides in enumerate(all_overrides, first):
        try:
            overrides = composer.resolved(overrides)
            cfg = composer(overrides, number)
            check_trial(cfg)
        except UnknownKey as error:
            raise explain_unknown_key(composer, all_overrides, error) from error
        transfer.resolve_init_from(cfg)
        estimator.resolve_epochs(cfg)
        options = composer.options[composer.groups(overrides)]
        job = Job(
            cfg,
            list(overrides),
            folder / str(number),
            trial_command(overrides, cfg, options, flags),
            id=f"{folder.name}-{number}",
            parent=folder.name,
            trial=number,
            swept=_values(swept, overrides, cfg),
            options=options,
        )
        trials.append(Trial(number, job))
    _check_shared(trials)
    return trials


def _check_shared(trials: Sequence[Trial]) -> None:
    """Raises ConfigError if trials differ in a setting of the whole sweep."""
    first = _sweep_settings(trials[0].job.cfg)
    for trial in trials:
        for name, value in _sweep_settings(trial.job.cfg).items():
            if value != first.get(name):
                raise ConfigError(f"{name} applies to the whole sweep: its trials cannot differ in it.")


def _sweep_settings(cfg: Settings) -> dict[str, Any]:
    where = ("name", "uri", "experiment") if cfg.tracking.name != "none" else ("name",)
    tracking = {f"tracking.{key}": cfg.tracking[key] for key in where}
    return {"outputs": cfg.outputs, **tracking, **{f"sweep.{key}": value for key, value in cfg.sweep.items()}}


def check_trial(cfg: Settings) -> None:
    """Raises ConfigError for an invalid config, and for settings that a single run may have and a trial may not."""
    if isinstance(cfg.optimizer, dict) and cfg.optimizer.get("lr") == "auto":
        raise ConfigError("optimizer.lr=auto finds the learning rate of a single run: in a sweep, use numbers.")
    if cfg.trainer.repeats != 1:
        raise ConfigError("trainer.repeats needs hydra/sweeper=grid: with another one, sweep over trainer.seed.")
    check(cfg)


def _searched(sweep: DictConfig) -> set[str]:
    """The keys of a search, of which its first round may have one value only."""
    params: Any = OmegaConf.to_container(sweep.hydra.sweeper.get("params") or OmegaConf.create({}), resolve=False)
    texts = [f"{key}={value}" for key, value in params.items() if isinstance(value, str)]
    parsed = OverridesParser.create().parse_overrides(readable([*as_typed(sweep.hydra.overrides.task), *texts]))
    return {override.key_or_group for override in parsed if override.is_sweep_override()}


def _swept(all_overrides: Sequence[Sequence[str]], searched: Collection[str] = ()) -> list[str]:
    """The keys whose values differ between trials, or that are searched. The settings of a named variant are
    represented by its name."""
    values: dict[tuple[str, str | None], set[str]] = {}
    for overrides in all_overrides:
        pairs = dict(override.partition("=")[::2] for override in overrides)
        for key, value in pairs.items():
            within = pairs.get(VARIANT) if key != VARIANT else None
            values.setdefault((key, within), set()).add(value)
    return list(dict.fromkeys(key for (key, _), seen in values.items() if len(seen) > 1 or key in searched))


def _values(keys: Sequence[str], overrides: Sequence[str], cfg: Settings) -> dict[str, Any]:
    """This trial's values of these keys; an interpolation is resolved."""
    texts = dict(override.partition("=")[::2] for override in overrides)
    values = {}
    for key in filter(texts.__contains__, keys):
        name = key.lstrip("+")
        values[name] = dict(leaves(cfg)).get(name, texts[key]) if "${" in texts[key] else _plain(texts[key])
    return values


def _plain(text: str) -> Any:
    """A swept value as a number if it is one, else as text."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text_of(text)
