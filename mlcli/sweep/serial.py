"""The strategy `serial`: trials one after another. A failed trial is reported at once, and the others continue."""

import logging
from collections.abc import Sequence

from mlcli.config.errors import ConfigError
from mlcli.run.failure import RunFailed, first_line, is_interrupt
from mlcli.run.job import Job, initial_record, run_name
from mlcli.run.lifecycle import train
from mlcli.store.folder import RunFolder
from mlcli.store.records import read_json
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


def train_silently(number: int, job: Job) -> Trial:
    """Trains one trial in a process that is not the sweep's, which reports and delivers it."""
    trial = Trial(number, job)
    silent = _Silent(0, {number: job.cfg.trainer.epochs}, job.cfg.trainer.monitor, higher=False)
    run_serial([trial], silent, Session(job.command, level=0))
    return trial


class _Silent(SweepConsole):
    """Prints nothing, not even failures."""

    def _print(self, text: str) -> None: ...


def record_loss(trial: Trial, status: str, reason: str, session: Session) -> None:
    """Records the end of a trial whose process ended without recording it."""
    folder = RunFolder(trial.job.path)
    trial.status, trial.reason = status, reason
    if not (folder.path / folder.record_name).exists():
        if status == "FAILED":
            record_failed_start(trial, ConfigError(reason), session)
        return
    if folder.record()["status"] == "RUNNING":
        folder.end(status, reason)
    record = folder.record()
    trial.status, trial.reason = record["status"], record["reason"]
    if trial.status == "FINISHED":
        trial.result = read_json(folder.path / "result.json")
    session.follow(folder.path)


def show_end(trial: Trial, console: SweepConsole) -> None:
    """Reports the end of a trial that another process trained."""
    name = run_name(trial.job)
    console.end(trial.number, name, trial.status, trial.reason)
    if trial.result:
        console.epoch(trial.number, name, trial.job.cfg.trainer.epochs, trial.result["metrics"])
