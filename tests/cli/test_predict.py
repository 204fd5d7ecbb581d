"""mlcli predict as a real process."""

import subprocess
from collections.abc import Callable
from pathlib import Path

Mlcli = Callable[..., subprocess.CompletedProcess[str]]


def test_a_run_goes_on_with_a_text(mlcli: Mlcli, tmp_path: Path) -> None:
    small = ["model.width=8", "model.heads=1", "model.layers=1", "trainer.max_steps=3", "trainer.epochs=1"]
    quiet = ["tracking=none", "tracking.figures=false", "device=cpu", "-q"]
    trained = mlcli("train", "task=language_model", *small, *quiet, cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    written = mlcli("predict", "last", "--prompt", "The ", "--tokens", "30", "--temperature", "2", cwd=tmp_path)
    assert written.stdout.startswith("The ") and len(written.stdout) == len("The ") + 30 + 1
    refused = mlcli("predict", "last", "--prompt", "", cwd=tmp_path)
    assert refused.returncode == 2 and refused.stderr.startswith("error: The prompt is empty")
