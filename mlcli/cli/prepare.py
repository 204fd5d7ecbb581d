"""What `mlcli train` and its dry run share: the job of a run, and the sweeper of a sweep. Does not import Typer."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hydra._internal.hydra import Hydra
    from omegaconf import DictConfig

    from mlcli.run.job import Job
    from mlcli.sweep.session import Session
    from mlcli.track.console import Console


def prepare_job(cfg: "DictConfig", command: str, console: "Console", dry_run: bool = False) -> "Job":
    """The run that the config describes, checked as far as nothing is built. Raises ConfigError.

    A learning rate of `auto` is determined, except in a dry run, which uses a number instead.
    """
    from mlcli.config.auto_task import command_with_task
    from mlcli.config.check import check
    from mlcli.config.compose import dependents, to_run
    from mlcli.config.errors import ConfigError
    from mlcli.config.job import as_typed, chosen_options
    from mlcli.run import estimator, transfer
    from mlcli.run.job import Job

    run = to_run(cfg)
    if run.variant is not None:
        raise ConfigError(f"variant={run.variant}: variants exist in sweeps only, not in a single run.")
    plots: list[Any] = []
    if isinstance(run.optimizer, dict) and run.optimizer.get("lr") == "auto":
        from mlcli.sweep.lr_range import resolve_lr, with_first_rate

        if made := dependents(cfg, "optimizer.lr"):
            raise ConfigError(f"{made[0]} depends on optimizer.lr, which is auto: use a number for one of them.")
        if dry_run:
            run = with_first_rate(run)
            console.note("optimizer.lr=auto: a learning-rate range test would come before the training")
        else:
            run, *plots = resolve_lr(run, console)
    check(run)
    transfer.resolve_init_from(run)
    estimator.check_overrides(run, as_typed(cfg.hydra.overrides.task))
    console.note(estimator.resolve_epochs(run))
    path = Path(cfg.hydra.run.dir)
    overrides, options = as_typed(cfg.hydra.overrides.task), chosen_options(cfg.hydra)
    command = command_with_task(command, overrides)
    return Job(run, overrides, path, command, path.name, options=options, plots=plots)


def run_sweeper(hydra: "Hydra", cfg: "DictConfig", session: "Session") -> None:
    """Has the sweeper of the config pass its trials to the session. Raises ConfigError, RunFailed and Planned."""
    from hydra._internal.callbacks import Callbacks
    from hydra.types import HydraContext

    from hydra_plugins.mlcli_sweep.plugins import sweeper_of
    from mlcli.config.job import as_typed

    context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(cfg))
    sweeper_of(cfg, context, session).sweep(arguments=as_typed(cfg.hydra.overrides.task))
