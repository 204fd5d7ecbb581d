"""The life of many runs that train as one stack; each comes out as if it had trained alone."""

import logging
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mlcli.loading.stacked_loader import StackedLoader
from mlcli.machine import device as devices
from mlcli.machine.memory import is_out_of_memory, release_memory
from mlcli.machine.threads import FastestThreads
from mlcli.run.build import Parts, build
from mlcli.run.failure import first_line, is_interrupt
from mlcli.run.figures import Save
from mlcli.run.finish import finish
from mlcli.run.lifecycle import plan_of
from mlcli.run.member import Member, Watch
from mlcli.track.journal import Journal
from mlcli.train.loop import Epoch, ended, fit_trials
from mlcli.train.protocols import Stackable
from mlcli.train.single_trial import SingleTrial
from mlcli.train.stack.stack import Stack

log = logging.getLogger("mlcli")


def build_trials(cfgs: Sequence[Any]) -> list[Parts]:
    """The parts of runs of one kind. What they have in common is prepared once."""
    first = build(cfgs[0])
    made = [first]
    for cfg in cfgs[1:]:
        same = cfg.split == cfgs[0].split
        made.append(build(cfg, first.data, first.loader) if same else build(cfg))
    return made


def stack_of(parts: Sequence[Parts]) -> Any:
    """Their tasks as one (`Trials`, and `write_back()`), which is a Stack of networks unless the task's class has a
    `stack(tasks)` of its own. Raises CannotStack with the reason where they cannot be."""
    tasks: list[Any] = [each.task for each in parts]
    if isinstance(tasks[0], Stackable):
        return tasks[0].stack(tasks)
    return Stack(tasks, StackedLoader([task.loader for task in tasks]))


def train_stacked(
    members: Sequence[Member],
    follow: Callable[[Path], None],
    watch: Watch,
    tell: Callable[[str], None],
    drawn: int,
    save: Save,
) -> None:
    """Trains the members as one stack; what became of each is written into its folder, which `follow` hears of.

    The best are finished first, and so many as `drawn` says give their figures to `save`. A stack that runs out of
    memory is halved, and after any other fault its members train alone; `tell` hears of either. Raises what keeps the
    folders from being written, with those that there are marked so.
    """
    with _recorded(members):
        for member in members:
            member.begin()
            follow(member.folder.path)
        _train(members, watch, tell)
        torch.set_num_threads(members[0].parts.threads)  # as alone, so that the test split's numbers are the same
        for place, member in enumerate(sorted(members, key=_rank)):
            member.drawn = place < drawn
            _finish(member, save if member.drawn else None)


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


def _train(members: Sequence[Member], watch: Watch, tell: Callable[[str], None]) -> None:
    """Trains all members to their end, or until they have a failure of their own.

    A stack is gone before another one begins. Members whose training was over keep what they have.
    """
    waiting = deque([(list(members), False)])
    while waiting:
        group, alone = waiting.popleft()
        fault = _attempt(group, watch, alone)
        if fault is None:
            if waiting:
                release_memory()
            continue
        left = _leave(group)
        release_memory()
        if fault.exhausted and len(left) > 1:
            tell(f"{len(group)} trials do not fit into memory together: {len(left)} of them start anew in halves")
            middle = len(left) // 2
            waiting.extendleft([(left[middle:], False), (left[:middle], False)])
        elif not alone:
            tell(f"a stack of {len(group)} trials failed ({fault.line}): {len(left)} of them start anew, one by one")
            waiting.extendleft([([member], True) for member in reversed(left)])
        else:
            left[0].end("FAILED", fault.line)


@dataclass(frozen=True)
class _Fault:
    line: str
    exhausted: bool  # memory has run out


def _attempt(members: Sequence[Member], watch: Watch, alone: bool) -> _Fault | None:
    """Trains them together, or the one member as if it had never been in a stack. Returns the fault that ended it as
    plain values: the exception itself holds on to the stack, and the memory that it takes."""
    try:
        for member in members:
            member.restore()
        _drive(members, watch, alone)
    except BaseException as error:
        if is_interrupt(error):
            raise
        log.error("training together failed\n%s", traceback.format_exc())
        return _Fault(first_line(error), is_out_of_memory(error))
    return None


def _leave(members: Sequence[Member]) -> list[Member]:
    """Those that start anew. The others' best weights are copied out of the tensors of the whole stack."""
    for member in members:
        if member.over:
            best = member.progress.best_weights
            member.progress.best_weights = {name: tensor.clone() for name, tensor in best.items()}
        else:
            member.drop()
    return [member for member in members if not member.over]


def _drive(members: Sequence[Member], watch: Watch, alone: bool) -> None:
    trials: Any = SingleTrial(members[0].parts.task) if alone else stack_of([member.parts for member in members])
    counts = devices.thread_counts(members[0].job.cfg.device.threads)
    if members[0].parts.device.type == "cpu" and not alone:
        trials.step = FastestThreads(trials.step, counts)
    plans = [plan_of(member.job.cfg) for member in members]
    try:
        for event in fit_trials(trials, plans, [member.progress for member in members]):
            if isinstance(event, Epoch):
                _show(members[event.trial], event, watch)
                continue
            watch(None, None)
            for member, plan in zip(members, plans, strict=True):
                member.over = ended(plan, member.progress)
    finally:
        if not alone:
            trials.write_back()
        for member in members:
            if member.progress.step:
                member.parts.save_weights(member.folder.path / "last.safetensors")


def _show(member: Member, event: Epoch, watch: Watch) -> None:
    """Writes an epoch into the journal, once: when a member starts anew, its first epochs come again. The file is
    opened for each line: a thousand trials would be a thousand open files."""
    if event.epoch > member.journalled:
        member.journalled = event.epoch
        with Journal(member.folder.path / "metrics.jsonl") as journal:
            journal.write(event.epoch, event.step, event.metrics)
        watch(member, event)


def _finish(member: Member, save: Save | None) -> None:
    if member.status == "FAILED":
        return
    if member.progress.failure:
        member.end("FAILED", str(member.progress.failure))
        return
    status = "PRUNED" if member.status == "PRUNED" else "FINISHED"
    try:
        member.result = finish(member.folder, member.job.cfg, member.parts, member.progress, save)
    except BaseException as error:
        if is_interrupt(error):
            raise
        log.exception("trial %s failed", member.job.id)
        member.end("FAILED", first_line(error))
    else:
        member.end(status, member.progress.stopped if status == "PRUNED" else None)


@contextmanager
def _recorded(members: Sequence[Member]) -> Iterator[None]:
    """Writes what ended them all into the folders that have no end yet."""
    try:
        yield
    except BaseException as error:
        status, reason = ("KILLED", "interrupted") if is_interrupt(error) else ("FAILED", first_line(error))
        for member in members:
            if member.begun and not member.result and member.status != "FAILED":
                failure = member.progress.failure
                member.end(*(("FAILED", str(failure)) if failure else (status, reason)))
        raise
