"""Time of a cross-validation compared with a separate training per fold: whole processes, interleaved.

    python benchmarks/crossval.py [--turns 3] [--folds 5] [--epochs 20] [--model mlp]

Measured are `mlcli crossval` on digits, with its folds as one stack and by the strategy that it chooses, and `mlcli
train` once per fold; with MLflow and figures, and without ("bare"). Every turn starts with an empty folder and
includes all costs: imports, configs, a new database. The accuracies are compared fold by fold, and the benchmark
fails if one differs by more than two of 360 examples, which allows for rounding.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

MLCLI = [sys.executable, "-m", "mlcli"]
BARE = ["tracking=none", "tracking.figures=false"]
UNSET = ("PYTHONDONTWRITEBYTECODE", "MLFLOW_TRACKING_URI", "MLCLI_OUTPUTS")
ENVIRONMENT = {key: value for key, value in os.environ.items() if key not in UNSET}
ENVIRONMENT["MLFLOW_DISABLE_TELEMETRY"] = "true"
TOLERANCE = 2 / 359 + 1e-9  # of accuracy


def measure(commands: Sequence[list[str]]) -> tuple[float, list[float]]:
    """Seconds of the commands one after another in an empty folder, and the accuracy of each fold."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        for command in commands:
            done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"error: {' '.join(command)} failed:\n{done.stderr[-2000:]}")
        seconds = time.perf_counter() - start
        runs = [path.parent for path in Path(folder).glob("outputs/*/**/result.json")]
        folds = {_fold(run): json.loads((run / "result.json").read_text())["metrics"] for run in runs}
    return seconds, [folds[fold]["test/accuracy"] for fold in sorted(folds)]


def _fold(run: Path) -> int:
    lines = (run / "overrides.yaml").read_text().splitlines()
    return next(int(line.partition("split.fold=")[2]) for line in lines if "split.fold=" in line)


def contestants(folds: int, shared: list[str]) -> dict[str, list[list[str]]]:
    crossval = [*MLCLI, "crossval", "-q", f"folds={folds}", *shared]
    single = [*MLCLI, "train", "-q", "split.val=0", "trainer.monitor=train/loss", f"split.folds={folds}", *shared]
    commands = {
        "crossval, one stack": [[*crossval, "hydra/launcher=stack"]],
        "crossval": [crossval],
        f"{folds} × train": [[*single, f"split.fold={fold}"] for fold in range(folds)],
    }
    return commands | {f"{name}, bare": [[*each, *BARE] for each in own] for name, own in commands.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--model", default="mlp")
    options = parser.parse_args()
    shared = ["data=digits", f"model={options.model}", f"trainer.epochs={options.epochs}"]
    chosen = contestants(options.folds, shared)
    taken: dict[str, list[float]] = {name: [] for name in chosen}
    accuracies: dict[str, list[float]] = {}
    for turn in range(options.turns):
        for name, commands in chosen.items():
            seconds, accuracies[name] = measure(commands)
            taken[name].append(seconds)
            print(f"turn {turn + 1}/{options.turns}, {name}: {seconds:.1f} s", file=sys.stderr)
    table = Table("command", "s", "time of separate runs / time", "mean accuracy")
    table.title = f"{options.folds} folds of digits, model={options.model}, {options.epochs} epochs"
    for name, seconds in taken.items():
        baseline = f"{options.folds} × train" + ", bare" * name.endswith("bare")
        ratios = [theirs / own for theirs, own in zip(taken[baseline], seconds, strict=True)]
        if max(abs(a - b) for a, b in zip(accuracies[name], accuracies[baseline], strict=True)) > TOLERANCE:
            sys.exit(f"error: {name} has accuracies {accuracies[name]}, {baseline} {accuracies[baseline]}")
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        table.add_row(name, f"{statistics.median(seconds):.1f}", spread, f"{statistics.fmean(accuracies[name]):.4f}")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
