"""Trials one after another. One that fails is reported at once, and the others go on."""

import logging
from collections.abc import Sequence

from mlcli.config.errors import ConfigError
from mlcli.run.failure import RunFailed, first_line, is_interrupt
from mlcli.run.lifecycle import first_record, run_name, train
from mlcli.store.folder import RunFolder
from mlcli.sweep.session import Session
from mlcli.sweep.trial import Trial
from mlcli.track.sweep_console import SweepConsole, TrialConsole

log = logging.getLogger("mlcli")


def run_serial(trials: Sequence[Trial], console: SweepConsole, session: Session, way: str = "serial") -> None:
    """Trains each trial as a run of its own."""
    for trial in trials:
        name = run_name(trial.job)
        try:
            own = TrialConsole(console, trial.number, name)
            drawn = trial.job.cfg.sweep.figures == "all"
            trial.result = train(trial.job, own, session.follow, session.save if drawn else None)
            trial.status, trial.drawn = "FINISHED", drawn
        except RunFailed as error:
            trial.status, trial.reason = "FAILED", str(error)
        except BaseException as error:
            if is_interrupt(error):
                trial.status, trial.reason = "KILLED", "interrupted"
                raise
            record_failed_start(trial, error, session)
        console.end(trial.number, name, trial.status, trial.reason)


def record_failed_start(trial: Trial, error: BaseException, session: Session) -> None:
    """Records a trial that failed before it had a folder, in one that says so."""
    if isinstance(error, ConfigError):
        trial.status, trial.reason = "FAILED", str(error)
    else:
        log.error("trial %s could not be built", trial.number, exc_info=error)
        trial.status, trial.reason = "FAILED", first_line(error)
    try:
        folder = RunFolder.create(trial.job.path, first_record(trial.job))
    except ConfigError:  # which is why it failed: the folder is taken, or cannot be written
        return
    folder.write_config(trial.job.cfg, trial.job.overrides)
    folder.end("FAILED", trial.reason)
    session.follow(folder.path)
