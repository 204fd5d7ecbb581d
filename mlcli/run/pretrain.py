"""The run that a config asks to be trained first, so that others can begin with its weights.

`pretrain` holds overrides: what they make of the config itself is that run, so that its network is the same.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from hydra._internal.hydra import Hydra
from hydra.core.override_parser.overrides_parser import OverridesParser

from mlcli.config.check import check
from mlcli.config.compose import compose, to_run
from mlcli.config.job import as_typed, chosen_options
from mlcli.run.job import Job
from mlcli.run.lifecycle import train
from mlcli.track.console import RunDisplay

# Of an experiment, what is meant for the runs that come after.
ALONE = (
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
    """Trains it and returns its folder. `given` overrides count for it too, unless they sweep or `own` say otherwise.

    Raises ConfigError, and what `train` raises.
    """
    parsed = OverridesParser.create().parse_overrides(list(given))
    kept = [override.input_line or "" for override in parsed if not override.is_sweep_override()]
    cfg = compose(hydra, [*kept, *ALONE, *own], name=config_name)
    run = to_run(cfg)
    check(run)
    path = Path(cfg.hydra.run.dir).absolute()
    console.note("first the run that others begin with:")
    overrides, options = as_typed(cfg.hydra.overrides.task), chosen_options(cfg.hydra)
    train(Job(run, overrides, path, command, path.name, options=options), console, follow)
    return path
