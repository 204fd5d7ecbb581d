"""Start-up times of mlcli compared with the minimum for the same work: whole processes, interleaved.

    python benchmarks/startup.py [--turns 5]

help        `mlcli --help`                        against `python -c "import typer"`
train help  `mlcli train --help`                  against the same
completion  `mlcli train mod⇥`                    against `python -c pass`
first step  to the end of the first update        against a script that imports torch, builds the same and steps once
whole run   `mlcli train trainer.epochs=1`        against plain_train.py, which does the same by hand
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

MLCLI = [str(Path(sys.executable).with_name("mlcli"))]
# With cached bytecode, as after the first start, also where the environment disables it.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
ENVIRONMENT["MLFLOW_DISABLE_TELEMETRY"] = "true"
FIRST_STEP = """
import time, torch
from torch import nn
torch.set_num_threads(1)
block = lambda inputs: nn.Sequential(nn.Linear(inputs, 128), nn.LayerNorm(128), nn.ReLU())
model = nn.Sequential(block(64), block(128), nn.Linear(128, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
loss = nn.functional.cross_entropy(model(torch.randn(32, 64)), torch.randint(10, (32,)))
optimizer.zero_grad()
loss.backward()
optimizer.step()
print(time.time())
"""


def seconds(command: list[str], cwd: Path, **env: str) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=ENVIRONMENT | env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - start


def mlcli_first_step(folder: Path) -> float:
    """Time until the journal line of an epoch of one update, which is an upper bound, since it follows validation."""
    start = time.time()
    seconds([*MLCLI, "train", "-q", "trainer.max_steps=1", "tracking.figures=false"], folder)
    newest = max((folder / "outputs" / "runs").iterdir(), key=lambda run: run.name)
    return float(json.loads((newest / "metrics.jsonl").read_text())["time"]) - start


def torch_first_step(folder: Path) -> float:
    start = time.time()
    done = subprocess.run(
        [sys.executable, "-c", FIRST_STEP], capture_output=True, text=True, check=True, env=ENVIRONMENT
    )
    return float(done.stdout) - start


def completion(folder: Path) -> float:
    return seconds(MLCLI, folder, _MLCLI_COMPLETE="bash", _MLCLI_LINE="mlcli train mod")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5)
    turns = parser.parse_args().turns
    python = [sys.executable, "-c"]
    rows: dict[str, tuple[float, Callable[[Path], float], Callable[[Path], float]]] = {
        "help": (2.5, lambda f: seconds([*MLCLI, "--help"], f), lambda f: seconds([*python, "import typer"], f)),
        "train help": (
            2.5,
            lambda f: seconds([*MLCLI, "train", "--help"], f),
            lambda f: seconds([*python, "import typer"], f),
        ),
        "completion": (4.0, completion, lambda f: seconds([*python, "pass"], f)),
        "first step": (1.25, mlcli_first_step, torch_first_step),
        "whole run": (
            1.5,
            lambda f: seconds([*MLCLI, "train", "-q", "trainer.epochs=1"], f),
            lambda f: seconds([sys.executable, str(Path(__file__).with_name("plain_train.py")), str(f)], f),
        ),
    }
    table = Table("what", "mlcli s", "peer s", "ratio", "goal")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for what, (goal, ours, peer) in rows.items():
            pairs = [(ours(folder), peer(folder)) for _ in range(turns + 1)][1:]  # the first turn warms up
            each = sorted(a / b for a, b in pairs)
            medians = [f"{statistics.median(column):.3f}" for column in zip(*pairs, strict=True)]
            ratio = f"{statistics.median(each):.2f} ({each[0]:.2f} to {each[-1]:.2f})"
            table.add_row(what, *medians, ratio, f"{goal:g}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
