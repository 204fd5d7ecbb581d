"""`mlcli resume`: a single run goes on from its last checkpoint. An unfinished one in its own folder and MLflow run,
a finished one as a new run."""

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from mlcli import renamed
from mlcli.config.check import check
from mlcli.config.errors import ConfigError
from mlcli.config.settings import Settings
from mlcli.files import remove_parts, write_atomic
from mlcli.run import checkpoints, estimator
from mlcli.run.build import Parts, build
from mlcli.run.job import Job, initial_record
from mlcli.run.lifecycle import end_recorded, plan_of, train_from, write_description
from mlcli.run.log import log_to
from mlcli.run.longer import goes_further, schedule_note
from mlcli.run.metrics import check_monitor
from mlcli.run.repeat import changed_versions, completed, repeat_machine
from mlcli.run.stored_overrides import override
from mlcli.store.folder import RunFolder
from mlcli.store.process import hold_lock, release_lock
from mlcli.store.records import read_json
from mlcli.store.stored_run import StoredRun
from mlcli.store.weights import load_tensors
from mlcli.track.console import RunDisplay
from mlcli.track.reopen import delivered_elsewhere, reopen
from mlcli.train.loop import Progress
from mlcli.train.state import restore

ALLOWED = ("trainer.epochs", "trainer.max_steps", "trainer.max_time", "trainer.patience", "device", "tracking")


@dataclass(frozen=True)
class Own:
    """What comes from the person who types, not from the run: outputs, tracking, and the folder of a new run.
    has_tracker: whether the tracker was named in the command."""

    outputs: str
    tracking: Settings
    new_folder: Path
    has_tracker: bool


@dataclass
class Resumption:
    """A run that goes on. state: of its last checkpoint; None: it starts over."""

    run: StoredRun
    cfg: Settings
    before: Settings  # its config without the overrides
    overrides: list[str]
    own: Own
    state: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def in_place(self) -> bool:
        return self.run.status != "FINISHED"

    @property
    def name(self) -> str:
        return self.run.folder.path.name


def checked(overrides: Sequence[str]) -> list[str]:
    """The overrides of a resume. Raises ConfigError for one that would make it another training."""
    found = [renamed.override(text) for text in overrides]
    for text in found:
        key, equals, _ = text.partition("=")
        if not equals or not (key in ALLOWED or key.partition(".")[0] in ("device", "tracking")):
            raise ConfigError(
                f"{text}: resume takes only {', '.join(ALLOWED[:-2])}, device and tracking; others make another "
                "training: use `mlcli train`"
            )
    return found


def plan_resume(
    run: StoredRun, overrides: Sequence[str], own: Own, config_dir: str | None, trust_run: bool
) -> Resumption | None:
    """What resuming the run would do; None if there is nothing to do. Changes nothing. Raises ConfigError."""
    _require_resumable(run)
    before = completed(run, trust_run)
    cfg = Settings(before, trainer=Settings(before.trainer), device=Settings(before.device))
    repeat_machine(cfg, run)
    override(cfg, [text for text in overrides if not text.startswith("tracking")], config_dir)
    tracker = (
        own.tracking.name if own.has_tracker or not run.record.get("tracking") else run.record["tracking"]["name"]
    )
    cfg["outputs"], cfg["tracking"] = own.outputs, Settings(own.tracking, name=tracker)
    check(cfg)
    estimator.check_overrides(cfg, [text for text in overrides if text.startswith("trainer.")])
    made = Resumption(run, cfg, before, list(overrides), own)
    if run.status == "FINISHED" and not _may_go_further(made):
        return None
    made.state = checkpoints.latest(run.folder.path, made.notes.append)
    if made.state is None:
        made.notes.append(_starting_over(made))
    if changed := changed_versions(run):
        made.notes.append(f"changed since: {', '.join(changed)}; the rest may differ in the last digits")
    return made


def _require_resumable(run: StoredRun) -> None:
    name = run.folder.path.name
    if run.damage is not None:
        raise ConfigError(f"{name} is damaged: {run.damage}")
    if run.is_sweep or run.record.get("parent"):
        what = "a sweep" if run.is_sweep else "a trial of a sweep"
        raise ConfigError(f"{name} is {what}, and resume takes single runs")
    if run.status == "RUNNING":
        raise ConfigError(f"{name} is running (process {run.record['pid']} on {run.record['host']})")
    if run.record.get("diverged"):
        raise ConfigError(f"{name} diverged, and would again: {run.record['reason']}")


def _may_go_further(made: Resumption) -> bool:
    """Whether a finished run would, by its result."""
    result, plan = made.run.result(), plan_of(made.cfg)
    stopped = str(result.get("stopped") or "")
    progress = Progress(epoch=result.get("epochs", 0), step=result.get("steps", 0), seconds=result["seconds"])
    progress.stopped = stopped
    progress.patience_epoch = (
        progress.epoch - (made.before.trainer.patience or 0) if "no better" in stopped else progress.epoch
    )
    return goes_further(plan, progress)


def _starting_over(made: Resumption) -> str:
    if made.in_place:
        return "there is no checkpoint yet: the training starts over"
    return "the state at its end was not kept (trainer.keep_checkpoints): the new run trains from its first epoch"


def resume(
    made: Resumption, console: RunDisplay, follow: Callable[[Path], None], command: str
) -> tuple[Path, dict[str, Any]]:
    """Trains the run to its end. Returns its folder and the content of `result.json`. Raises ConfigError with nothing
    changed, and what `train` raises."""
    return _in_place(made, console, follow) if made.in_place else _as_new_run(made, console, follow, command)


def _in_place(made: Resumption, console: RunDisplay, follow: Callable[[Path], None]) -> tuple[Path, dict[str, Any]]:
    folder = made.run.folder
    with _locked(made.run):
        parts, progress = _build(made)
        offset = _reopened(made)
        job = _job(made, folder.path)
        _begin_again(made, parts, job, offset)
    with log_to(folder.path / "train.log"), end_recorded(folder, job):
        follow(folder.path)
        _say(made, parts, progress, console)
        return folder.path, train_from(progress, folder, job, parts, console)


def _as_new_run(
    made: Resumption, console: RunDisplay, follow: Callable[[Path], None], command: str
) -> tuple[Path, dict[str, Any]]:
    parts, progress = _build(made)
    job = replace(_job(made, made.own.new_folder), id=made.own.new_folder.name, command=command)
    folder = RunFolder.create(job.path, initial_record(job) | {"resumed_from": made.run.id})
    with log_to(folder.path / "train.log"), end_recorded(folder, job):
        write_description(folder, job, parts)
        lines = (made.run.folder.path / checkpoints.JOURNAL).read_bytes().splitlines(keepends=True)
        write_atomic(folder.path / checkpoints.JOURNAL, b"".join(lines[: progress.epoch]))
        follow(folder.path)
        _say(made, parts, progress, console)
        return folder.path, train_from(progress, folder, job, parts, console)


@contextmanager
def _locked(run: StoredRun) -> Any:
    """With the run's lock, which is held on until the run has ended; released if this raises."""
    path = run.folder.path
    if not hold_lock(path):
        raise ConfigError(f"{path.name} is running: another command resumes it")
    try:
        if run.folder.record().get("resumed") != run.record.get("resumed"):
            raise ConfigError(f"{path.name} has just been resumed by another command")
        yield
    except BaseException:
        release_lock(path)
        raise


def _build(made: Resumption) -> tuple[Parts, Progress]:
    """The run's parts in the state of the checkpoint. Raises ConfigError."""
    parts = build(made.cfg)
    check_monitor(made.cfg, parts)
    _require_same_data(made, parts)
    if made.state is None:
        return parts, Progress()
    if len(made.run.history()) < made.state["progress"]["epoch"]:
        raise ConfigError(f"{made.name}/metrics.jsonl lacks epochs before the checkpoint: train a new run")
    try:
        progress = restore(made.state, parts.task, parts.device)
    except ValueError as error:
        raise ConfigError(f"{made.name}/{checkpoints.FOLDER}: {error}") from error
    if made.overrides and progress.stopped:
        stopped, progress.stopped = progress.stopped, ""
        progress.stopped = "" if goes_further(plan_of(made.cfg), progress) else stopped
    return parts, progress


def _require_same_data(made: Resumption, parts: Parts) -> None:
    path = made.run.folder.path
    if not (path / "splits.safetensors").exists():  # killed before it trained
        return
    same = parts.data.is_described_by(read_json(path / "data.json"))
    splits = load_tensors(path / "splits.safetensors")
    if not same or any(
        not torch.equal(parts.data.splits[name], splits.get(name, torch.empty(0))) for name in parts.data.splits
    ):
        raise ConfigError(f"data={parts.data.name} has changed since {made.name} started: train a new run")


def _reopened(made: Resumption) -> int:
    """The offset in the journal up to which the tracker has it."""
    path, uri = made.run.folder.path, str(made.own.tracking.uri or "")
    if elsewhere := delivered_elsewhere(path, uri):
        made.notes.append(f"its MLflow run is in {elsewhere}, and stays as it is: use tracking.uri=… to continue it")
    return reopen(path)


def _job(made: Resumption, path: Path) -> Job:
    record = made.run.record
    typed = [*made.run.overrides(), *(text for text in made.overrides if not text.startswith("tracking"))]
    return Job(made.cfg, typed, path, record["command"], made.run.id, options=record.get("options") or {})


def _begin_again(made: Resumption, parts: Parts, job: Job, delivered: int) -> None:
    """Changes the folder of an unfinished run: from here on it is running."""
    folder, path = made.run.folder, made.run.folder.path
    remove_parts(path)
    journal = path / checkpoints.JOURNAL
    is_cut = journal.exists() and journal.stat().st_size < delivered
    if (path / "result.json").exists():  # of an end that failed; delivered, maybe
        (path / "result.json").unlink()
        is_cut = True
    tracking = {key: made.cfg.tracking[key] for key in ("name", "experiment")}
    if made.state is None:
        write_description(folder, job, parts)
    elif made.overrides:
        folder.write_config(made.cfg, job.overrides)
    with_ = [text for text in made.overrides if not text.startswith("tracking")]
    changes: dict[str, Any] = {"tracking": (made.run.record.get("tracking") or tracking) | {"name": tracking["name"]}}
    changes |= {"resumed_with": with_} if with_ else {}
    folder.begin_again(**changes)
    if is_cut:
        folder.count_cut()


def _say(made: Resumption, parts: Parts, progress: Progress, console: RunDisplay) -> None:
    where = f"from epoch {progress.epoch}, update {progress.step}" if made.state else "from its beginning"
    console.note(f"resuming {made.name} {where}")
    for note in (*made.notes, schedule_note(made.before, parts, progress)):
        console.note(note)
