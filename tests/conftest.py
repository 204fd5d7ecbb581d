"""Shared fixtures: the environment of tests, and mlcli as a process."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlcli.config import own_code

ROOT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=2, help="runs that tests/faults kills with -9")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tests run in parallel on few cores: more threads would compete for them."""
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture(autouse=True)
def clear_tracking_uri() -> Iterator[None]:
    """MLflow writes its tracking URI into the environment, which processes of later tests would inherit."""
    yield
    os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture(autouse=True)
def clear_own_code() -> Iterator[None]:
    """Folders with a conf/ of their own are added to sys.path for the rest of the process."""
    yield
    own_code.remove_own_code(own_code.own_code())
    own_code._added.clear()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A function that mounts a file system of a size such as 48k and returns its folder."""
    folder = tmp_path / "full"

    def mount(size: str) -> Path:
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        if os.getuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("cannot mount a file system")
        return folder

    yield mount
    if folder.is_mount():
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(scope="session")
def mlcli() -> Callable[..., subprocess.CompletedProcess[str]]:
    """A function that runs `mlcli …` as a process in a folder and returns its exit status and output."""

    def run(*arguments: str, cwd: Path, timeout: float = 300, **env: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mlcli", *arguments]
        environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"} | env
        return subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )

    return run
