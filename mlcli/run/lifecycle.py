"""The lifecycle of a run: build, create the folder, train, evaluate, finish. The folder records how it ended."""

import logging
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from mlcli.config.settings import Settings
from mlcli.figure.plot import Plot
from mlcli.machine.memory import is_out_of_memory
from mlcli.run.baseline import boosting_scores
from mlcli.run.build import Parts, build
from mlcli.run.checkpoints import Checkpoints
from mlcli.run.conclusion import conclude
from mlcli.run.directions import is_higher_better
from mlcli.run.failure import RunFailed, end_of, is_disk_full, is_interrupt
from mlcli.run.figures import Save, save_figures
from mlcli.run.finish import finish
from mlcli.run.finished_run import FinishedRun
from mlcli.run.interruption import deferred
from mlcli.run.job import Job, initial_record, title
from mlcli.run.log import log_to
from mlcli.run.metrics import check_monitor
from mlcli.store.folder import RunFolder
from mlcli.store.provenance import environment
from mlcli.store.records import write_json
from mlcli.store.weights import save_tensors
from mlcli.track.console import RunDisplay
from mlcli.track.journal import Journal
from mlcli.track.tracking import command_with_flags
from mlcli.train.epoch_values import Diverged
from mlcli.train.loop import Epoch, Plan, Progress, Tick, fit
from mlcli.traits import model_traits

log = logging.getLogger("mlcli")


def train(
    job: Job, console: RunDisplay, follow: Callable[[Path], None], save: Save | None = Plot.save
) -> dict[str, Any]:
    """Trains and finishes a run. Returns the content of `result.json`.

    follow: called with the folder, for trackers. save: as in `finish`. Raises ConfigError, before anything is
    written, for a config that cannot be built; RunFailed and KeyboardInterrupt after the folder has recorded them.
    """
    parts = build(job.cfg)
    check_monitor(job.cfg, parts)
    folder = RunFolder.create(job.path, initial_record(job))
    with log_to(folder.path / "train.log"), end_recorded(folder, job):
        write_description(folder, job, parts)
        follow(folder.path)
        return train_from(Progress(), folder, job, parts, console, save)


def train_from(
    progress: Progress, folder: RunFolder, job: Job, parts: Parts, console: RunDisplay, save: Save | None = Plot.save
) -> dict[str, Any]:
    """Trains from this progress to the end and finishes the run. Returns the content of `result.json`."""
    console.start(folder.path, title(job), job.cfg.trainer.epochs, parts.steps_per_epoch, sizes_text(parts))
    console.note(parts.transferred.line() if parts.transferred else "")
    checkpoints = Checkpoints(folder.path, job.cfg, parts, progress)
    _fit(folder, job.cfg, parts, progress, console, checkpoints)
    console.note(f"stopped early: {progress.stopped}" if progress.stopped else "")
    result = finish(folder, job.cfg, parts, progress, save)
    if job.parent is None and (scores := boosting_scores(job.cfg, parts.data)):
        result |= {"boosting": scores}
        write_json(folder.path / "result.json", result)
    if job.parent is None:
        conclude(job.cfg, [FinishedRun(folder, job.cfg, "FINISHED", {}, result["metrics"])], folder)
    checkpoints.tidy()
    return result


def _fit(
    folder: RunFolder,
    cfg: Settings,
    parts: Parts,
    progress: Progress,
    console: RunDisplay,
    checkpoints: Checkpoints,
) -> None:
    """Trains, and saves the last weights even after an error."""
    plan = plan_of(cfg)
    try:
        journal = Journal(folder.path / "metrics.jsonl", progress.epoch, folder.count_cut)
        with journal, deferred() as interruption:
            for event in fit(parts.task, plan, progress):
                if isinstance(event, Epoch):
                    journal.write(event.epoch, event.step, event.metrics)
                console.show(event, plan.monitor)
                checkpoints.after(event)
                if isinstance(event, Tick):
                    interruption.end_if_due(checkpoints)
            journal.end()
        checkpoints.end()
    except BaseException:
        console.stop()
        with suppress(OSError, SafetensorError):  # the first error is the one to report
            _save_last(folder, parts, progress)
        raise
    console.stop()
    _save_last(folder, parts, progress)


def _save_last(folder: RunFolder, parts: Parts, progress: Progress) -> None:
    if progress.step:
        parts.save_weights(folder.path / "last.safetensors")


def plan_of(cfg: Settings) -> Plan:
    """The settings of the training loop."""
    trainer = cfg.trainer
    higher = is_higher_better(cfg, trainer.monitor)
    names = ("epochs", "monitor", "max_steps", "max_time", "patience", "min_delta", "layer_statistics")
    return Plan(higher=higher, validates=cfg.split.val > 0, **{name: trainer[name] for name in names})


def sizes_text(parts: Parts) -> str:
    """Parameters, examples of each split, device and threads, in one line."""
    count = sum(parameter.numel() for parameter in parts.model.parameters())
    frozen_count = sum(parameter.numel() for parameter in parts.model.parameters() if not parameter.requires_grad)
    frozen = f", {frozen_count:,} of them frozen" if frozen_count else ""
    sizes = " / ".join(f"{len(indices):,}" for indices in parts.data.splits.values())
    threads = f"{parts.threads} thread{'s' if parts.threads > 1 else ''}"
    what = model_traits(parts.model).summary or f"{count:,} parameters{frozen}"
    return f"{what} · {sizes} examples · {parts.device}, {threads}"


def write_description(folder: RunFolder, job: Job, parts: Parts) -> None:
    """Writes what is known before the training: config, environment, data, splits, transferred weights."""
    folder.write_config(job.cfg, job.overrides)
    write_json(folder.path / "environment.json", environment(str(parts.device), parts.threads))
    write_json(folder.path / "data.json", parts.data.describe())
    save_tensors(folder.path / "splits.safetensors", parts.data.splits)
    if parts.transferred:
        write_json(folder.path / "transfer.json", parts.transferred.record())
        if parts.transferred.leaves_more_than_head:
            log.warning(parts.transferred.line())
    save_figures(lambda: job.plots, "figures", folder.record(), folder.path / "figures")


def resume_command(job: Job) -> str:
    """The command that continues the run."""
    runs = Path(job.cfg.outputs).absolute() / "runs"
    run = job.id if job.path.absolute().parent == runs else str(job.path)
    return f"{command_with_flags('resume', job.cfg.outputs, None)} {shlex.quote(run)}"


def _advice(error: BaseException, folder: RunFolder, job: Job) -> str:
    """What to do about an error that ended the run."""
    if is_disk_full(error):
        resumed = f"; once there is space, `{resume_command(job)}` continues the run" if job.parent is None else ""
        return f"; see {folder.path}{resumed}"
    traceback = f" (traceback in {folder.path / 'train.log'})"
    if not is_out_of_memory(error):
        return traceback
    size = job.cfg.trainer.batch_size
    batches = "its batches" if size is None else f"trainer.batch_size={size}"
    return f" with {batches}: use trainer.accumulate=4 for the same updates in a quarter of the memory{traceback}"


@contextmanager
def end_recorded(folder: RunFolder, job: Job) -> Iterator[None]:
    """Records the end of the run in its folder. Errors become RunFailed in one line; tracebacks go to the log."""
    try:
        yield
    except RunFailed:  # the conclusion failed, after the run had finished
        folder.end("FINISHED")
        raise
    except BaseException as error:
        diverged = isinstance(error, Diverged)
        status, reason = ("FAILED", str(error)) if diverged else end_of(error)
        if status == "FAILED" and not diverged:
            log.exception("run failed")
        folder.end(status, reason, **({"diverged": True} if diverged else {}))
        if is_interrupt(error):
            if job.parent is None:
                error.add_note(f"`{resume_command(job)}` continues the run")
            raise
        raise RunFailed(reason if diverged else f"{reason}{_advice(error, folder, job)}") from error
    else:
        folder.end("FINISHED")
