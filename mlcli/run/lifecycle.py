"""A run's life: build, folder, train, evaluate, finish. What goes wrong on the way is recorded in the folder."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from mlcli.config.redact import redact
from mlcli.config.settings import Settings
from mlcli.figure.plot import Plot
from mlcli.metric.undefined import Once
from mlcli.run.build import Parts, build
from mlcli.run.conclusion import conclude
from mlcli.run.directions import is_higher_better, task_directions
from mlcli.run.failure import RunFailed, first_line, is_disk_full, is_interrupt
from mlcli.run.figures import Save, save_figures
from mlcli.run.finish import finish
from mlcli.run.finished_run import FinishedRun
from mlcli.run.metrics import check_monitor
from mlcli.store.folder import RunFolder
from mlcli.store.format import FORMAT
from mlcli.store.process import current_process
from mlcli.store.provenance import environment
from mlcli.store.records import write_json
from mlcli.store.weights import save_tensors
from mlcli.track.console import RunDisplay
from mlcli.track.journal import Journal
from mlcli.train.loop import Diverged, Epoch, Plan, Progress, fit
from mlcli.traits import model_traits

log = logging.getLogger("mlcli")


@dataclass(frozen=True)
class Job:
    """One run to be done: its config, where it goes, and where it comes from."""

    cfg: Settings
    overrides: list[str]
    path: Path
    command: str
    id: str
    parent: str | None = None  # id of the sweep
    trial: int | None = None
    swept: dict[str, Any] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)  # the chosen option of each config group
    plots: Sequence[Plot] = ()  # of what was found out before it began


def train(
    job: Job, console: RunDisplay, follow: Callable[[Path], None], save: Save | None = Plot.save
) -> dict[str, Any]:
    """Runs the job to its end and returns what `result.json` holds.

    `follow` is told the folder as soon as there is something to follow; `save` is as in finish. Raises ConfigError
    before anything is written when the config cannot be built; RunFailed, or KeyboardInterrupt, with the folder
    marked so.
    """
    parts = build(job.cfg)
    check_monitor(job.cfg, parts)
    folder = RunFolder.create(job.path, initial_record(job))
    with log_to(folder.path / "train.log"), _recorded(folder):
        write_description(folder, job, parts)
        follow(folder.path)
        progress = Progress()
        console.start(folder.path, title(job), job.cfg.trainer.epochs, parts.steps_per_epoch, _sizes(parts))
        console.note(parts.transferred.line() if parts.transferred else "")
        _fit(folder, job.cfg, parts, progress, console)
        console.note(f"stopped early: {progress.stopped}" if progress.stopped else "")
        result = finish(folder, job.cfg, parts, progress, save)
        if job.parent is None:
            conclude(job.cfg, [FinishedRun(folder, job.cfg, "FINISHED", {}, result["metrics"])], folder)
        return result


def _fit(folder: RunFolder, cfg: Settings, parts: Parts, progress: Progress, console: RunDisplay) -> None:
    """Trains to the end, and keeps the last weights however that comes."""
    plan = plan_of(cfg)
    try:
        with Journal(folder.path / "metrics.jsonl") as journal:
            for event in fit(parts.task, plan, progress):
                if isinstance(event, Epoch):
                    journal.write(event.epoch, event.step, event.metrics)
                console.show(event, plan.monitor)
    except BaseException:
        console.stop()
        with suppress(OSError, SafetensorError):  # the reason why it ends comes first
            _save_last(folder, parts, progress)
        raise
    console.stop()
    _save_last(folder, parts, progress)


def _save_last(folder: RunFolder, parts: Parts, progress: Progress) -> None:
    if progress.step:
        parts.save_weights(folder.path / "last.safetensors")


def plan_of(cfg: Settings) -> Plan:
    """When the loop is to stop."""
    trainer = cfg.trainer
    higher = is_higher_better(cfg, trainer.monitor)
    names = ("epochs", "monitor", "max_steps", "max_time", "patience", "min_delta", "layer_statistics")
    return Plan(higher=higher, validates=cfg.split.val > 0, **{name: trainer[name] for name in names})


def initial_record(job: Job) -> dict[str, Any]:
    """What `run.json` says when the run begins."""
    return {
        "format": FORMAT,
        "id": job.id,
        "name": run_name(job),
        "status": "RUNNING",
        "started": time.time(),
        "ended": None,
        "command": job.command,
        **current_process(),
        "parent": job.parent,
        "trial": job.trial,
        "swept": job.swept,
        "options": job.options,
        "reason": None,
        "directions": dict(task_directions(job.cfg)),
        "tracking": {key: job.cfg.tracking[key] for key in ("name", "experiment")},
    }


def run_name(job: Job) -> str:
    """The name that the user gave, else what was swept, else the model and the data."""
    if job.swept:
        values = " ".join(f"{key.rpartition('.')[2]}={value}" for key, value in job.swept.items())
        return redact(f"{job.cfg.name} {values}" if job.cfg.name else values)
    return redact(str(job.cfg.name or title(job)))


def title(job: Job) -> str:
    """What is trained on what."""
    model = job.cfg.model.get("estimator") or job.cfg.model
    targets = [str(node._target_).rpartition(".")[2] for node in (model, job.cfg.data)]
    return "-".join(targets).lower()


def _sizes(parts: Parts) -> str:
    """The sizes that matter."""
    count = sum(parameter.numel() for parameter in parts.model.parameters())
    still = sum(parameter.numel() for parameter in parts.model.parameters() if not parameter.requires_grad)
    frozen = f", {still:,} of them frozen" if still else ""
    sizes = " / ".join(f"{len(indices):,}" for indices in parts.data.splits.values())
    threads = f"{parts.threads} thread{'s' if parts.threads > 1 else ''}"
    what = model_traits(parts.model).summary or f"{count:,} parameters{frozen}"
    return f"{what} · {sizes} examples · {parts.device}, {threads}"


def write_description(folder: RunFolder, job: Job, parts: Parts) -> None:
    """Everything about the run that is known before it trains."""
    folder.write_config(job.cfg, job.overrides)
    write_json(folder.path / "environment.json", environment(str(parts.device), parts.threads))
    write_json(folder.path / "data.json", parts.data.describe())
    save_tensors(folder.path / "splits.safetensors", parts.data.splits)
    if parts.transferred:
        write_json(folder.path / "transfer.json", parts.transferred.record())
        if parts.transferred.surprising:
            log.warning(parts.transferred.line())
    save_figures(lambda: job.plots, "figures", folder.path / "figures")


@contextmanager
def _recorded(folder: RunFolder) -> Iterator[None]:
    """Writes into the folder how the run ended. Faults are told in one line; their traceback goes to the log."""
    try:
        yield
    except RunFailed:  # its conclusion did, and not the run
        folder.end("FINISHED")
        raise
    except Diverged as error:
        folder.end("FAILED", str(error))
        raise RunFailed(str(error)) from error
    except BaseException as error:
        if is_interrupt(error):
            folder.end("KILLED", "interrupted")
            raise
        reason = first_line(error)
        log.exception("run failed")
        folder.end("FAILED", reason)
        where = f"; see {folder.path}" if is_disk_full(error) else f" (traceback in {folder.path / 'train.log'})"
        raise RunFailed(f"{reason}{where}") from error
    else:
        folder.end("FINISHED")


class _Formatter(logging.Formatter):
    """Lines and tracebacks without credentials."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class _File(logging.FileHandler):
    """A log that cannot be written, on a full disk, is no reason for more to go wrong."""

    def handleError(self, record: logging.LogRecord) -> None: ...

    def close(self) -> None:
        with suppress(OSError):
            super().close()


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Sends the log and warnings of this run to its own file."""
    handler = _File(path, delay=True)
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(Once())
    root = logging.getLogger()
    root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
        if not any(isinstance(other, _File) for other in root.handlers):  # the log of the sweep, around its trials
            logging.captureWarnings(False)
