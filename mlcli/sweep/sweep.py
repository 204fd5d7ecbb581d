"""A sweep from its first trial to its report, whichever way the trials train and in however many rounds they come."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig

from mlcli.config.check import locate
from mlcli.machine import device as devices
from mlcli.run.conclusion import conclude
from mlcli.run.directions import is_higher_better, stated
from mlcli.run.draw import draw_run
from mlcli.run.failure import RunFailed, first_line, is_interrupt
from mlcli.run.figures import Save, tolerated
from mlcli.run.finished_run import FinishedRun
from mlcli.run.lifecycle import logged
from mlcli.store.folder import RunFolder, write_json
from mlcli.sweep.check import check_trials
from mlcli.sweep.compose import compose_trials
from mlcli.sweep.crossval import crossval, is_crossval
from mlcli.sweep.plot_pool import PlotPool
from mlcli.sweep.plots import SCORED
from mlcli.sweep.processes import run_in_processes
from mlcli.sweep.report import rank, report, row
from mlcli.sweep.serial import run_serial
from mlcli.sweep.session import Session
from mlcli.sweep.stacks import run_stacks
from mlcli.sweep.start import start_sweep
from mlcli.sweep.trial import Trial
from mlcli.track.sweep_console import SweepConsole

STRATEGIES = {"auto": run_stacks, "stack": run_stacks, "serial": run_serial, "processes": run_in_processes}


class Sweep:
    """One folder for all rounds that a sweeper of Hydra proposes: trials are numbered through and reported together.

    The folder is made by the first round, and `close` ends it.
    """

    def __init__(self, loader: Any, cfg: DictConfig, session: Session, way: str) -> None:
        self.loader = loader
        self.cfg = cfg
        self.session = session
        self.way, self.strategy = way, _strategy(way)
        self.trials: list[Trial] = []
        self.record: RunFolder | None = None
        self._open = ExitStack()  # the sweep's log, and the processes that draw

    def train(self, all_overrides: Sequence[Sequence[str]], first: int = 0) -> list[JobReturn]:
        """Trains a round of trials, numbered from `first` or from the end of the last round, whichever is later.

        Raises ConfigError, with nothing written by this round, if any of them has a config that cannot be.
        """
        folder = Path(self.cfg.hydra.sweep.dir)
        first = max(first, 1 + max((trial.number for trial in self.trials), default=-1))
        command = self.session.command
        earlier = [trial.job.overrides for trial in self.trials]
        trials = compose_trials(self.loader, self.cfg, all_overrides, command, folder, first, earlier)
        check_trials(trials, is_crossval(trials))
        if self.record is None:
            self._start(folder, trials)
        assert self.record is not None
        self.trials += trials
        self.console.add({trial.number: trial.job.cfg.trainer.epochs for trial in trials})
        self.strategy(trials, self.console, self.session, self.way)
        if self.trials != trials:
            write_json(self.record.path / "sweep.json", self.record.record() | {"trials": len(self.trials)})
            report(self.record, self.trials, None)
        return [_returned(trial) for trial in trials]

    def _start(self, folder: Path, trials: Sequence[Trial]) -> None:
        first = trials[0].job
        monitor = first.cfg.trainer.monitor
        self.console = SweepConsole(self.session.level, {}, monitor, is_higher_better(first.cfg, monitor))
        self.record = start_sweep(folder, first, len(trials), self.session.command)
        self.session.follow(self.record.path)
        self._open.enter_context(logged(self.record.path / "train.log"))
        drawer = self._open.enter_context(PlotPool(devices.cores(), soon=first.cfg.tracking.figures))
        self.session = replace(self.session, save=drawer.save)

    def close(self, error: BaseException | None = None) -> None:
        """Reports, and records how the sweep ended; `error` is what ended it early."""
        if self.record is None:
            return
        status, reason = _outcome(self.trials, error)
        try:
            with self._open:
                self.console.stop()
                # Once more: it delivers what has ended while this process reports and plots.
                self.session.follow(self.record.path)
                self._report(self.record, self.session.save)
                if error is None:
                    runs = [_finished_run(trial) for trial in self.trials]
                    conclude(self.trials[0].job.cfg, runs, self.record, self.session.save)
        finally:
            self.record.end(status, reason)

    def _report(self, record: RunFolder, save: Save) -> None:
        _draw_best(record, self.trials, save)
        folds = is_crossval(self.trials)
        if folds:
            crossval(record, self.trials, save)
        report(record, self.trials, None if folds else save)


def _strategy(name: str) -> Callable[..., Any]:
    """One of STRATEGIES, or a function of the user's own by its dotted name. Raises ConfigError if there is none."""
    return STRATEGIES.get(name) or locate(name, "hydra.launcher.way")


def _outcome(trials: Sequence[Trial], error: BaseException | None) -> tuple[str, str | None]:
    """The status of a sweep and the reason: it has failed where none of its trials has a result."""
    if error is not None and is_interrupt(error):
        return "KILLED", "interrupted"
    if error is not None and not isinstance(error, RunFailed):  # which a sweeper raises for a trial that failed
        return "FAILED", first_line(error)
    if any(trial.status in SCORED for trial in trials):
        return "FINISHED", None
    return "FAILED", f"none of {len(trials)} trials finished"


def _returned(trial: Trial) -> JobReturn:
    """What a sweeper of Hydra sees of a trial: the metric that the sweep compares, or the failure, which is raised
    when its return_value is read."""
    cfg = trial.job.cfg
    metric = cfg.sweep.metric or cfg.trainer.monitor
    ended = JobReturn(overrides=trial.job.overrides, working_dir=str(trial.job.path), task_name="mlcli")
    if trial.status in SCORED and metric in trial.result["metrics"]:
        ended.status, ended.return_value = JobStatus.COMPLETED, trial.result["metrics"][metric]
    else:
        reason = trial.reason or f"no {metric} in its result"
        ended.status, ended.return_value = JobStatus.FAILED, RunFailed(f"trial {trial.number}: {reason}")
    return ended


def _finished_run(trial: Trial) -> FinishedRun:
    job, metrics = trial.job, trial.result.get("metrics", {})
    return FinishedRun(RunFolder(job.path), job.cfg, trial.status, job.swept, metrics, trial.reason)


def _draw_best(sweep: RunFolder, trials: Sequence[Trial], save: Save) -> None:
    """Draws the figures of the best trials that have none yet, and writes down which trials have some."""
    cfg = trials[0].job.cfg
    if not cfg.tracking.figures:
        return
    if cfg.sweep.figures != "all":
        by_number = {trial.number: trial for trial in trials}
        finished = [row(trial) for trial in trials if trial.status == "FINISHED"]
        for best in rank(finished, cfg.trainer.monitor, stated(cfg))[: cfg.sweep.figures]:
            trial = by_number[best["trial"]]
            if not trial.drawn:
                with tolerated(f"figures of trial {trial.number}"):
                    draw_run(RunFolder(trial.job.path), save)
                    trial.drawn = True
    write_json(sweep.path / sweep.record_name, sweep.record() | {"drawn": [t.number for t in trials if t.drawn]})
