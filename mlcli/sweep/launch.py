"""A sweep from its first trial to its report, whichever way the trials train."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from mlcli.metric.direction import direction
from mlcli.run import device as devices
from mlcli.run.answer import Ended, answer
from mlcli.run.draw import draw_run
from mlcli.run.finish import Save
from mlcli.run.folder import RunFolder, write_json
from mlcli.run.life import logged
from mlcli.sweep.compose import compose_trials
from mlcli.sweep.crossval import check_first, crossval, is_crossval
from mlcli.sweep.drawer import Drawer
from mlcli.sweep.processes import run_in_processes
from mlcli.sweep.report import rank, report, row
from mlcli.sweep.serial import run_serial
from mlcli.sweep.session import Session
from mlcli.sweep.stacks import run_stacks
from mlcli.sweep.start import start_sweep
from mlcli.sweep.trial import Trial
from mlcli.track.sweep_console import SweepConsole

WAYS = {"auto": run_stacks, "stack": run_stacks, "serial": run_serial, "processes": run_in_processes}


def launch(
    loader: Any, sweep: DictConfig, all_overrides: Sequence[Sequence[str]], session: Session, way: str
) -> list[Trial]:
    """Trains every trial. ConfigError, with nothing written, if any of them has a config that cannot be."""
    folder = Path(sweep.hydra.sweep.dir)
    trials = compose_trials(loader, sweep, all_overrides, session.command, folder)
    if is_crossval(trials):
        check_first(trials)
    first = trials[0].job
    record = start_sweep(folder, first, len(trials), session.command)
    session.follow(record.path)
    monitor = first.cfg.trainer.monitor
    epochs = {trial.number: trial.job.cfg.trainer.epochs for trial in trials}
    console = SweepConsole(session.level, epochs, monitor, direction(monitor) == "max")
    status = "KILLED"
    try:
        with Drawer(devices.cores(), soon=first.cfg.tracking.figures) as drawer:
            try:
                with logged(record.path / "train.log"):
                    WAYS[way](trials, console, replace(session, save=drawer.save), way)
                status = "FINISHED"
            finally:
                console.stop()
                session.follow(record.path)  # again: it delivers what has ended while this process reports and draws
                _draw_best(record, trials, drawer.save)
                if is_crossval(trials):
                    crossval(record, trials, drawer.save)
                report(record, trials, None if is_crossval(trials) else drawer.save)
            answer(trials[0].job.cfg, [_ended(trial) for trial in trials], record, drawer.save)
    finally:
        record.end(status)
    return trials


def _ended(trial: Trial) -> Ended:
    job, metrics = trial.job, trial.result.get("metrics", {})
    return Ended(RunFolder(job.path), job.cfg, trial.status, job.swept, metrics, trial.reason)


def _draw_best(sweep: RunFolder, trials: Sequence[Trial], save: Save) -> None:
    """Draws the figures of the best trials that have none yet, and writes down which trials have some."""
    cfg = trials[0].job.cfg
    if not cfg.tracking.figures:
        return
    if cfg.sweep.figures != "all":
        finished = [row(trial) for trial in trials if trial.status == "FINISHED"]
        for best in rank(finished, cfg.trainer.monitor)[: cfg.sweep.figures]:
            trial = trials[best["trial"]]
            if not trial.drawn:
                draw_run(RunFolder(trial.job.path), save)
                trial.drawn = True
    write_json(sweep.path / sweep.record_name, sweep.record() | {"drawn": [t.number for t in trials if t.drawn]})
