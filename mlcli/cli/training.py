"""Runs `mlcli train`. Does not import Typer, which would delay the first update."""

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcli.cli.errors import RunFailure, user_errors

if TYPE_CHECKING:
    import argparse

    from hydra._internal.hydra import Hydra
    from omegaconf import DictConfig


def main(arguments: list[str]) -> None:
    """Runs `mlcli train`. The arguments are parsed by Hydra's parser, extended by the flags of mlcli."""
    from mlcli.config.arguments import parse
    from mlcli.config.compose import hydra_session

    # Before torch is imported: waiting threads spin for microseconds instead of milliseconds, which leaves the cores
    # to other processes and makes training on a busy machine faster.
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
    with user_errors():
        flags = parse(arguments)
        command = f"mlcli {shlex.join(sys.argv[1:])}"
        level = 0 if flags.quiet else 2 if flags.verbose else 1
        with hydra_session(flags.config_dir, flags.config_path) as hydra:
            if flags.dry_run:
                from mlcli.cli.dry_run import train_nothing

                train_nothing(hydra, flags, command, level)
            elif not _show(hydra, flags):
                _train(hydra, flags, command, level)


def _show(hydra: "Hydra", flags: "argparse.Namespace") -> bool:
    """Handles the flags of Hydra that print something and do not train. Returns whether there is one."""
    name = flags.config_name or "config"
    if flags.cfg:
        from mlcli.config.compose import compose, to_yaml
        from mlcli.config.errors import ConfigError

        try:
            cfg = compose(hydra, flags.overrides, flags.multirun, name)
        except ConfigError:  # task=auto may lack the data that decides it; other errors come again
            cfg = compose(hydra, flags.overrides, flags.multirun, name, resolve=False)
        print(to_yaml(hydra, cfg, flags.cfg, flags.package, flags.resolve), end="")
        return True
    from hydra._internal.utils import get_args_parser

    from mlcli import renamed
    from mlcli.config.explain import composing
    from mlcli.config.own_table import readable

    with composing():
        if flags.info:
            hydra.show_info(flags.info, name, readable([renamed.override(text) for text in flags.overrides]))
        elif flags.hydra_help:
            hydra.hydra_help(name, get_args_parser(), flags)
        elif flags.shell_completion:
            hydra.shell_completion(name, flags.overrides)
    return bool(flags.info or flags.hydra_help or flags.shell_completion)


def _train(hydra: "Hydra", flags: "argparse.Namespace", command: str, level: int) -> None:
    from omegaconf import OmegaConf

    from mlcli.config.compose import compose
    from mlcli.config.hydra_keys import resolve_hydra_keys
    from mlcli.track.tracking import tracked

    cfg = compose(hydra, flags.overrides, flags.multirun, flags.config_name)
    resolve_hydra_keys(cfg)
    sweep = cfg.hydra.mode.name == "MULTIRUN"
    with tracked(cfg.outputs, cfg.tracking, early=sweep) as follow:
        if OmegaConf.is_list(cfg.pretrain):
            cfg = _pretrain(hydra, flags, cfg, command, level, follow)
        if sweep:
            _sweep(hydra, cfg, flags, command, level, follow)
        else:
            _run(cfg, flags, command, level, follow)


def _pretrain(
    hydra: "Hydra", flags: "argparse.Namespace", cfg: "DictConfig", command: str, level: int, follow: Any
) -> "DictConfig":
    """Trains the run that `pretrain` describes. Returns the config with the folder of that run."""
    from mlcli.config.compose import compose
    from mlcli.config.job import as_typed
    from mlcli.run.failure import RunFailed
    from mlcli.run.pretrain import pretrain
    from mlcli.track.console import Console

    try:
        own = as_typed(cfg.pretrain)
        folder = pretrain(hydra, flags.overrides, own, flags.config_name, command, Console(level), follow)
    except RunFailed as error:
        raise RunFailure(str(error)) from error
    return compose(hydra, [*flags.overrides, f"pretrain='{folder}'"], flags.multirun, flags.config_name)


def _run(cfg: "DictConfig", flags: "argparse.Namespace", command: str, level: int, follow: Any) -> None:
    from mlcli.cli.guesses import say_guesses
    from mlcli.cli.prepare import prepare_job
    from mlcli.cli.result import print_result
    from mlcli.config.gc_policy import collect_rarely
    from mlcli.run.failure import RunFailed
    from mlcli.run.lifecycle import train as train_run
    from mlcli.track.console import Console

    collect_rarely()
    console = Console(level)
    job = prepare_job(cfg, command, console)
    try:
        result = train_run(job, console, follow)
    except RunFailed as error:
        raise RunFailure(str(error)) from error
    if flags.json:
        from mlcli.cli.document import print_document

        print_document(job.path)
    else:
        print_result(result, job.path)
    if level:
        say_guesses(job.path)


def _sweep(
    hydra: "Hydra", cfg: "DictConfig", flags: "argparse.Namespace", command: str, level: int, follow: Any
) -> None:
    from mlcli.cli.guesses import say_guesses
    from mlcli.cli.interrupted_sweep import table_on_interrupt
    from mlcli.cli.prepare import run_sweeper
    from mlcli.cli.sweep_table import print_sweep
    from mlcli.run.failure import RunFailed
    from mlcli.sweep.plot_pool import load_matplotlib
    from mlcli.sweep.session import Session

    if cfg.tracking.figures:
        load_matplotlib()  # in another process, while this one imports torch
    failure = None
    try:
        session = Session(command, level, follow, flags=_config_flags(flags))
        with session, table_on_interrupt(session, flags.json):
            run_sweeper(hydra, cfg, session)
    except RunFailed as error:  # some sweepers stop at a failed trial; the results so far are printed
        failure = str(error)
    folder = Path(cfg.hydra.sweep.dir)
    if (folder / "trials.json").exists():
        unfinished = print_sweep(str(folder), flags.json)
        failure = failure or unfinished
    elif flags.json:
        from mlcli.cli.document import print_document

        print_document(folder)
    elif failure is None:  # other launchers of Hydra write no report
        print(f"trials in {folder}; list them with `mlcli runs`")
    if level:
        say_guesses(folder)
    if failure is not None:
        raise RunFailure(failure)


def _config_flags(flags: "argparse.Namespace") -> list[str]:
    """The flags of the command that choose configs."""
    given = {"--config-dir": flags.config_dir, "--config-path": flags.config_path, "--config-name": flags.config_name}
    return [part for pair in given.items() if pair[1] for part in pair]
