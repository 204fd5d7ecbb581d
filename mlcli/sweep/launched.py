"""The strategy of a sweep whose trials a launcher of another package trains; see `mlcli.sweep.launcher`."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mlcli.run.failure import RunFailed, first_line, is_interrupt
from mlcli.store.records import try_read_json
from mlcli.sweep.halving import NO_STACK
from mlcli.sweep.serial import record_loss, show_end
from mlcli.sweep.session import Session
from mlcli.sweep.trial import Trial
from mlcli.track.sweep_console import SweepConsole

log = logging.getLogger("mlcli")
INTERVAL = 0.5  # seconds between two looks at the folders of the trials
LOST = "its job ended without a result"


def run_launched(trials: Sequence[Trial], console: SweepConsole, session: Session, strategy: str = "") -> None:
    """Trains the trials by the session's launcher. Their outcome is what they recorded in their folders; a trial
    whose job ended without recording one has failed.

    Raises RunFailed if the launcher started none of them.
    """
    failure = LOST
    if trials[0].job.cfg.sweep.halving:
        console.note(NO_STACK)
    try:
        with _watched(trials, console, session):
            session.launcher.launch(trials)
    except BaseException as error:
        started = [trial for trial in trials if _status(trial)]
        if is_interrupt(error):
            for trial in started:
                record_loss(trial, "KILLED", "interrupted", session)
            raise
        log.exception("the launcher failed")
        failure = first_line(error)
        if not started:
            raise RunFailed(f"hydra/launcher={session.launcher.name}: {failure}") from error
    for trial in trials:
        if trial.status == "WAITING":
            _end(trial, failure, console, session)


@contextmanager
def _watched(trials: Sequence[Trial], console: SweepConsole, session: Session) -> Iterator[None]:
    """Delivers trials while they train, and reports those that have ended."""
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(trials, console, session, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _watch(trials: Sequence[Trial], console: SweepConsole, session: Session, ended: threading.Event) -> None:
    waiting, training = list(trials), list[Trial]()
    while not ended.wait(INTERVAL):
        started = [trial for trial in waiting if _status(trial)]
        for trial in started:
            session.follow(trial.job.path)
        waiting = [trial for trial in waiting if trial not in started]
        training += started
        over = [trial for trial in training if _status(trial) != "RUNNING"]
        for trial in over:
            _end(trial, LOST, console, session)
        training = [trial for trial in training if trial not in over]
        console.refresh()


def _end(trial: Trial, reason: str, console: SweepConsole, session: Session) -> None:
    record_loss(trial, "FAILED", reason, session)
    trial.has_figures = trial.status == "FINISHED" and trial.job.cfg.sweep.figures == "all"
    show_end(trial, console)


def _status(trial: Trial) -> str | None:
    """The status that the trial has recorded; None before it has started."""
    record = try_read_json(trial.job.path / "run.json")
    return None if record is None else str(record["status"])
