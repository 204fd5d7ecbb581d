"""The life of many runs that train as one stack; each comes out as if it had trained alone."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from mlcli.data.loader import Loader
from mlcli.data.stacked import StackedLoader
from mlcli.run import device as devices
from mlcli.run.build import Parts, build
from mlcli.run.figures import Save
from mlcli.run.finish import finish
from mlcli.run.folder import RunFolder
from mlcli.run.life import Job, describe, first_record, plan_of
from mlcli.run.memory import is_exhausted
from mlcli.run.threads import FastestThreads
from mlcli.run.weights import save_weights
from mlcli.track.journal import Journal
from mlcli.train.loop import Epoch, Progress, fit_trials
from mlcli.train.stack import Stack

log = logging.getLogger("mlcli")


@dataclass
class Member:
    """One run of a stack, and how it goes. Whoever watches may end it with `prune`."""

    job: Job
    parts: Parts
    folder: RunFolder
    progress: Progress = field(default_factory=Progress)
    journalled: int = 0  # epochs
    status: str = "RUNNING"
    reason: str | None = None
    result: dict[str, Any] = field(default_factory=dict)
    drawn: bool = False

    def prune(self, reason: str) -> None:
        """Takes the run out of the stack after this epoch."""
        self.status, self.progress.stopped = "PRUNED", reason

    def end(self, status: str, reason: str | None = None) -> None:
        self.status, self.reason = status, reason
        self.folder.end(status, reason)


# Told of each epoch of each member, and with None that time passes.
Watch = Callable[[Member | None, Epoch | None], None]


def build_together(cfgs: Sequence[Any]) -> list[Parts]:
    """The parts of runs of one kind. What they have in common is prepared once."""
    first = build(cfgs[0])
    made = [first]
    for cfg in cfgs[1:]:
        same = cfg.split == cfgs[0].split
        made.append(build(cfg, first.data, loader_of(first)) if same else build(cfg))
    return made


def loader_of(parts: Parts) -> Loader | None:
    """What another trial with the same data need not prepare again; None where the task has none."""
    return getattr(parts.task, "loader", None)


def stack_of(parts: Sequence[Parts]) -> Any:
    """Their tasks as one (`Trials`, and `write_back()`), which is a Stack of networks unless the task's class has a
    `stack(tasks)` of its own. Raises CannotStack with the reason where they cannot be."""
    tasks: list[Any] = [each.task for each in parts]
    own = getattr(type(tasks[0]), "stack", None)
    return own(tasks) if own is not None else Stack(tasks, StackedLoader([task.loader for task in tasks]))


def train_together(
    jobs: Sequence[Job], parts: Sequence[Parts], follow: Callable[[Path], None], watch: Watch, drawn: int, save: Save
) -> list[Member]:
    """Trains the jobs as one stack and returns what became of each. Their folders are told to `follow`.

    The best are finished first, and so many as `drawn` says give their figures to `save`. A stack that runs out of
    memory is halved. Raises what ends all of them, with the folders marked so.
    """
    pairs = zip(jobs, parts, strict=True)
    members = [Member(job, each, RunFolder.create(job.path, first_record(job))) for job, each in pairs]
    with _recorded(members):
        for member in members:
            describe(member.folder, member.job, member.parts)
            follow(member.folder.path)
        _train(members, watch)
        torch.set_num_threads(parts[0].threads)  # as alone, so that the test split's numbers are the same
        for place, member in enumerate(sorted(members, key=_rank)):
            member.drawn = place < drawn
            _finish(member, save if member.drawn else None)
    return members


def _rank(member: Member) -> tuple[bool, bool, float]:
    """The lower the better; trials that have left early come last."""
    score = member.progress.best_score
    if score is None:
        return True, True, 0.0
    return (
        bool(member.progress.failure),
        member.status == "PRUNED",
        -score if plan_of(member.job.cfg).higher else score,
    )


def _train(members: Sequence[Member], watch: Watch) -> None:
    try:
        _drive(members, watch)
    except Exception as error:
        if len(members) == 1 or not is_exhausted(error):
            raise
        log.warning("%d trials did not fit into memory together; going on with halves", len(members))
        middle = len(members) // 2
        for half in (members[:middle], members[middle:]):
            for member in half:
                member.parts = build(member.job.cfg, member.parts.data, loader_of(member.parts))
                member.progress = Progress()
            _train(half, watch)


def _drive(members: Sequence[Member], watch: Watch) -> None:
    stack = stack_of([member.parts for member in members])
    counts = devices.thread_counts(members[0].job.cfg.device.threads)
    if members[0].parts.device.type == "cpu":
        stack.step = FastestThreads(stack.step, counts)
    plans = [plan_of(member.job.cfg) for member in members]
    try:
        for event in fit_trials(stack, plans, [member.progress for member in members]):
            if isinstance(event, Epoch):
                _journal(members[event.trial], event)
                watch(members[event.trial], event)
            else:
                watch(None, None)
    finally:
        stack.write_back()
        for member in members:
            if member.progress.step:
                save_weights(member.folder.path / "last.safetensors", member.parts)


def _journal(member: Member, event: Epoch) -> None:
    """Once for each epoch, of which the first come again when a stack starts anew in halves. The file is opened for
    each line: a thousand trials would be a thousand open files."""
    if event.epoch > member.journalled:
        member.journalled = event.epoch
        with Journal(member.folder.path / "metrics.jsonl") as journal:
            journal.write(event.epoch, event.step, event.metrics)


def _finish(member: Member, save: Save | None) -> None:
    if member.progress.failure:
        member.end("FAILED", str(member.progress.failure))
        return
    status = "PRUNED" if member.status == "PRUNED" else "FINISHED"
    try:
        member.result = finish(member.folder, member.job.cfg, member.parts, member.progress, save)
    except Exception as error:
        log.exception("trial %s failed", member.job.id)
        member.end("FAILED", f"{type(error).__name__}: {error}".splitlines()[0])
    else:
        member.end(status, member.progress.stopped if status == "PRUNED" else None)


@contextmanager
def _recorded(members: Sequence[Member]) -> Iterator[None]:
    """Writes what ended them all into the folders that have no end yet."""
    try:
        yield
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt | SystemExit)
        status, reason = ("KILLED", "interrupted") if interrupted else ("FAILED", f"{type(error).__name__}: {error}")
        for member in members:
            if not member.result and member.status != "FAILED":
                member.end(status, reason.splitlines()[0])
        raise
