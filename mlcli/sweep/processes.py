"""Trials in processes of their own, one on each core."""

from collections.abc import Sequence
from typing import Any

from joblib import Parallel, delayed  # type: ignore[import-untyped]
from joblib.externals.loky import get_reusable_executor  # type: ignore[import-untyped]

from mlcli.config.child import safe_path
from mlcli.run import device as devices
from mlcli.run.life import Job, run_name
from mlcli.sweep.serial import run_serial
from mlcli.sweep.session import Session
from mlcli.sweep.trial import Trial
from mlcli.track.sweep_console import SweepConsole


def run_in_processes(
    trials: Sequence[Trial], console: SweepConsole, session: Session, way: str = "processes"
) -> None:
    """Trains each trial in one of as many processes as there are cores, each with one thread."""
    safe_path()
    by_number = {trial.number: trial for trial in trials}
    workers = Parallel(n_jobs=min(devices.cores(), len(trials)), return_as="generator_unordered")
    for number, status, reason, result in workers(delayed(_train)(trial.number, trial.job) for trial in trials):
        trial = by_number[number]
        trial.status, trial.reason, trial.result = status, reason, result
        session.follow(trial.job.path)
        console.end(number, run_name(trial.job), status, reason)
        if result:
            console.epoch(number, run_name(trial.job), trial.job.cfg.trainer.epochs, result["metrics"])
    get_reusable_executor().shutdown()


def _train(number: int, job: Job) -> tuple[int, str, str | None, dict[str, Any]]:
    """In the worker, where nobody watches."""
    job.cfg.device.threads = job.cfg.device.threads or 1
    trial = Trial(number, job)
    silent = SweepConsole(0, {number: job.cfg.trainer.epochs}, job.cfg.trainer.monitor, higher=False)
    run_serial([trial], silent, Session(job.command, level=0))
    return number, trial.status, trial.reason, trial.result
