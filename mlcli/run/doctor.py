"""Checks of the installation."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import requires, version
from pathlib import Path

from mlcli.config.child import python
from mlcli.config.compose import compose, hydra_session, shipped_conf, to_run
from mlcli.config.redact import redact
from mlcli.track.database import check_database
from mlcli.track.tracking import tracking_uri


@dataclass(frozen=True)
class Finding:
    check: str
    ok: bool
    detail: str


def examine(outputs: Path, announce: Callable[[str], None]) -> list[Finding]:
    """The result of every check, in the order in which problems should be solved. announce: called with the name of
    each check before it, because some take seconds."""
    checks: dict[str, Callable[[], str]] = {
        "python": lambda: sys.version.split()[0],
        "packages": _packages,
        "configs": _configs,
        "device": _device,
        "training": _training,
        "outputs": lambda: _outputs(outputs),
        "mlflow": lambda: _mlflow(outputs),
    }
    findings = []
    for name, check in checks.items():
        announce(name)
        findings.append(_tried(name, check))
    return findings


def _tried(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, redact(check()))
    except Exception as error:  # any error is the result of the check
        return Finding(name, False, redact(f"{type(error).__name__}: {error}".splitlines()[0]))


def _packages() -> str:
    """Versions of the required packages. Raises PackageNotFoundError."""
    names = [need.split(";")[0] for need in requires("mlcli") or [] if "extra ==" not in need]
    plain = [name.split("<")[0].split(">")[0].split("=")[0].strip() for name in names]
    return ", ".join(f"{name} {version(name)}" for name in plain)


def _configs() -> str:
    with hydra_session() as hydra:
        to_run(compose(hydra, []))
    return str(shipped_conf())


def _device() -> str:
    from mlcli.machine.device import available

    return ", ".join(available())


def _training() -> str:
    """One optimisation step of a small network on the fastest device."""
    import torch

    from mlcli.machine.device import choose

    device = choose("auto")
    layer = torch.nn.Linear(4, 2).to(device)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.ones(3, 4, device=device)).sum().backward()
    optimizer.step()
    return f"one update on {device}"


def _outputs(outputs: Path) -> str:
    folder = next(each for each in (outputs.absolute(), *outputs.absolute().parents) if each.exists())
    with tempfile.NamedTemporaryFile(dir=folder):
        return f"{outputs.absolute()} is writable"


def _mlflow(outputs: Path) -> str:
    """Imports MLflow in a separate process, as tracking does, and opens the store if there is one."""
    database = outputs.absolute() / "mlflow.db"
    uri = tracking_uri(None) or (f"sqlite:///{database}" if database.exists() else "")
    if uri == f"sqlite:///{database}":
        check_database(database)  # MLflow would retry for minutes
    code = "import os, mlflow\nif uri := os.environ['URI']: mlflow.MlflowClient(uri).search_experiments()"
    command = python("-c", code)
    environment = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"} | os.environ
    environment["URI"] = uri
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", timeout=120, env=environment, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return f"store {uri} opens" if uri else "imports; the first run creates the store"
