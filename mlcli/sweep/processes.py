"""Trials in processes of their own, one on each core."""

import re
from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Any

from joblib.externals.loky import ProcessPoolExecutor  # type: ignore[import-untyped]

from mlcli.config.child import safe_path
from mlcli.config.errors import ConfigError
from mlcli.run import device as devices
from mlcli.run.failure import first_line
from mlcli.run.folder import RunFolder, read_json
from mlcli.run.life import Job, run_name
from mlcli.sweep.serial import could_not_be_built, run_serial
from mlcli.sweep.session import Session
from mlcli.sweep.trial import Trial
from mlcli.track.sweep_console import SweepConsole

# For what a trial computes with other libraries than torch, as many processes as there are cores.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
Outcome = tuple[str, str | None, dict[str, Any], bool]  # status, reason, result, whether it has figures


@dataclass
class Worker:
    """One process and the trial that it trains. A pool of one: where a process of many is killed, all of them end."""

    pool: Any = field(default_factory=lambda: ProcessPoolExecutor(1, env=dict.fromkeys(THREADS, "1")))
    trial: Trial | None = None

    def start(self, trial: Trial) -> "Future[Outcome]":
        self.trial = trial
        started: Future[Outcome] = self.pool.submit(_train, trial.number, trial.job)
        return started

    def end(self) -> None:
        self.pool.shutdown(wait=True, kill_workers=True)


def run_in_processes(
    trials: Sequence[Trial], console: SweepConsole, session: Session, way: str = "processes"
) -> None:
    """Trains each trial in one of as many processes as there are cores, each with one thread. A process that is
    killed fails its own trial, and another takes its place; one that had not begun its trial is given it again."""
    safe_path()
    waiting, again = deque(trials), set[int]()
    idle = [Worker() for _ in range(min(devices.cores(), len(trials)))]
    busy: dict[Future[Outcome], Worker] = {}
    try:
        while waiting or busy:
            while waiting and idle:
                worker = idle.pop()
                busy[worker.start(waiting.popleft())] = worker
            for future in wait(busy, return_when=FIRST_COMPLETED).done:
                worker = busy.pop(future)
                trial, error = worker.trial, future.exception()
                assert trial is not None
                if error is not None:
                    worker.end()
                    worker = Worker()
                idle.append(worker)
                begun = (trial.job.path / "run.json").exists()
                if isinstance(error, BrokenProcessPool) and not begun and trial.number not in again:
                    again.add(trial.number)
                    waiting.appendleft(trial)
                    continue
                _ended(trial, future, session)
                _show(trial, console)
    except BaseException:
        for worker in busy.values():
            worker.end()
            assert worker.trial is not None
            _lost(worker.trial, "KILLED", "interrupted", session)
        raise
    finally:
        for worker in [*idle, *busy.values()]:
            worker.end()


def _ended(trial: Trial, future: "Future[Outcome]", session: Session) -> None:
    error = future.exception()
    if error is None:
        trial.status, trial.reason, trial.result, trial.drawn = future.result()
        session.follow(trial.job.path)
    elif isinstance(error, BrokenProcessPool):
        signal = re.search(r"SIG[A-Z]+", str(error))
        reason = f"its process was killed{f' by {signal[0]}' if signal else ''}, perhaps for want of memory"
        _lost(trial, "FAILED", reason, session)
    else:
        _lost(trial, "FAILED", first_line(error), session)


def _lost(trial: Trial, status: str, reason: str, session: Session) -> None:
    """Records the end of a trial whose process cannot any more, unless it had done so itself."""
    folder = RunFolder(trial.job.path)
    trial.status, trial.reason = status, reason
    if not (folder.path / folder.record_name).exists():
        if status == "FAILED":
            could_not_be_built(trial, ConfigError(reason), session)
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


def _train(number: int, job: Job) -> Outcome:
    """In the worker, where nobody watches."""
    job.cfg.device.threads = job.cfg.device.threads or 1
    trial = Trial(number, job)
    silent = SweepConsole(0, {number: job.cfg.trainer.epochs}, job.cfg.trainer.monitor, higher=False)
    run_serial([trial], silent, Session(job.command, level=0))
    return trial.status, trial.reason, trial.result, trial.drawn
