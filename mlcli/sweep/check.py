"""What is known of a sweep before anything is written: that its trials can be built, and their metrics."""

import json
import logging
from collections.abc import Sequence

from mlcli.config.errors import ConfigError
from mlcli.run.build import Parts, build
from mlcli.run.failure import first_line, is_interrupt
from mlcli.run.lifecycle import run_name
from mlcli.run.metrics import check_metric, check_monitor
from mlcli.run.partitions import are_alike
from mlcli.sweep.grouping import group_trials
from mlcli.sweep.trial import Trial

log = logging.getLogger("mlcli")


def check_trials(trials: Sequence[Trial], folds: bool) -> None:
    """Builds one trial of each kind. Raises ConfigError if none can be built, for a metric that will not be there,
    and for a cross-validation (`folds`) that prunes folds or repeats equal ones.

    A kind that cannot be built while others can fails when its turn comes.
    """
    if folds and trials[0].job.cfg.sweep.halving:
        raise ConfigError("sweep.halving would prune folds, and all of them count: use sweep.halving=false")
    prepared: dict[str, Parts] = {}
    refused: list[ConfigError] = []
    kinds = group_trials(trials)
    for trial, *_ in kinds:
        cfg = trial.job.cfg
        key = json.dumps([cfg.data, cfg.split, cfg.model["_target_"]], default=str)
        parts: Parts | None = None
        try:
            parts = build(cfg, prepared[key].data if key in prepared else None)
            check_monitor(cfg, parts)
            check_metric(cfg, parts, judged_alone=folds)
        except ConfigError as error:
            told = _of_trial(error, trial, trials)
            if parts is not None:
                raise told from error
            refused.append(told)
            continue
        except (Exception, SystemExit) as error:
            if is_interrupt(error):
                raise
            log.debug("trial %s cannot be checked: %s", trial.number, first_line(error))
            continue
        if folds and key not in prepared:
            _check_repeats(trials, parts)
        prepared = {key: parts}  # of the last alone: neighbours have the same, and memory is for training
    if len(refused) == len(kinds):
        raise refused[0]


def _of_trial(error: ConfigError, trial: Trial, trials: Sequence[Trial]) -> ConfigError:
    """The same error, with the trial's name where there are several."""
    return error if len(trials) == 1 else ConfigError(f"trial {trial.number} ({run_name(trial.job)}): {error}")


def _check_repeats(trials: Sequence[Trial], parts: Parts) -> None:
    """Raises ConfigError where every repeat would divide these examples into the same folds."""
    cfg = trials[0].job.cfg
    seeds = {trial.job.cfg.split.seed for trial in trials}
    if len(seeds) > 1 and are_alike(parts.data, cfg, seeds):
        raise ConfigError(
            f"{len(seeds)} repeats: split.by={cfg.split.by} divides these examples into the same {cfg.split.folds} "
            f"folds each time, and every score would count {len(seeds)} times; use repeats=1"
        )
