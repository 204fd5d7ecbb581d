"""Evaluates a finished run, on its own splits or on other data."""

from pathlib import Path

from mlcli import renamed
from mlcli.config.check import check
from mlcli.config.errors import ConfigError, suggest, writing
from mlcli.config.settings import Settings
from mlcli.run.figures import save_figures
from mlcli.run.finish import metrics_of, write_predictions
from mlcli.run.load import load_run, stored_config
from mlcli.run.stored_overrides import override
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
    chosen = {text.partition("=")[0] for text in overrides}
    cfg = _with(
        stored_config(found.folder, [each for each in EVALUATION if each not in chosen]), overrides, config_dir
    )
    other_examples = any(text.startswith(("data", "split")) for text in overrides)
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
    """The run's config with overrides of what an evaluation may change."""
    overrides = [renamed.override(text) for text in overrides]
    for text in overrides:
        key, equals, _ = text.partition("=")
        if not equals or key.partition(".")[0] not in ALLOWED:
            raise ConfigError(f"{text}: evaluate takes only data=…, data.key=…, split.key=… and device=….")
    override(cfg, overrides, config_dir)
    if overrides:
        check(cfg, EVALUATION)
    return cfg
