"""What `--dry-run` prints: the run, or the trials of a sweep and their stacks."""

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mlcli.cli.output import print_line, print_table

if TYPE_CHECKING:
    import argparse

    from hydra._internal.hydra import Hydra
    from omegaconf import DictConfig

    from mlcli.run.job import Job
    from mlcli.sweep.plan import Group, SweepPlan
    from mlcli.sweep.session import Session

MOST = 50  # trials listed
NOTHING = "dry run: nothing was trained or written"


def train_nothing(hydra: "Hydra", flags: "argparse.Namespace", command: str, level: int) -> None:
    """Checks what `mlcli train` checks before it trains, and prints what it would train. Raises ConfigError."""
    from omegaconf import OmegaConf

    from mlcli.cli.prepare import prepare_job
    from mlcli.config.cache_dir import unchanged_cache
    from mlcli.config.compose import compose
    from mlcli.config.hydra_keys import resolve_hydra_keys
    from mlcli.config.job import as_typed
    from mlcli.run.pretrain import pretrain_job
    from mlcli.sweep.session import Session
    from mlcli.track.console import Console
    from mlcli.track.tracking import tracked

    sys.dont_write_bytecode = True  # of the user's modules
    cfg = compose(hydra, flags.overrides, flags.multirun, flags.config_name)
    resolve_hydra_keys(cfg)
    with tracked(cfg.outputs, cfg.tracking), unchanged_cache():  # which checks the settings of tracking
        if OmegaConf.is_list(cfg.pretrain):
            print_line("pre-training:")
            print_run(pretrain_job(hydra, flags.overrides, as_typed(cfg.pretrain), flags.config_name, command))
            print_line("then, planned without its weights (trials that start from them form stacks of their own):")
            given = [*flags.overrides, "pretrain=null", "model.init_from=null"]
            cfg = compose(hydra, given, flags.multirun, flags.config_name)
        if cfg.hydra.mode.name == "MULTIRUN":
            _plan_sweep(hydra, cfg, Session(command, level, dry_run=True))
        else:
            print_run(prepare_job(cfg, command, Console(level), dry_run=True))
    print_line(NOTHING)


def _plan_sweep(hydra: "Hydra", cfg: "DictConfig", session: "Session") -> None:
    """Prints the plan of a sweep. The sweeper's folder is a temporary one: Hydra's own writes a file to it."""
    from omegaconf import read_write

    from mlcli.cli.prepare import run_sweeper
    from mlcli.store.folder import RunFolder
    from mlcli.sweep.plan import Planned

    folder = Path(cfg.hydra.sweep.dir)
    with tempfile.TemporaryDirectory(prefix="mlcli-") as scratch:
        with read_write(cfg.hydra):
            cfg.hydra.sweep.dir = scratch
        try:
            run_sweeper(hydra, cfg, session)
        except Planned as planned:
            RunFolder(folder, "sweep.json").check_free()
            print_plan(planned.plan, folder.parent)


def print_run(job: "Job") -> None:
    """Checks a run and prints what it would train. Raises ConfigError as the run itself would."""
    from mlcli.run.build import build
    from mlcli.run.job import run_name
    from mlcli.run.lifecycle import sizes_text
    from mlcli.run.metrics import check_monitor
    from mlcli.store.folder import RunFolder

    parts = build(job.cfg)
    check_monitor(job.cfg, parts)
    RunFolder(job.path).check_free()
    typed = dict(text.lstrip("+~").partition("=")[::2] for text in job.overrides)
    shown = ("task", "data", "model", "optimizer", "scheduler", "device", "tracking")
    options = {group: job.options[group] for group in shown if group in job.options}
    print_table(("setting", "value"), list((options | typed).items()))
    trainer = job.cfg.trainer
    print_line(f"{run_name(job)}: {sizes_text(parts)}")
    print_line(
        f"{trainer.epochs} epochs of {parts.steps_per_epoch:,} steps, best epoch by {trainer.monitor}, in "
        f"{_relative(job.path.parent)}"
    )


def print_plan(plan: "SweepPlan", folder: Path) -> None:
    """Prints the trials with what differs between them, and which of them would form a stack. folder: that of all
    sweeps."""
    from mlcli.cli.sweep_table import short_keys
    from mlcli.store.filters import setting_text

    trials = plan.trials
    names = short_keys(trials[0].job.swept)
    numbers = {trial.number: place for place, group in enumerate(plan.groups, 1) for trial in group.trials}
    rows = [
        (trial.number, *(setting_text(trial.job.swept.get(key)) for key in names), numbers[trial.number])
        for trial in trials[:MOST]
    ]
    counts = sorted({trial.job.cfg.trainer.epochs for trial in trials})
    epochs = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    title = f"{len(trials)} trial{'s' * (len(trials) != 1)} of {epochs} epochs"
    print_table(("trial", *names.values(), "group"), rows, title)
    if len(trials) > MOST:
        print_line(f"… {len(trials) - MOST:,} more")
    for place, group in enumerate(plan.groups, 1):
        print_line(f"group {place}: {_described(group, plan.strategy)}")
    if plan.differing:
        print_line(f"the groups differ in {', '.join(plan.differing)}, which must be equal within a stack")
    print_line(f"in {_relative(folder)}")


def _described(group: "Group", strategy: str) -> str:
    count = f"{len(group.trials)} trial{'s' * (len(group.trials) != 1)}"
    if group.fault is not None:
        return f"{count} would fail: {group.fault}"
    if group.is_stack:
        return f"{count} as one stack" + ", if that is faster than one by one" * (strategy == "auto")
    if len(group.trials) == 1:
        return f"{count} alone"
    return f"{count} one by one: {group.obstacle}"


def _relative(folder: Path) -> str:
    """Relative to the current folder, where that is shorter."""
    return str(folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder)
