"""Trials that train together: each group that can be a stack becomes one, if that is the faster way."""

import logging
from collections.abc import Sequence

from mlcli.cannot_stack import CannotStack
from mlcli.config.errors import ConfigError
from mlcli.config.settings import Settings
from mlcli.run.build import Parts, build
from mlcli.run.failure import first_line
from mlcli.run.lifecycle import run_name
from mlcli.run.member import Member
from mlcli.run.memory_need import fitting, is_exhausted, release
from mlcli.run.metrics import check_monitor
from mlcli.run.stacked import build_together, train_together
from mlcli.sweep.grouping import group_trials, stacking_obstacle
from mlcli.sweep.halving import Halving
from mlcli.sweep.serial import record_failed_start, run_serial
from mlcli.sweep.session import Session
from mlcli.sweep.timing import measure_speedup
from mlcli.sweep.trial import Trial
from mlcli.track.sweep_console import SweepConsole
from mlcli.train.loop import Epoch

log = logging.getLogger("mlcli")


def run_stacks(trials: Sequence[Trial], console: SweepConsole, session: Session, way: str) -> None:
    """Trains each group of trials that stack as one computation, and the others one by one.

    Trials that cannot be a stack for a reason of mlcli's own train one by one whatever the way. So do those whose
    probing shows any other fault, unless the way is "stack": then they have failed.
    """
    for place, group in enumerate(group_trials(trials)):
        reason = None
        if len(group) > 1:
            if place:
                release()  # what the stack before has taken
            reason = stacking_obstacle(group[0].job.cfg) or _run_group(group, console, session, way)
        if reason is not None:
            missed = "; sweep.halving needs a stack, so none is pruned" if group[0].job.cfg.sweep.halving else ""
            console.note(f"{len(group)} trials one by one: {reason}{missed}")
        if len(group) == 1 or reason is not None:
            run_serial(group, console, session)


def _run_group(group: list[Trial], console: SweepConsole, session: Session, way: str) -> str | None:
    """Trains the group as stacks that fit into memory. Returns the reason if it should train one by one instead."""
    try:
        parts, times, measured = _probe(group)
    except CannotStack as error:
        return str(error).strip().splitlines()[0]
    except ConfigError:  # whichever of them it is, it is told when its turn comes
        return "not all of them can be built"
    except Exception as error:
        log.exception("a stack of %d trials failed before its training", len(group))
        fault = f"{first_line(error)} (traceback in train.log of the sweep)"
    else:
        return _run_stacks(group, parts, times, measured, console, session, way)
    release()
    if way != "stack":
        return fault
    told = ConfigError(f"no stack: {fault}; use hydra/launcher=auto to train one by one")
    console.error(f"{len(group)} trials failed: {told}")
    for trial in group:
        record_failed_start(trial, told, session)
    return None


def _run_stacks(
    group: list[Trial],
    parts: list[Parts],
    times: float,
    measured: str,
    console: SweepConsole,
    session: Session,
    way: str,
) -> str | None:
    size = len(parts)
    if size == 1:
        return "two do not fit into memory together"
    if times < 1 and way != "stack" and not group[0].job.cfg.sweep.halving:
        return f"a stack would be slower ({measured})"
    console.note(parts[0].transferred.line() if parts[0].transferred else "")
    stacks = "one stack" if size == len(group) else f"stacks of {size}"
    console.note(f"{len(group)} trials as {stacks}: {times:.1f} times as fast as one by one ({measured})")
    for start in range(0, len(group), size):
        chunk = group[start : start + size]
        if start:
            release()
        try:
            parts = parts or build_together([trial.job.cfg for trial in chunk])
        except Exception as error:  # whichever of them it is, it is told when its turn comes
            log.warning("%d trials one by one: %s", len(chunk), first_line(error))
        if parts:
            _train(chunk, parts, console, session)
        else:
            run_serial(chunk, console, session)
        parts.clear()  # here and for the caller: their memory is for the next ones
    return None


def _probe(group: Sequence[Trial]) -> tuple[list[Parts], float, str]:
    """The parts of as many of them as fit into memory together, and what a stack of these gains, as `gain` says it.

    Raises ConfigError, CannotStack, and whatever else a step or an evaluation of the stack raises.
    """
    cfg = group[0].job.cfg
    first = build(cfg)
    check_monitor(cfg, first)
    size = min(len(group), fitting(first))
    parts = build_together([trial.job.cfg for trial in group[:size]])
    while len(parts) > 1:
        found = _gain(parts, cfg)
        if found is not None:
            return parts, *found
        release()
        parts = parts[: len(parts) // 2]
    return parts, 0.0, ""


def _gain(parts: Sequence[Parts], cfg: Settings) -> tuple[float, str] | None:
    """As `gain`; None where memory ran out, which by then nothing holds on to."""
    try:
        return measure_speedup(parts, cfg)
    except Exception as error:
        if not is_exhausted(error):
            raise
    return None


def _train(chunk: list[Trial], parts: list[Parts], console: SweepConsole, session: Session) -> None:
    cfg = chunk[0].job.cfg
    trial_of = {trial.job.id: trial for trial in chunk}
    members = [Member(trial.job, own) for trial, own in zip(chunk, parts, strict=True)]
    halving = Halving(cfg)

    def watch(member: Member | None, event: Epoch | None) -> None:
        if member is None or event is None:
            halving.prune()
            console.alive()
            return
        halving.epoch(member, event)
        console.epoch(trial_of[member.job.id].number, run_name(member.job), event.epoch, event.metrics)

    drawn = len(chunk) if cfg.sweep.figures == "all" else cfg.sweep.figures
    try:
        train_together(members, session.follow, watch, console.error, drawn, session.save)
    except Exception as error:  # of the folders, which a full disk keeps from being written
        log.exception("%d trials failed", len(chunk))
        for member in members:
            if member.status == "RUNNING":
                member.status, member.reason = "FAILED", first_line(error)
    finally:
        for trial, member in zip(chunk, members, strict=True):
            if member.status != "RUNNING":  # before it had begun, an interrupt leaves it waiting
                trial.status, trial.reason = member.status, member.reason
                trial.result, trial.drawn = member.result, member.drawn
    for trial in chunk:
        console.end(trial.number, run_name(trial.job), trial.status, trial.reason)
