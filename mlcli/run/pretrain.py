"""Trains the run that a config names as `pretrain`, from whose weights other runs start.

`pretrain` holds overrides of the config itself, so that both runs have the same network.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from hydra._internal.hydra import Hydra
from hydra.core.override_parser.overrides_parser import OverridesParser

from mlcli.config.check import check
from mlcli.config.compose import compose, to_run
from mlcli.config.job import as_typed, chosen_options
from mlcli.config.own_table import readable
from mlcli.run.job import Job
from mlcli.run.lifecycle import train
from mlcli.track.console import RunDisplay

# Settings of an experiment for the runs that follow, reset for the pre-training.
RESET = (
    "hydra.mode=RUN",
    "pretrain=null",
    "conclusion=null",
    "variant=null",
    "trainer.repeats=1",
    "model.init_from=null",
    "model.freeze=null",
)


def pretrain(
    hydra: Hydra,
    given: Sequence[str],
    own: Sequence[str],
    config_name: str | None,
    command: str,
    console: RunDisplay,
    follow: Callable[[Path], None],
) -> Path:
    """Trains the run and returns its folder. given: overrides of the command line, which apply as well, without
    sweeps; own: those of `pretrain`, which take precedence. Raises ConfigError, RunFailed and KeyboardInterrupt.
    """
    job = pretrain_job(hydra, given, own, config_name, command)
    console.note("pre-training:")
    train(job, console, follow)
    return job.path


def pretrain_job(
    hydra: Hydra, given: Sequence[str], own: Sequence[str], config_name: str | None, command: str
) -> Job:
    """The run to pre-train. Arguments as of `pretrain`. Raises ConfigError."""
    parsed = OverridesParser.create().parse_overrides(readable(given))
    kept = [override.input_line or "" for override in parsed if not override.is_sweep_override()]
    cfg = compose(hydra, [*kept, *RESET, *own], name=config_name)
    run = to_run(cfg)
    check(run)
    path = Path(cfg.hydra.run.dir).absolute()
    overrides, options = as_typed(cfg.hydra.overrides.task), chosen_options(cfg.hydra)
    return Job(run, overrides, path, command, path.name, options=options)
