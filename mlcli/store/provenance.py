"""The environment of a run: versions of packages, git commit, machine."""

import getpass
import platform
import socket
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = (
    "mlcli",
    "torch",
    "numpy",
    "scikit-learn",
    "hydra-core",
    "omegaconf",
    "mlflow",
    "matplotlib",
    "safetensors",
)


@cache
def environment(device: str, threads: int) -> dict[str, Any]:
    commit = _git("rev-parse", "HEAD")
    return {
        "python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
        "device": device,
        "threads": threads,
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "user": _user(),
        "git_commit": commit,
        "git_dirty": bool(_git("status", "--porcelain", "--untracked-files=no")) if commit else None,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return "unknown"


def _git(*arguments: str) -> str | None:
    """Output of git in the current folder; None outside a repository or without git."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, encoding="utf-8", errors="replace", timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
