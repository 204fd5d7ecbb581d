"""Starts Python processes that never import modules from the current folder, where a `random.py` of the user would
shadow that of the standard library. Imports the standard library only."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # the folder from which mlcli is imported


def safe_path() -> None:
    """Sets Python's safe-path mode for all processes started from now on, also by multiprocessing, joblib and MLflow.

    PYTHONPATH still applies; if mlcli can only be imported from the current folder, that folder is added to it.
    """
    os.environ["PYTHONSAFEPATH"] = "1"
    installed = sys.path if sys.flags.safe_path else sys.path[1:]
    if not any(os.path.realpath(entry) == str(ROOT) for entry in installed if entry):
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(ROOT)]))


def python(*arguments: str) -> list[str]:
    """The command line of a new Python process, as in python("-m", "mlcli", "runs")."""
    safe_path()
    return [sys.executable, "-P", *arguments]
