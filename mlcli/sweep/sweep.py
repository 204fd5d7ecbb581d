"""A sweep from its first trial to its report, for any strategy and any number of rounds of trials."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig

from mlcli.config.locate import locate
from mlcli.machine import device as devices
from mlcli.metric.comparison import context, differing
from mlcli.run.baseline import BASELINE, boosting_scores
from mlcli.run.conclusion import conclude
from mlcli.run.data import build_data
from mlcli.run.directions import is_higher_better, task_directions
from mlcli.run.failure import RunFailed, end_of
from mlcli.run.figures import Save, report_plot_errors
from mlcli.run.finished_run import FinishedRun
from mlcli.run.job import initial_record
from mlcli.run.log import log_to
from mlcli.run.own_table import is_own_table
from mlcli.run.plot_run import plot_run
from mlcli.store.folder import RunFolder
from mlcli.store.provenance import environment
from mlcli.store.records import flatten, write_json
from mlcli.sweep.check import check_trials
from mlcli.sweep.choice import recorded
from mlcli.sweep.compose import compose_trials
from mlcli.sweep.crossval import crossval, is_crossval
from mlcli.sweep.launched import run_launched
from mlcli.sweep.launcher import OTHER
from mlcli.sweep.plan import Planned, plan
from mlcli.sweep.plot_pool import PlotPool
from mlcli.sweep.processes import run_in_processes
from mlcli.sweep.ranking import SCORED, best_first
from mlcli.sweep.report import report, rows_of
from mlcli.sweep.serial import run_serial
from mlcli.sweep.session import Session
from mlcli.sweep.stacks import run_stacks
from mlcli.sweep.trial import Trial
from mlcli.system import cores
from mlcli.track.sweep_console import SweepConsole

STRATEGIES = {"auto": run_stacks, "stack": run_stacks, "serial": run_serial, "processes": run_in_processes} | {
    OTHER: run_launched
}


def train_round(
    session: Session, loader: Any, cfg: DictConfig, strategy: str, overrides: Sequence[Sequence[str]], first: int
) -> list[JobReturn]:
    """Trains a round of trials of the session's sweep, which the first round starts. One JobReturn per trial."""
    if session.sweep is None:
        session.sweep = Sweep(loader, cfg, session, strategy)
    returned: list[JobReturn] = session.sweep.train(overrides, first)
    return returned


class Sweep:
    """All rounds of trials that a sweeper of Hydra proposes: one folder, consecutive trial numbers, one report.

    The first round creates the folder, and `close` ends the sweep.
    """

    def __init__(self, loader: Any, cfg: DictConfig, session: Session, strategy: str) -> None:
        self.loader = loader
        self.cfg = cfg
        self.session = session
        self.strategy, self._run = strategy, _strategy(strategy)
        self.trials: list[Trial] = []
        self.record: RunFolder | None = None
        self._resources = ExitStack()  # the log of the sweep and the plot pool

    def train(self, all_overrides: Sequence[Sequence[str]], first: int = 0) -> list[JobReturn]:
        """Trains a round of trials, numbered from `first` or from the end of the last round, whichever is later.

        Raises ConfigError, before this round writes anything, if any trial has an invalid config; and Planned in a
        dry run, which writes and trains nothing.
        """
        folder = Path(self.cfg.hydra.sweep.dir)
        first = max(first, 1 + max((trial.number for trial in self.trials), default=-1))
        flags = self.session.flags
        earlier = [trial.job.overrides for trial in self.trials]
        trials = compose_trials(self.loader, self.cfg, all_overrides, flags, folder, first, earlier)
        faults = check_trials(trials, is_crossval(trials))
        if self.session.dry_run:
            raise Planned(plan(trials, self.strategy, faults))
        if self.record is None:
            self._start(folder, trials)
        assert self.record is not None
        self.trials += trials
        self.console.add({trial.number: trial.job.cfg.trainer.epochs for trial in trials})
        monitor = trials[0].job.cfg.trainer.monitor
        self.console.compares = not differing([context(monitor, flatten(trial.job.cfg)) for trial in self.trials])
        alone = set(self.cfg.hydra.launcher.get("alone") or ())
        for trial in trials:
            trial.alone = trial.number in alone
        self._run(trials, self.console, self.session, self.strategy)
        if self.trials != trials:
            write_json(self.record.path / "sweep.json", self.record.record() | _counted(self.trials))
            report(self.record, self.trials, None)
        return _returned(trials)

    def _start(self, folder: Path, trials: Sequence[Trial]) -> None:
        first = trials[0].job
        monitor = first.cfg.trainer.monitor
        self.console = SweepConsole(self.session.level, {}, monitor, is_higher_better(first.cfg, monitor))
        self.record = _create_folder(folder, trials, self.session.command)
        self.session.follow(self.record.path)
        self._resources.enter_context(log_to(self.record.path / "train.log"))
        pool = self._resources.enter_context(PlotPool(cores(), preload=first.cfg.tracking.figures))
        self.session = replace(self.session, save=pool.save)

    def close(self, error: BaseException | None = None) -> None:
        """Writes the report and records the status of the sweep. error: the exception that ended it early, if any."""
        if self.record is None:
            return
        status, reason = _outcome(self.trials, error)
        try:
            with self._resources:
                self.console.stop()
                # Again, so that the courier delivers the finished trials while this process reports and plots.
                self.session.follow(self.record.path)
                self._record_choices(self.record)
                self._report(self.record, self.session.save)
                if error is None:
                    _write_baseline(self.record, self.trials)
                    runs = [_finished_run(trial) for trial in self.trials]
                    conclude(self.trials[0].job.cfg, runs, self.record, self.session.save)
        finally:
            self.record.end(status, reason)

    def _record_choices(self, record: RunFolder) -> None:
        """Writes how hydra/launcher=auto trained the trials, and the command that repeats what a timing decided."""
        choices = {trial.number: trial.choice for trial in self.trials if trial.choice is not None}
        fields = recorded(choices, self.session.command, [trial.number for trial in self.trials])
        if fields:
            write_json(record.path / record.record_name, record.record() | fields)
        if "repeat" in fields:
            self.console.note(f"timings or memory decided how trials train; repeat it with: {fields['repeat']}")

    def report_so_far(self) -> None:
        """Writes the tables of an interrupted sweep, without figures."""
        assert self.record is not None
        self.console.stop()
        report(self.record, self.trials, None)

    def abort(self) -> None:
        """Records that the sweep was interrupted, and nothing else."""
        if self.record is not None:
            self.record.end("KILLED", "interrupted")

    def _report(self, record: RunFolder, save: Save) -> None:
        _plot_best(record, self.trials, save)
        folds = is_crossval(self.trials)
        if folds:
            crossval(record, self.trials, save)
        report(record, self.trials, None if folds else save)


def _write_baseline(record: RunFolder, trials: Sequence[Trial]) -> None:
    """Writes the scores of gradient boosting, where all trials have the same table and split."""
    cfgs = [trial.job.cfg for trial in trials if trial.status in SCORED]
    if not cfgs or not is_own_table(cfgs[0]) or is_crossval(trials) or not cfgs[0].trainer.baseline:
        return
    if all((cfg.data, cfg.split) == (cfgs[0].data, cfgs[0].split) for cfg in cfgs):
        write_json(record.path / BASELINE, boosting_scores(cfgs[0], build_data(cfgs[0])))


def _strategy(name: str) -> Callable[..., Any]:
    """One of STRATEGIES, or a function of the user by its dotted name. Raises ConfigError if there is none."""
    return STRATEGIES.get(name) or locate(name, "hydra.launcher.strategy")


def _create_folder(folder: Path, trials: Sequence[Trial], command: str) -> RunFolder:
    """Creates the folder with its `sweep.json`. Raises ConfigError if it is taken or cannot be written."""
    first = trials[0].job
    options = [set(trial.job.options.items()) for trial in trials]
    name = str(first.cfg.name or f"sweep over {', '.join(first.swept) or 'one value'}")
    record = initial_record(first) | {
        "id": folder.name,
        "name": name,
        "kind": "sweep",
        "parent": None,
        "trial": None,
        "swept": {},
        "options": dict(sorted(set.intersection(*options))),  # of all trials
        **_counted(trials),
        "best_trial": None,
        "command": command,
    }
    sweep = RunFolder.create(folder, record, "sweep.json")
    device = str(devices.choose(first.cfg.device.name))
    write_json(sweep.path / "environment.json", environment(device, first.cfg.device.threads or cores()))
    sweep.write_config(first.cfg, first.overrides)
    return sweep


def _counted(trials: Sequence[Trial]) -> dict[str, Any]:
    """The number of trials, and the settings in which they differ."""
    varies = {*differing([flatten(trial.job.cfg) for trial in trials]), *(key for t in trials for key in t.job.swept)}
    return {"trials": len(trials), "varies": sorted(varies)}


def _outcome(trials: Sequence[Trial], error: BaseException | None) -> tuple[str, str | None]:
    """The status of the sweep and its reason. A sweep without any result has failed."""
    if error is not None and not isinstance(error, RunFailed):  # which a sweeper raises for a failed trial
        return end_of(error)
    if any(trial.status in SCORED for trial in trials):
        return "FINISHED", None
    return "FAILED", f"none of {len(trials)} trials finished"


def _returned(trials: Sequence[Trial]) -> list[JobReturn]:
    """The results for the sweeper of Hydra: the compared metric, or an exception that reading `return_value` raises.

    A pruned trial has the metric of an earlier epoch, which does not compare: it returns nothing better than the
    worst finished trial of its round.
    """
    cfg = trials[0].job.cfg
    metric = cfg.sweep.metric or cfg.trainer.monitor
    worse = min if is_higher_better(cfg, metric) else max
    finished = [
        t.result["metrics"][metric] for t in trials if t.status == "FINISHED" and metric in t.result["metrics"]
    ]
    returned = []
    for trial in trials:
        job = JobReturn(overrides=trial.job.overrides, working_dir=str(trial.job.path), task_name="mlcli")
        score = trial.result["metrics"].get(metric) if trial.status in SCORED else None
        if score is not None:
            stopped = trial.status == "PRUNED" and finished
            job.status, job.return_value = JobStatus.COMPLETED, worse([score, *finished]) if stopped else score
        else:
            reason = trial.reason or f"no {metric} in its result"
            job.status, job.return_value = JobStatus.FAILED, RunFailed(f"trial {trial.number}: {reason}")
        returned.append(job)
    return returned


def _finished_run(trial: Trial) -> FinishedRun:
    job, metrics = trial.job, trial.result.get("metrics", {})
    return FinishedRun(RunFolder(job.path), job.cfg, trial.status, job.swept, metrics, trial.reason)


def _plot_best(sweep: RunFolder, trials: Sequence[Trial], save: Save) -> None:
    """Plots the best trials that have no figures yet, and records which trials have figures."""
    cfg = trials[0].job.cfg
    if not cfg.tracking.figures:
        return
    if cfg.sweep.figures != "all":
        by_number, monitor, directions = (
            {trial.number: trial for trial in trials},
            cfg.trainer.monitor,
            task_directions(cfg),
        )
        rows = [row for row in rows_of(trials, monitor, directions) if row["status"] == "FINISHED"]
        for best in best_first(rows, monitor, directions)[: cfg.sweep.figures]:
            trial = by_number[best["trial"]]
            if not trial.has_figures:
                with report_plot_errors(f"figures of trial {trial.number}"):
                    plot_run(RunFolder(trial.job.path), save)
                    trial.has_figures = True
    write_json(
        sweep.path / sweep.record_name, sweep.record() | {"drawn": [t.number for t in trials if t.has_figures]}
    )
