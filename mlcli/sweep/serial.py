"""Trials one after another. One that fails is told at once, and the others go on."""

from collections.abc import Sequence

from mlcli.config.errors import ConfigError
from mlcli.run.folder import RunFolder
from mlcli.run.life import RunFailed, first_record, run_name, train
from mlcli.sweep.session import Session
from mlcli.sweep.trial import Trial
from mlcli.track.sweep_console import SweepConsole, TrialConsole


def run_serial(trials: Sequence[Trial], console: SweepConsole, session: Session, way: str = "serial") -> None:
    """Trains each trial as a run of its own."""
    for trial in trials:
        name = run_name(trial.job)
        try:
            own = TrialConsole(console, trial.number, name)
            trial.drawn = trial.job.cfg.sweep.figures == "all"
            trial.result = train(trial.job, own, session.follow, session.save if trial.drawn else None)
            trial.status = "FINISHED"
        except RunFailed as error:
            trial.status, trial.reason = "FAILED", str(error)
        except ConfigError as error:
            could_not_be_built(trial, error, session)
        except BaseException:
            trial.status, trial.reason = "KILLED", "interrupted"
            raise
        console.end(trial.number, name, trial.status, trial.reason)


def could_not_be_built(trial: Trial, error: ConfigError, session: Session) -> None:
    """Gives a trial that failed before it had a folder one that says so."""
    trial.status, trial.reason = "FAILED", str(error)
    folder = RunFolder.create(trial.job.path, first_record(trial.job))
    folder.write_config(trial.job.cfg, trial.job.overrides)
    folder.end("FAILED", str(error))
    session.follow(folder.path)
