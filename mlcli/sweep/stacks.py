"""The strategies `stack` and `auto`: trials that can be a stack train as one computation; with `auto` if that is
faster."""

import logging
from collections import Counter
from collections.abc import Sequence

from mlcli.cannot_stack import CannotStack
from mlcli.config.errors import ConfigError
from mlcli.config.settings import Settings
from mlcli.machine.memory import is_out_of_memory, release_memory
from mlcli.run.build import Parts, build
from mlcli.run.failure import first_line, is_interrupt
from mlcli.run.job import run_name
from mlcli.run.member import StackMember
from mlcli.run.metrics import check_monitor
from mlcli.run.stack_size import trials_that_fit
from mlcli.run.stacked import build_trials, train_stacked
from mlcli.sweep.choice import Choice
from mlcli.sweep.grouping import group_trials, stacking_obstacle
from mlcli.sweep.halving import NO_STACK, Halving, count_seeds, in_stacks, seeds_together
from mlcli.sweep.probe import probe_stack
from mlcli.sweep.serial import record_failed_start, run_serial
from mlcli.sweep.session import Session
from mlcli.sweep.stack_rule import choose
from mlcli.sweep.timing import choose_by_timing
from mlcli.sweep.trial import Trial
from mlcli.track.sweep_console import SweepConsole
from mlcli.train.loop import Epoch

log = logging.getLogger("mlcli")


def run_stacks(trials: Sequence[Trial], console: SweepConsole, session: Session, strategy: str) -> None:
    """Trains each group of trials that stack as one computation, and the others one by one.

    With "auto" the rule of `mlcli.sweep.stack_rule` decides whether a group trains as a stack. Trials that mlcli
    cannot stack train one by one with both strategies. If a stack raises another error while it is tried out before
    its training, its trials train one by one with "auto" and fail with "stack".
    """
    halving = trials[0].job.cfg.sweep.halving
    seeds = count_seeds(trials) if halving else Counter[str]()
    for place, group in enumerate(map(seeds_together, group_trials([each for each in trials if not each.alone]))):
        reason = None
        if len(group) > 1:
            if place:
                release_memory()  # memory of the previous stack
            reason = stacking_obstacle(group[0].job.cfg) or _run_group(group, seeds, console, session, strategy)
        if reason is not None:
            console.note(f"{len(group)} trials one by one: {reason}{f'; {NO_STACK}' if halving else ''}")
        elif len(group) == 1 and halving:
            console.note(f"trial {group[0].number} trains alone; {NO_STACK}")
        if len(group) == 1 or reason is not None:
            run_serial(group, console, session)
    run_serial([trial for trial in trials if trial.alone], console, session)


def _run_group(
    group: list[Trial], seeds: Counter[str], console: SweepConsole, session: Session, strategy: str
) -> str | None:
    """Trains the group as stacks that fit into memory. Returns a reason if it must train one by one instead."""
    try:
        parts, choice = _probe(group, strategy)
    except CannotStack as error:
        parts, choice = [], Choice(False, "obstacle", str(error).strip().splitlines()[0])
    except ConfigError:  # reported when the trial itself starts
        parts, choice = [], Choice(False, "obstacle", "not all of them can be built")
    except BaseException as error:  # such as SystemExit
        if is_interrupt(error):
            raise
        log.exception("a stack of %d trials failed before its training", len(group))
        parts, choice = [], Choice(False, "fault", f"{first_line(error)} (traceback in train.log of the sweep)")
    if strategy == "auto":
        for trial in group:
            trial.choice = choice
    if choice.together:
        _run_stacks(group, seeds, parts, choice, console, session)
        return None
    release_memory()
    if choice.by != "fault" or strategy != "stack":
        return choice.reason
    failure = ConfigError(f"no stack: {choice.reason}; use hydra/launcher=auto to train one by one")
    console.error(f"{len(group)} trials failed: {failure}")
    for trial in group:
        record_failed_start(trial, failure, session)
    return None


def _run_stacks(
    group: list[Trial],
    seeds: Counter[str],
    parts: list[Parts],
    choice: Choice,
    console: SweepConsole,
    session: Session,
) -> None:
    size = len(parts)
    console.note(parts[0].transferred.line() if parts[0].transferred else "")
    stacks = "one stack" if size == len(group) else f"stacks of {size}"
    console.note(f"{len(group)} trials as {stacks}{f' ({choice.reason})' if choice.reason else ''}")
    for place, chunk in enumerate(in_stacks(group, size)):
        if place:
            release_memory()
        del parts[len(chunk) :]
        try:
            parts = parts or build_trials([trial.job.cfg for trial in chunk])
        except Exception as error:  # reported when the trial itself starts
            log.warning("%d trials one by one: %s", len(chunk), first_line(error))
        if parts:
            _train(chunk, seeds, parts, console, session)
        else:
            run_serial(chunk, console, session)
        parts.clear()  # also for the caller, so that the next stack has the memory


def _probe(group: Sequence[Trial], strategy: str) -> tuple[list[Parts], Choice]:
    """The choice for the group and, for a stack, the parts of as many trials as fit into memory as one.

    Raises ConfigError, CannotStack, and whatever else a step or an evaluation of the stack raises.
    """
    cfg = group[0].job.cfg
    first = build(cfg)
    check_monitor(cfg, first)
    size = min(len(group), trials_that_fit(first))
    choice = _by_rule(first, group, strategy)
    if choice is not None and not choice.together:
        return [], choice
    parts = build_trials([trial.job.cfg for trial in group[:size]])
    while len(parts) > 1:
        tried = _try_out(parts, [trial.job.cfg for trial in group[: len(parts)]], choice)
        if tried is not None:
            return parts, tried
        release_memory()
        parts = parts[: len(parts) // 2]
    return [], Choice(False, "memory", "two do not fit into memory together")


def _by_rule(first: Parts, group: Sequence[Trial], strategy: str) -> Choice | None:
    """The choice, unless the stack has to be timed."""
    if strategy == "stack":
        return Choice(True, "launcher", "")
    if group[0].job.cfg.sweep.halving:
        return Choice(True, "halving", "sweep.halving needs one")
    return choose(first, len(group))


def _try_out(parts: Sequence[Parts], cfgs: Sequence[Settings], choice: Choice | None) -> Choice | None:
    """Tries the stack out, and times it where there is no choice yet. None if memory ran out.

    No reference to the stack is kept.
    """
    try:
        probe_stack(parts, cfgs)
        return choice or choose_by_timing(parts, cfgs[0])
    except Exception as error:
        if not is_out_of_memory(error):
            raise
    return None


def _train(
    chunk: list[Trial], seeds: Counter[str], parts: list[Parts], console: SweepConsole, session: Session
) -> None:
    cfg = chunk[0].job.cfg
    trial_of = {trial.job.id: trial for trial in chunk}
    members = [StackMember(trial.job, own) for trial, own in zip(chunk, parts, strict=True)]
    halving = Halving(cfg, members, seeds, console.note)

    def report(member: StackMember | None, event: Epoch | None) -> None:
        if member is None or event is None:
            for each in halving.on_boundary():
                console.leave(trial_of[each.job.id].number)
            console.refresh()
            return
        halving.on_epoch(member, event)
        console.epoch(trial_of[member.job.id].number, run_name(member.job), event.epoch, event.metrics)

    plotted = len(chunk) if cfg.sweep.figures == "all" else cfg.sweep.figures
    try:
        train_stacked(members, session.follow, report, console.error, plotted, session.save)
    except Exception as error:  # raised by writing run folders, e.g. on a full disk
        log.exception("%d trials failed", len(chunk))
        for member in members:
            if member.status == "RUNNING":
                member.status, member.reason = "FAILED", first_line(error)
    finally:
        for trial, member in zip(chunk, members, strict=True):
            if member.status != "RUNNING":  # an interrupt before its start leaves the trial WAITING
                trial.status, trial.reason = member.status, member.reason
                trial.result, trial.has_figures = member.result, member.has_figures
    for trial in chunk:
        console.end(trial.number, run_name(trial.job), trial.status, trial.reason)
