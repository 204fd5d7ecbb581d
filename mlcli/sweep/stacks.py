"""The strategies `stack` and `auto`: trials that can be a stack train as one computation, if that is faster."""

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
from mlcli.sweep.grouping import group_trials, stacking_obstacle
from mlcli.sweep.halving import NO_STACK, Halving, count_seeds, in_stacks, seeds_together
from mlcli.sweep.probe import probe_stack
from mlcli.sweep.serial import record_failed_start, run_serial
from mlcli.sweep.session import Session
from mlcli.sweep.timing import measure_speedup
from mlcli.sweep.trial import Trial
from mlcli.track.sweep_console import SweepConsole
from mlcli.train.loop import Epoch

log = logging.getLogger("mlcli")


def run_stacks(trials: Sequence[Trial], console: SweepConsole, session: Session, strategy: str) -> None:
    """Trains each group of trials that stack as one computation, and the others one by one.

    Trials that mlcli cannot stack train one by one with both strategies. If a stack raises another error while it is
    tried out before its training, its trials train one by one with "auto" and fail with "stack".
    """
    halving = trials[0].job.cfg.sweep.halving
    seeds = count_seeds(trials) if halving else Counter[str]()
    for place, group in enumerate(map(seeds_together, group_trials(trials))):
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


def _run_group(
    group: list[Trial], seeds: Counter[str], console: SweepConsole, session: Session, strategy: str
) -> str | None:
    """Trains the group as stacks that fit into memory. Returns a reason if it must train one by one instead."""
    try:
        parts, speedup, measured = _probe(group)
    except CannotStack as error:
        return str(error).strip().splitlines()[0]
    except ConfigError:  # reported when the trial itself starts
        return "not all of them can be built"
    except BaseException as error:  # such as SystemExit
        if is_interrupt(error):
            raise
        log.exception("a stack of %d trials failed before its training", len(group))
        fault = f"{first_line(error)} (traceback in train.log of the sweep)"
    else:
        return _run_stacks(group, seeds, parts, speedup, measured, console, session, strategy)
    release_memory()
    if strategy != "stack":
        return fault
    failure = ConfigError(f"no stack: {fault}; use hydra/launcher=auto to train one by one")
    console.error(f"{len(group)} trials failed: {failure}")
    for trial in group:
        record_failed_start(trial, failure, session)
    return None


def _run_stacks(
    group: list[Trial],
    seeds: Counter[str],
    parts: list[Parts],
    speedup: float,
    measured: str,
    console: SweepConsole,
    session: Session,
    strategy: str,
) -> str | None:
    size = len(parts)
    if size == 1:
        return "two do not fit into memory together"
    if speedup < 1 and strategy != "stack" and not group[0].job.cfg.sweep.halving:
        return f"a stack would be slower ({measured})"
    console.note(parts[0].transferred.line() if parts[0].transferred else "")
    stacks = "one stack" if size == len(group) else f"stacks of {size}"
    console.note(f"{len(group)} trials as {stacks}: {speedup:.1f} times as fast as one by one ({measured})")
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
    return None


def _probe(group: Sequence[Trial]) -> tuple[list[Parts], float, str]:
    """The parts of as many trials as fit into memory as one stack, its speed-up and the measured times as text.

    Raises ConfigError, CannotStack, and whatever else a step or an evaluation of the stack raises.
    """
    cfg = group[0].job.cfg
    first = build(cfg)
    check_monitor(cfg, first)
    size = min(len(group), trials_that_fit(first))
    parts = build_trials([trial.job.cfg for trial in group[:size]])
    while len(parts) > 1:
        found = _speedup(parts, [trial.job.cfg for trial in group[: len(parts)]])
        if found is not None:
            return parts, *found
        release_memory()
        parts = parts[: len(parts) // 2]
    return parts, 0.0, ""


def _speedup(parts: Sequence[Parts], cfgs: Sequence[Settings]) -> tuple[float, str] | None:
    """Tries the stack out and times it; None if memory ran out. No reference to the stack is kept."""
    try:
        probe_stack(parts, cfgs)
        return measure_speedup(parts, cfgs[0])
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
