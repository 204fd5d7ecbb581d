"""Evaluates a finished run, on its own splits or on other data."""

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from mlcli import renamed
from mlcli.config.check import check
from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.config.errors import ConfigError, suggest, writing
from mlcli.config.paths import make_absolute
from mlcli.config.quoting import TEXTS, text_of
from mlcli.config.settings import Settings, resolved
from mlcli.run.figures import save_figures
from mlcli.run.finish import metrics_of, write_predictions
from mlcli.run.load import load_run, stored_config
from mlcli.run.trust import EVALUATION
from mlcli.store.find import find_run

ALLOWED = ("data", "split", "device")


def evaluate_run(
    text: str,
    outputs: Path,
    overrides: list[str],
    split: str | None,
    save: Path | None,
    changed_data: bool = False,
    config_dir: str | None = None,
) -> dict[str, float]:
    """Metrics of the run's best weights on a split of its own data, or of the data that the overrides describe.

    config_dir: a folder of configs besides the shipped ones and ./conf. changed_data: whether the run's own data may
    have changed since. Raises ConfigError.
    """
    if split not in (None, "train", "val", "test"):
        raise ConfigError(f"--split {split}: no such split.{suggest(split, ('train', 'val', 'test'))}")
    found = find_run(text, outputs)
    chosen = {override.partition("=")[0] for override in overrides}
    cfg = _with(
        stored_config(found.folder, [each for each in EVALUATION if each not in chosen]), overrides, config_dir
    )
    other_examples = any(override.startswith(("data", "split")) for override in overrides)
    parts = load_run(found.folder, cfg, own_examples=not other_examples, changed_data=changed_data)
    split = split or parts.data.evaluation_split
    if len(parts.data.splits[split]) == 0:
        raise ConfigError(f"--split {split}: this run has no such examples; use another split.")
    evaluation = parts.task.evaluate(split, full=True)
    if save is not None:
        with writing(save):
            write_predictions(save / f"{split}.csv", evaluation)
            save_figures(evaluation.plots, f"figures of the {split} split", found.record, save)
    return metrics_of(evaluation, split)


def _with(cfg: Settings, overrides: list[str], config_dir: str | None) -> Settings:
    """The run's config with overrides: a group is composed again, a value is set in the stored config."""
    overrides = [renamed.override(text) for text in overrides]
    for override in overrides:
        key, equals, _ = override.partition("=")
        group = key.partition(".")[0]
        if not equals or group not in ALLOWED:
            raise ConfigError(f"{override}: evaluate takes only data=…, data.key=…, split.key=… and device=….")
    groups = [override for override in overrides if "." not in override.partition("=")[0]]
    values = [override for override in overrides if override not in groups]
    if groups:
        with hydra_session(config_dir) as hydra:
            composed = to_run(compose(hydra, groups, resolve=False))
        for override in groups:
            group = override.partition("=")[0]
            cfg[group] = composed[group]
    for override in values:
        _set(cfg, override)
    if overrides:
        make_absolute(cfg)
        check(cfg, EVALUATION)
    return cfg


def _set(cfg: Settings, override: str) -> None:
    """Sets a value of the config, given as text. Raises ConfigError for a key that it does not have."""
    key = override.partition("=")[0]
    *parents, name = key.split(".")
    node: Any = cfg
    for parent in parents:
        node = node.get(parent, {})
        if not isinstance(node, Settings):
            break
    if not isinstance(node, Settings) or name not in node:
        raise ConfigError(f"There is no {key} in this run's config.")
    node[name] = _value(override, key in TEXTS or isinstance(node[name], str))


def _value(override: str, is_text: bool) -> Any:
    """The value of an override, read as YAML. is_text: of a setting that is a text, which is taken as typed."""
    key, _, text = override.partition("=")
    if "${" not in text and is_text and text.lower() not in ("null", ""):
        return text_of(text)
    try:
        value = resolved(OmegaConf.from_dotlist([override]))
    except (YAMLError, OmegaConfBaseException) as error:
        raise ConfigError(f"{override}: cannot be read as YAML ({' '.join(str(error).split())})") from error
    for name in key.split("."):
        value = value[name]
    return value
