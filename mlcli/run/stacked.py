"""The lifecycle of many runs that train as one stack; the result of each is that of a single run."""

import logging
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mlcli.loading.stacked_loader import StackedLoader
from mlcli.machine.memory import is_out_of_memory, release_memory
from mlcli.run.build import Parts, build
from mlcli.run.failure import end_of, first_line, is_interrupt
from mlcli.run.figures import Save
from mlcli.run.finish import finish
from mlcli.run.lifecycle import plan_of
from mlcli.run.member import OnEpoch, StackMember
from mlcli.track.journal import Journal
from mlcli.train.loop import Epoch, ended, fit_trials
from mlcli.train.protocols import Stackable
from mlcli.train.single_trial import SingleTrial
from mlcli.train.stack.agreement import is_foreign, require_agreement
from mlcli.train.stack.stack import Stack

log = logging.getLogger("mlcli")


def build_trials(cfgs: Sequence[Any]) -> list[Parts]:
    """The parts of runs of one kind. Data that they share is prepared once."""
    first = build(cfgs[0])
    made = [first]
    for cfg in cfgs[1:]:
        same = cfg.split == cfgs[0].split
        made.append(build(cfg, first.data, first.loader) if same else build(cfg))
    return made


def stack_of(parts: Sequence[Parts]) -> Any:
    """Their tasks as one (`Trials`, with `write_back()`): by the `stack(tasks)` of the task's class, or a Stack of
    networks. Raises CannotStack with the reason."""
    tasks: list[Any] = [each.task for each in parts]
    if isinstance(tasks[0], Stackable):
        return tasks[0].stack(tasks)
    stack = _network_stack(tasks)
    if len(tasks) > 1 and is_foreign(tasks[0].model):
        pair = [tasks[0], tasks[-1]]
        require_agreement(pair, _network_stack(pair))
    return stack


def _network_stack(tasks: Sequence[Any]) -> Stack:
    return Stack(tasks, StackedLoader([task.loader for task in tasks]))


def train_stacked(
    members: Sequence[StackMember],
    follow: Callable[[Path], None],
    on_epoch: OnEpoch,
    print_error: Callable[[str], None],
    plotted: int,
    save: Save,
) -> None:
    """Trains the members as one stack and records each one's end in its folder.

    follow: called with each folder, for trackers. plotted: how many of the best members save their figures. A stack
    that runs out of memory is halved; after any other error its members train one by one. Raises errors that prevent
    writing the folders, after they have been recorded where possible.
    """
    with _common_failure_recorded(members):
        for member in members:
            member.create_folder()
            follow(member.folder.path)
        torch.set_num_threads(members[0].parts.threads)  # as for a single run: the number may change the last bits
        _train(members, on_epoch, print_error)
        for place, member in enumerate(sorted(members, key=_rank)):
            member.has_figures = place < plotted
            _finish(member, save if member.has_figures else None)


def _rank(member: StackMember) -> tuple[bool, bool, float]:
    """Sort key, best first; failed and pruned trials come last."""
    score = member.progress.best_score
    if score is None:
        return True, True, 0.0
    return (
        bool(member.progress.failure),
        member.status == "PRUNED",
        -score if plan_of(member.job.cfg).higher else score,
    )


def _train(members: Sequence[StackMember], on_epoch: OnEpoch, print_error: Callable[[str], None]) -> None:
    """Trains all members until they are complete or have failed on their own.

    One stack's memory is released before the next begins. Members that were complete when a stack failed keep their
    results.
    """
    waiting = deque([(list(members), False)])
    while waiting:
        group, alone = waiting.popleft()
        failure = _try(group, on_epoch, alone)
        if failure is None:
            if waiting:
                release_memory()
            continue
        left = _reset_incomplete(group)
        release_memory()
        if failure.is_out_of_memory and len(left) > 1:
            print_error(f"{len(group)} trials do not fit into memory together: {len(left)} of them restart in halves")
            middle = len(left) // 2
            waiting.extendleft([(left[middle:], False), (left[:middle], False)])
        elif left and not alone:
            print_error(
                f"a stack of {len(group)} trials failed ({failure.line}): {len(left)} of them restart, one by one"
            )
            waiting.extendleft([([member], True) for member in reversed(left)])
        elif left:
            left[0].end("FAILED", failure.line)


@dataclass(frozen=True)
class _Failure:
    line: str
    is_out_of_memory: bool


def _try(members: Sequence[StackMember], on_epoch: OnEpoch, alone: bool) -> _Failure | None:
    """Trains them together, or the only member without a stack. Returns the failure as plain values: the exception
    itself would keep the stack in memory."""
    try:
        for member in members:
            member.rebuild()
        _train_together(members, on_epoch, alone)
    except BaseException as error:
        if is_interrupt(error):
            raise
        log.error("training together failed\n%s", traceback.format_exc())
        return _Failure(first_line(error), is_out_of_memory(error))
    return None


def _reset_incomplete(members: Sequence[StackMember]) -> list[StackMember]:
    """Resets and returns the members whose training is incomplete; copies the others' best weights out of the
    stack's tensors."""
    for member in members:
        if member.is_trained:
            best = member.progress.best_weights
            member.progress.best_weights = {name: tensor.clone() for name, tensor in best.items()}
        else:
            member.reset()
    return [member for member in members if not member.is_trained]


def _train_together(members: Sequence[StackMember], on_epoch: OnEpoch, alone: bool) -> None:
    trials: Any = SingleTrial(members[0].parts.task) if alone else stack_of([member.parts for member in members])
    plans = [plan_of(member.job.cfg) for member in members]
    try:
        for event in fit_trials(trials, plans, [member.progress for member in members]):
            if isinstance(event, Epoch):
                _record_epoch(members[event.trial], event, on_epoch)
                continue
            on_epoch(None, None)
            for member, plan in zip(members, plans, strict=True):
                member.is_trained = ended(plan, member.progress)
    except BaseException:
        with suppress(Exception):  # the first error is the one to report
            _save_last(trials, members, alone)
        raise
    _save_last(trials, members, alone)


def _save_last(trials: Any, members: Sequence[StackMember], alone: bool) -> None:
    if not alone:
        trials.write_back()
    for member in members:
        if member.progress.step:
            member.parts.save_weights(member.folder.path / "last.safetensors")


def _record_epoch(member: StackMember, event: Epoch, on_epoch: OnEpoch) -> None:
    """Writes an epoch to the journal, once: after a restart the first epochs come again. The file is opened for each
    line, since a thousand trials would be a thousand open files."""
    if event.epoch > member.recorded_epochs:
        member.recorded_epochs = event.epoch
        with Journal(member.folder.path / "metrics.jsonl") as journal:
            journal.write(event.epoch, event.step, event.metrics)
        on_epoch(member, event)


def _finish(member: StackMember, save: Save | None) -> None:
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
def _common_failure_recorded(members: Sequence[StackMember]) -> Iterator[None]:
    """Records an error that ends them all in the folders without an end yet."""
    try:
        yield
    except BaseException as error:
        for member in members:
            if member.has_folder and not member.result and member.status != "FAILED":
                failure = member.progress.failure
                member.end(*(("FAILED", str(failure)) if failure else end_of(error)))
        raise
