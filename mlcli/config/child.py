"""Starts processes of Python that never import a file from the current folder: a user's own `random.py` beside the
data is not the standard library's. Standard library alone."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # the folder from which mlcli is imported


def safe_path() -> None:
    """Sets Python's safe-path mode for every process started from now on, also by multiprocessing, joblib and MLflow.

    PYTHONPATH stays in force; where mlcli is imported from the current folder alone, that folder is added to it.
    """
    os.environ["PYTHONSAFEPATH"] = "1"
    installed = sys.path if sys.flags.safe_path else sys.path[1:]
    if not any(os.path.realpath(entry) == str(ROOT) for entry in installed if entry):
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(ROOT)]))


def python(*arguments: str) -> list[str]:
    """The command line of a new Python process, as in python("-m", "mlcli", "runs")."""
    safe_path()
    return [sys.executable, "-P", *arguments]
