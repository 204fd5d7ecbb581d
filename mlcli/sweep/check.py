"""Checks of a sweep before anything is written: its trials can be built, and its metrics exist."""

import json
import logging
from collections.abc import Sequence

from mlcli.config.errors import ConfigError
from mlcli.run.build import Parts, build
from mlcli.run.failure import first_line, is_interrupt
from mlcli.run.job import run_name
from mlcli.run.metrics import check_metric, check_monitor
from mlcli.run.partitions import are_alike
from mlcli.sweep.grouping import group_trials
from mlcli.sweep.trial import Trial

log = logging.getLogger("mlcli")


def check_trials(trials: Sequence[Trial], folds: bool) -> dict[int, str]:
    """Builds one trial of each group. Returns the reason for each group that cannot be built, by the number of its
    first trial. Raises ConfigError if none can be built, for a metric that does not exist, and
    for a cross-validation (`folds`) that prunes folds or repeats identical ones.

    A group that cannot be built while others can be fails later, when its trials start.
    """
    if folds and trials[0].job.cfg.sweep.halving:
        raise ConfigError("sweep.halving would prune folds, and all of them count: use sweep.halving=false")
    latest: dict[str, Parts] = {}  # of the last group only: neighbours share data, and memory is for training
    refused: list[ConfigError] = []
    faults: dict[int, str] = {}
    groups = group_trials(trials)
    for trial, *_ in groups:
        cfg = trial.job.cfg
        key = json.dumps([cfg.data, cfg.split, cfg.model["_target_"], cfg.task["_target_"]], default=str)
        parts: Parts | None = None
        try:
            parts = build(cfg, latest[key].data if key in latest else None)
            check_monitor(cfg, parts)
            check_metric(cfg, parts, test_only=folds)
        except ConfigError as error:
            named = _with_trial_name(error, trial, trials)
            if parts is not None:
                raise named from error
            refused.append(named)
            faults[trial.number] = str(error)
            continue
        except (Exception, SystemExit) as error:
            if is_interrupt(error):
                raise
            log.debug("trial %s cannot be checked: %s", trial.number, first_line(error))
            faults[trial.number] = first_line(error)
            continue
        if folds and key not in latest:
            _check_repeats(trials, parts)
        latest = {key: parts}
    if len(refused) == len(groups):
        raise refused[0]
    return faults


def _with_trial_name(error: ConfigError, trial: Trial, trials: Sequence[Trial]) -> ConfigError:
    """The error, prefixed with the trial's number and name if the sweep has several trials."""
    return error if len(trials) == 1 else ConfigError(f"trial {trial.number} ({run_name(trial.job)}): {error}")


def _check_repeats(trials: Sequence[Trial], parts: Parts) -> None:
    """Raises ConfigError if every repeat would split these examples into the same folds."""
    cfg = trials[0].job.cfg
    seeds = {trial.job.cfg.split.seed for trial in trials}
    if len(seeds) > 1 and are_alike(parts.data, cfg, seeds):
        raise ConfigError(
            f"{len(seeds)} repeats: split.by={cfg.split.by} splits these examples into the same {cfg.split.folds} "
            f"folds each time, and every score would count {len(seeds)} times; use repeats=1"
        )
