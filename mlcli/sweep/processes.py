"""Trials in processes of their own, one on each core."""

import signal
from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import wait
from typing import Any

from mlcli.config.child import safe_path
from mlcli.config.errors import ConfigError
from mlcli.machine import device as devices
from mlcli.run.failure import first_line, is_interrupt
from mlcli.run.lifecycle import Job, run_name
from mlcli.store.folder import RunFolder, read_json
from mlcli.sweep.child_process import Worker
from mlcli.sweep.serial import record_failed_start, run_serial
from mlcli.sweep.session import Session
from mlcli.sweep.trial import Trial
from mlcli.track.sweep_console import SweepConsole

Outcome = tuple[str, str | None, dict[str, Any], bool]  # status, reason, result, whether it has figures


def run_in_processes(
    trials: Sequence[Trial], console: SweepConsole, session: Session, way: str = "processes"
) -> None:
    """Trains each trial in one of as many processes as there are cores, each with one thread. A process that is
    killed fails its own trial, and another takes its place; one that had not begun its trial is given it again."""
    safe_path()
    waiting, again = deque(trials), set[int]()
    idle: list[Worker] = []
    busy: dict[Any, tuple[Worker, Trial]] = {}  # by the worker's connection
    most = min(devices.cores(), len(trials))
    try:
        while waiting or busy:
            while waiting and len(busy) < most:
                worker, trial = idle.pop() if idle else Worker(), waiting.popleft()
                busy[worker.connection] = worker, trial
                worker.call(_train, trial.number, trial.job)
            for connection in wait(list(busy)):
                worker, trial = busy.pop(connection)
                try:
                    outcome = worker.outcome()
                    idle.append(worker)
                except EOFError:
                    outcome = _killed(worker.end())
                    if not (trial.job.path / "run.json").exists() and trial.number not in again:
                        again.add(trial.number)
                        waiting.appendleft(trial)
                        continue
                _ended(trial, outcome, session)
                _show(trial, console)
    except BaseException:
        for worker, trial in busy.values():
            worker.end()
            _lost(trial, "KILLED", "interrupted", session)
        raise
    finally:
        for worker in idle:
            worker.end()


def _killed(status: int) -> str:
    """The reason of a trial whose process ended with this exit status."""
    if status >= 0:
        return f"its process ended with exit status {status}"
    return f"its process was killed by {signal.Signals(-status).name}, perhaps for want of memory"


def _ended(trial: Trial, outcome: Outcome | str, session: Session) -> None:
    """outcome: a string is the reason why there is none."""
    if isinstance(outcome, str):
        _lost(trial, "FAILED", outcome, session)
    else:
        trial.status, trial.reason, trial.result, trial.drawn = outcome
        session.follow(trial.job.path)


def _lost(trial: Trial, status: str, reason: str, session: Session) -> None:
    """Records the end of a trial whose process cannot any more, unless it had done so itself."""
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


def _show(trial: Trial, console: SweepConsole) -> None:
    name = run_name(trial.job)
    console.end(trial.number, name, trial.status, trial.reason)
    if trial.result:
        console.epoch(trial.number, name, trial.job.cfg.trainer.epochs, trial.result["metrics"])


class _Silent(SweepConsole):
    """Of a worker: the parent says what became of its trial."""

    def _print(self, text: str) -> None: ...


def _train(number: int, job: Job) -> Outcome | str:
    """In the worker, where nobody watches."""
    job.cfg.device.threads = job.cfg.device.threads or 1
    trial = Trial(number, job)
    silent = _Silent(0, {number: job.cfg.trainer.epochs}, job.cfg.trainer.monitor, higher=False)
    try:
        run_serial([trial], silent, Session(job.command, level=0))
    except BaseException as error:
        if is_interrupt(error):
            raise
        return first_line(error)
    return trial.status, trial.reason, trial.result, trial.drawn
