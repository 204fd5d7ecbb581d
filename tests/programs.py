"""Programs that some tests need and Python's packages do not bring."""

import os
import shutil

import pytest


def program(name: str) -> str:
    """The path of the program. Without it, the test is skipped, or fails if MLCLI_ALL_PROGRAMS is set, as in CI."""
    path = shutil.which(name)
    if path is None and os.environ.get("MLCLI_ALL_PROGRAMS"):
        pytest.fail(f"{name} is not installed")
    return path or pytest.skip(f"{name} is not installed")
