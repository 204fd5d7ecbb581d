"""The strategy `processes`: trials in parallel processes, one per core."""

import signal
from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import wait
from typing import Any

from mlcli.config.child import safe_path
from mlcli.run.failure import first_line, is_interrupt
from mlcli.run.job import Job
from mlcli.sweep.child_process import Worker
from mlcli.sweep.serial import record_loss, show_end, train_silently
from mlcli.sweep.session import Session
from mlcli.sweep.trial import Trial
from mlcli.system import cores
from mlcli.track.sweep_console import SweepConsole

Outcome = tuple[str, str | None, dict[str, Any], bool]  # status, reason, result, has_figures


def run_in_processes(
    trials: Sequence[Trial], console: SweepConsole, session: Session, strategy: str = "processes"
) -> None:
    """Trains the trials in as many processes as there are cores, each with one thread.

    A killed process fails its own trial and is replaced. If it had not started its trial, the trial is retried once.
    """
    safe_path()
    waiting, retried = deque(trials), set[int]()
    idle: list[Worker] = []
    busy: dict[Any, tuple[Worker, Trial]] = {}  # by the worker's connection
    processes = min(cores(), len(trials))
    try:
        while waiting or busy:
            while waiting and len(busy) < processes:
                worker, trial = idle.pop() if idle else Worker(), waiting.popleft()
                busy[worker.connection] = worker, trial
                worker.call(_train, trial.number, trial.job)
            for connection in wait(list(busy)):
                worker, trial = busy.pop(connection)
                try:
                    outcome = worker.outcome()
                    idle.append(worker)
                except EOFError:
                    outcome = _exit_reason(worker.kill())
                    if not (trial.job.path / "run.json").exists() and trial.number not in retried:
                        retried.add(trial.number)
                        waiting.appendleft(trial)
                        continue
                _finish(trial, outcome, session)
                show_end(trial, console)
    except BaseException:
        for worker, trial in busy.values():
            worker.kill()
            record_loss(trial, "KILLED", "interrupted", session)
        raise
    finally:
        for worker in idle:
            worker.kill()


def _exit_reason(status: int) -> str:
    """Why a trial failed whose process ended with this exit status."""
    if status >= 0:
        return f"its process ended with exit status {status}"
    return f"its process was killed by {signal.Signals(-status).name}, perhaps because memory ran out"


def _finish(trial: Trial, outcome: Outcome | str, session: Session) -> None:
    """outcome: of the trial, or the reason why there is none."""
    if isinstance(outcome, str):
        record_loss(trial, "FAILED", outcome, session)
    else:
        trial.status, trial.reason, trial.result, trial.has_figures = outcome
        session.follow(trial.job.path)


def _train(number: int, job: Job) -> Outcome | str:
    """Runs in the worker, without a console."""
    job.cfg.device.threads = job.cfg.device.threads or 1
    try:
        trial = train_silently(number, job)
    except BaseException as error:
        if is_interrupt(error):
            raise
        return first_line(error)
    return trial.status, trial.reason, trial.result, trial.has_figures
