"""A sweep whose trials run one after another. A trial that fails is told at once, and the others go on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from mlcli.config.check import check
from mlcli.config.compose import TrialComposer, to_run
from mlcli.config.errors import ConfigError
from mlcli.run.folder import RunFolder
from mlcli.run.life import Job, RunFailed, first_record, run_name, train
from mlcli.sweep.report import report
from mlcli.sweep.session import Session
from mlcli.sweep.start import start_sweep
from mlcli.sweep.trial import Trial
from mlcli.track.console import Console


def launch(loader: Any, sweep: DictConfig, all_overrides: Sequence[Sequence[str]], session: Session) -> list[Trial]:
    """Trains every trial. ConfigError, with nothing written, if any of them has a config that cannot be."""
    folder = Path(sweep.hydra.sweep.dir)
    trials = compose_trials(loader, sweep, all_overrides, session.command, folder)
    record = start_sweep(folder, trials[0].job, len(trials), session.command)
    session.follow(record.path)
    console = Console(session.level)
    status = "FINISHED"
    try:
        for trial in trials:
            _run(trial, len(trials), console, session)
    except BaseException:
        status = "KILLED"
        raise
    finally:
        report(record, trials, status)
    return trials


def compose_trials(
    loader: Any, sweep: DictConfig, all_overrides: Sequence[Sequence[str]], command: str, folder: Path
) -> list[Trial]:
    """The trials with their configs, composed and checked."""
    composer = TrialComposer(loader, sweep)
    swept = _swept(all_overrides)
    trials = []
    for number, overrides in enumerate(all_overrides):
        cfg = to_run(composer(overrides))
        check(cfg)
        values = dict(override.split("=", 1) for override in overrides)
        job = Job(
            cfg,
            list(overrides),
            folder / str(number),
            command,
            id=f"{folder.name}-{number}",
            parent=folder.name,
            trial=number,
            swept={key.lstrip("+"): _plain(values[key]) for key in swept},
        )
        trials.append(Trial(number, job))
    return trials


def _run(trial: Trial, count: int, console: Console, session: Session) -> None:
    console.note(f"trial {trial.number + 1}/{count}: {run_name(trial.job)}")
    try:
        trial.result = train(trial.job, console, session.follow)
        trial.status = "FINISHED"
    except (RunFailed, ConfigError) as error:
        trial.status, trial.reason = "FAILED", str(error)
        console.error(f"trial {trial.number + 1}/{count} ({run_name(trial.job)}) failed: {error}")
        if isinstance(error, ConfigError):  # it could not be built, so it has no folder that says so
            folder = RunFolder.create(trial.job.path, first_record(trial.job))
            folder.write_config(trial.job.cfg, trial.job.overrides)
            folder.end("FAILED", str(error))
            session.follow(folder.path)
    except BaseException:
        trial.status, trial.reason = "KILLED", "interrupted"
        raise


def _swept(all_overrides: Sequence[Sequence[str]]) -> list[str]:
    """The keys whose values differ between trials."""
    values: dict[str, set[str]] = {}
    for overrides in all_overrides:
        for override in overrides:
            key, _, value = override.partition("=")
            values.setdefault(key, set()).add(value)
    return [key for key, seen in values.items() if len(seen) > 1]


def _plain(text: str) -> Any:
    """A swept value as the number that it is, else as text."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text.strip("'\"")
