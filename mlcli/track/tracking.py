"""Tracking of a command: starts the courier while it trains, and waits for it at the end."""

import os
import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlcli.config.errors import ConfigError
from mlcli.config.redact import redact
from mlcli.packages import needs
from mlcli.track.console import print_message
from mlcli.track.courier_handle import CourierHandle, start_courier


def tracking_uri(uri: str | None) -> str:
    """The address of MLflow: as configured, else $MLFLOW_TRACKING_URI; "" is the store under `outputs`.

    Raises ConfigError for a path or a word, which MLflow no longer accepts as a store.
    """
    found = uri or os.environ.get("MLFLOW_TRACKING_URI", "")
    if found and ":" not in found and found != "databricks" and "MLFLOW_ALLOW_FILE_STORE" not in os.environ:
        raise ConfigError(
            f"{found} is not the address of an MLflow store: use http://HOST:PORT, or sqlite:///FILE.db for a file."
        )
    return found


def default_experiment() -> str:
    """The MLflow experiment if none is configured, as in conf/tracking."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or "mlcli"


def default_outputs() -> str:
    """The folder of runs if none is given: $MLCLI_OUTPUTS, else `outputs` in the current folder."""
    return os.environ.get("MLCLI_OUTPUTS") or "outputs"


def command_with_flags(name: str, outputs: str, uri: str | None) -> str:
    """`mlcli ui` or `mlcli sync` with the flags for these runs."""
    flags = []
    if Path(outputs).absolute() != Path(default_outputs()).absolute():
        flags += ["--outputs", outputs]
    shown = redact(uri or "")
    if shown and shown != redact(os.environ.get("MLFLOW_TRACKING_URI", "")):
        flags += ["--uri", shown]
    return shlex.join(["mlcli", name, *flags])


def follow_nothing(folder: Path) -> None:
    """For tracking=none: does nothing."""


@contextmanager
def tracked(outputs: str, settings: Any, early: bool = False) -> Iterator[Callable[[Path], None]]:
    """Yields the function that makes the courier follow a folder. At the end MLflow is complete, or a line on stderr
    says why not; a tracker that is out of reach never fails a run.

    early: start the courier at once, for sweeps. By default it starts with the first folder, because importing MLflow
    would slow down the import of torch and delay the first update.
    """
    if settings.name == "none":
        yield follow_nothing
        return
    if settings.name in ("tensorboard", "both") and find_spec("tensorboard") is None:
        raise ConfigError(needs(f"tracking={settings.name}", "tensorboard"))
    couriers: list[CourierHandle] = []
    mlflow = settings.name != "tensorboard"
    uri = tracking_uri(settings.uri) if mlflow else ""

    def start() -> None:
        couriers.append(start_courier(Path(outputs), uri, settings.experiment, mlflow))

    def follow(folder: Path) -> None:
        if not couriers:
            start()
        couriers[0].follow(folder)

    if early:
        start()

    ended = "command has ended"
    try:
        yield follow
        ended = "run has finished"
    finally:
        sync = command_with_flags("sync", outputs, settings.uri)
        try:
            problem = couriers[0].finish() if couriers else None
        except KeyboardInterrupt:
            print_message(f"interrupted; the {ended}. Use `{sync}` to complete MLflow.")
            raise SystemExit(128 + signal.SIGINT) from None
        if problem:
            print_message(f"MLflow is not complete: {problem}. Use `{sync}` to bring it up to date.")
