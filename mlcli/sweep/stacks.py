"""Trials that train together: each group that can be a stack becomes one, if that is the faster way."""

from collections.abc import Sequence

from mlcli.config.errors import ConfigError
from mlcli.run.build import Parts, build
from mlcli.run.life import check_monitor, run_name
from mlcli.run.memory import fitting, is_exhausted
from mlcli.run.together import Member, build_together, train_together
from mlcli.sweep.choice import gain
from mlcli.sweep.groups import groups, obstacle
from mlcli.sweep.halving import Halving
from mlcli.sweep.serial import run_serial
from mlcli.sweep.session import Session
from mlcli.sweep.trial import Trial
from mlcli.track.sweep_console import SweepConsole
from mlcli.train.loop import Epoch


def run_stacks(trials: Sequence[Trial], console: SweepConsole, session: Session, way: str) -> None:
    """Trains each group of trials that stack as one computation, and the others one by one."""
    for group in groups(trials):
        reason, halving = obstacle(group[0].job.cfg), group[0].job.cfg.sweep.halving
        if len(group) > 1 and reason is None:
            reason = _run_group(group, console, session, forced=way == "stack" or halving)
        if len(group) > 1 and reason is not None:
            missed = "; sweep.halving needs a stack, so none is pruned" if halving else ""
            console.note(f"{len(group)} trials one by one: {reason}{missed}")
        if len(group) == 1 or reason is not None:
            run_serial(group, console, session)


def _run_group(group: list[Trial], console: SweepConsole, session: Session, forced: bool) -> str | None:
    """Trains the group as stacks that fit into memory. Returns the reason if it should train one by one instead."""
    cfg = group[0].job.cfg
    try:
        first = build(cfg)
        check_monitor(cfg.trainer.monitor, first)
        size = min(len(group), fitting(first))
        parts = build_together([trial.job.cfg for trial in group[:size]])
    except ConfigError:  # whichever of them it is, it is told when its turn comes
        return "not all of them can be built"
    while size > 1:
        try:
            reason = _try(parts[:size], cfg, len(group), console, forced)
            break
        except Exception as error:
            if not is_exhausted(error):
                raise
            size //= 2
    if size == 1 or reason is not None:
        return reason if size > 1 else "two do not fit into memory together"
    for start in range(0, len(group), size):
        chunk = group[start : start + size]
        own = parts[:size] if start == 0 else build_together([trial.job.cfg for trial in chunk])
        _train(chunk, own, console, session)
    return None


def _try(parts: Sequence[Parts], cfg: object, count: int, console: SweepConsole, forced: bool) -> str | None:
    """Says that these will be a stack, or returns why they should not."""
    try:
        times, measured = gain(parts, cfg)
    except (ValueError, RuntimeError) as error:
        if is_exhausted(error):
            raise
        return str(error).strip().splitlines()[0]
    if times < 1 and not forced:
        return f"a stack would be slower ({measured})"
    console.note(parts[0].transferred.line() if parts[0].transferred else "")
    stacks = "one stack" if len(parts) == count else f"stacks of {len(parts)}"
    console.note(f"{count} trials as {stacks}: {times:.1f} times as fast as one by one ({measured})")
    return None


def _train(chunk: list[Trial], parts: list[Parts], console: SweepConsole, session: Session) -> None:
    cfg = chunk[0].job.cfg
    trial_of = {trial.job.id: trial for trial in chunk}
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
        jobs = [trial.job for trial in chunk]
        members = train_together(jobs, parts, session.follow, watch, drawn, session.save)
    except Exception as error:
        console.error(f"{len(chunk)} trials failed: {type(error).__name__}: {error}")
        for trial in chunk:
            trial.status, trial.reason = "FAILED", f"{type(error).__name__}: {error}".splitlines()[0]
        return
    for member in members:
        trial = trial_of[member.job.id]
        trial.status, trial.reason, trial.result = member.status, member.reason, member.result
        trial.drawn = member.drawn
        console.end(trial.number, run_name(trial.job), trial.status, trial.reason)
