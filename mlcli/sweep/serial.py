"""The strategy `serial`: trials one after another. A failed trial is reported at once, and the others continue."""

import logging
from collections.abc import Sequence

from mlcli.config.errors import ConfigError
from mlcli.run.failure import RunFailed, first_line, is_interrupt
from mlcli.run.job import initial_record, run_name
from mlcli.run.lifecycle import train
from mlcli.store.folder import RunFolder
from mlcli.sweep.session import Session
from mlcli.sweep.trial import Trial
from mlcli.track.sweep_console import SweepConsole, TrialConsole

log = logging.getLogger("mlcli")


def run_serial(trials: Sequence[Trial], console: SweepConsole, session: Session, strategy: str = "serial") -> None:
    """Trains each trial as a separate run."""
    for trial in trials:
        name = run_name(trial.job)
        try:
            own = TrialConsole(console, trial.number, name)
            has_figures = trial.job.cfg.sweep.figures == "all"
            trial.result = train(trial.job, own, session.follow, session.save if has_figures else None)
            trial.status, trial.has_figures = "FINISHED", has_figures
        except RunFailed as error:
            trial.status, trial.reason = "FAILED", str(error)
        except BaseException as error:
            if is_interrupt(error):
                trial.status, trial.reason = "KILLED", "interrupted"
                raise
            record_failed_start(trial, error, session)
        console.end(trial.number, name, trial.status, trial.reason)


def record_failed_start(trial: Trial, error: BaseException, session: Session) -> None:
    """Creates the folder of a trial that failed before it had one, with the status and the reason."""
    if isinstance(error, ConfigError):
        trial.status, trial.reason = "FAILED", str(error)
    else:
        log.error("trial %s could not be built", trial.number, exc_info=error)
        trial.status, trial.reason = "FAILED", first_line(error)
    try:
        folder = RunFolder.create(trial.job.path, initial_record(trial.job))
    except ConfigError:  # the reason of the failure: the folder exists already or cannot be written
        return
    folder.write_config(trial.job.cfg, trial.job.overrides)
    folder.end("FAILED", trial.reason)
    session.follow(folder.path)
