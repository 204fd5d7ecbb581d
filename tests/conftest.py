"""What tests share: mlcli as a real process, and a few finished runs that many tests read."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tests share two cores with each other: more threads only contend."""
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture(autouse=True)
def no_store_left_over() -> Iterator[None]:
    """MLflow writes the store it was told of into the environment, where the next test's processes would find it."""
    yield
    os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture(scope="session")
def mlcli() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `mlcli …` as a process in a folder, and returns how it ended and what it printed."""

    def run(*arguments: str, cwd: Path, timeout: float = 300, **env: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mlcli", *arguments]
        environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"} | env
        return subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )

    return run
