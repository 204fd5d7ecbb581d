"""Time of a whole sweep compared with hand-written sweeps of the same trials: whole processes, interleaved.

    python benchmarks/sweep.py [--turns 3] [--trials 8,16,…] [--models mlp,cnn,…] [--no-peers] [--quick]

Three tables: 64 trials (8 learning rates × 8 seeds) of an MLP on digits, five epochs each, with mlcli and its peers;
the same trials of each of `--models`, and `--trials` many of the MLP, by mlcli's default launcher and one by one.
Every turn starts with an empty folder and a new MLflow store, from which runs, models and test accuracies are read
afterwards; figures are the PNG files among the artifacts. mlcli plots the best trials of a sweep, the plain script
each trial or none ("no figures"); "runs only" is without models too. In the other tables, "bare" is mlcli without
MLflow and figures. hydra-joblib-launcher and ray[tune] are included if installed. All costs count: imports, configs,
a new database. `--models ""` or `--trials ""` omits a table.
"""

import argparse
import importlib.util
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
# Kept until the end: on ext4, creating files soon after deleting many is ten times slower.
FOLDERS = tempfile.TemporaryDirectory()
MLCLI = [str(Path(sys.executable).with_name("mlcli")), "train", "-q", "-m", "data=digits"]
MLCLI += ["trainer.epochs=5", "trainer.batch_size=32"]
PLAIN = [sys.executable, str(HERE / "plain_sweep.py"), "-m"]
RAY = [sys.executable, str(HERE / "ray_sweep.py")]
JOBLIB = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
NO_FIGURES = "figure=false"
UNTRACKED = ["tracking=none", "tracking.figures=false"]
# With cached bytecode, as after the first start, also where the environment disables it.
UNSET = ("PYTHONDONTWRITEBYTECODE", "MLFLOW_TRACKING_URI", "MLCLI_OUTPUTS")
ENVIRONMENT = {key: value for key, value in os.environ.items() if key not in UNSET}
ENVIRONMENT["MLFLOW_DISABLE_TELEMETRY"] = "true"
GRIDS = {1: (1, 1), 2: (2, 1), 4: (4, 1), 8: (4, 2), 16: (4, 4), 32: (8, 4), 64: (8, 8), 128: (16, 8), 256: (16, 16)}


@dataclass(frozen=True)
class Outcome:
    """Seconds of a sweep, and the content of its store: finished runs, models, PNG files, and test accuracies."""

    seconds: float
    runs: int = 0
    models: int = 0
    figures: int = 0
    accuracies: tuple[float, ...] = ()


Contestant = Callable[[int], Outcome]
Turns = dict[str, list[Outcome]]


def grid(trials: int) -> tuple[str, str]:
    """Learning rates from 1e-4 to 1e-2 and seeds, as comma-separated lists."""
    rates, seeds = GRIDS[trials]
    spread = [10 ** (-4 + 2 * i / max(rates - 1, 1)) for i in range(rates)]
    return ",".join(f"{rate:.3g}" for rate in spread), ",".join(map(str, range(seeds)))


def mlcli(*more: str) -> Contestant:
    def sweep(trials: int) -> Outcome:
        rates, seeds = grid(trials)
        return run([*MLCLI, f"optimizer.lr={rates}", f"trainer.seed={seeds}", *more], "outputs/mlflow.db", trials)

    return sweep


def plain(*more: str) -> Contestant:
    def sweep(trials: int) -> Outcome:
        rates, seeds = grid(trials)
        return run([*PLAIN, f"lr={rates}", f"seed={seeds}", *more], "mlflow.db", trials)

    return sweep


def ray_tune(trials: int) -> Outcome:
    rates, seeds = grid(trials)
    return run([*RAY, "--lr", rates, "--seed", seeds], "mlflow.db", trials)


def run(command: list[str], store: str, trials: int) -> Outcome:
    """Runs a command in an empty folder. Exits if it fails, or if the store lacks finished runs."""
    name = tempfile.mkdtemp(dir=FOLDERS.name)
    database = Path(name, store)
    env = ENVIRONMENT if "outputs" in store else ENVIRONMENT | {"MLFLOW_TRACKING_URI": f"sqlite:///{database}"}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=name, env=env, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"error: {' '.join(command)} failed:\n{done.stderr[-2000:]}")
    if "tracking=none" in command:
        return Outcome(seconds, len(list(Path(name).glob("outputs/sweeps/*/*/result.json"))))
    outcome = read(database, seconds)
    if outcome.runs != trials or len(outcome.accuracies) != trials:
        sys.exit(f"error: {' '.join(command)} has {outcome.runs} finished runs of {trials} in MLflow:\n{done.stderr}")
    return outcome


def read(database: Path, seconds: float) -> Outcome:
    """The trials in an MLflow store: nested runs, or all runs if none is nested."""
    children = "SELECT run_uuid FROM tags WHERE key = 'mlflow.parentRunId'"
    finished = "SELECT run_uuid FROM runs WHERE status = 'FINISHED'"
    with closing(sqlite3.connect(database)) as connection:
        ids = {row[0] for row in connection.execute(finished)}
        nested = {row[0] for row in connection.execute(children)}
        measured = dict(connection.execute("SELECT run_uuid, value FROM latest_metrics WHERE key = 'test/accuracy'"))
        (models,) = connection.execute("SELECT count(*) FROM logged_models").fetchone()
    trials = ids & nested if nested else ids
    figures = sum(1 for _ in (database.parent / "artifacts").rglob("*.png"))
    return Outcome(
        seconds, len(trials), models, figures, tuple(measured[each] for each in trials if each in measured)
    )


def plain_variants(launcher: str, *flags: str) -> dict[str, Contestant]:
    name = f"PyTorch, {launcher}"
    variants = {name: plain(*flags), f"{name}, no figures": plain(*flags, NO_FIGURES)}
    return variants | {f"{name}, runs only": plain(*flags, NO_FIGURES, "log_model=false")}


def contestants(peers: bool) -> dict[str, Contestant]:
    chosen: dict[str, Contestant] = {
        "mlcli": mlcli("model=mlp"),
        "mlcli, one by one": mlcli("model=mlp", "hydra/launcher=serial"),
        "mlcli, processes": mlcli("model=mlp", "hydra/launcher=processes"),
    }
    if not peers:
        return chosen
    chosen |= plain_variants("Hydra")
    if importlib.util.find_spec("hydra_plugins.hydra_joblib_launcher"):
        chosen |= plain_variants("joblib", *JOBLIB)
    else:
        print("not installed: hydra-joblib-launcher", file=sys.stderr)
    if importlib.util.find_spec("ray"):
        chosen["PyTorch, Ray Tune"] = ray_tune
    else:
        print("not installed: ray[tune]", file=sys.stderr)
    return chosen


def interleave(chosen: dict[str, Contestant], trials: int, turns: int) -> Turns:
    """Runs all sweeps in turns, so that a slower machine affects all of them."""
    for sweep in chosen.values():
        sweep(2)  # bytecode and disk caches
    taken: Turns = {name: [] for name in chosen}
    for turn in range(turns):
        for name, sweep in chosen.items():
            taken[name].append(sweep(trials))
            print(f"turn {turn + 1}/{turns}, {trials} × {name}: {taken[name][-1].seconds:.1f} s", file=sys.stderr)
    return taken


def spread(values: list[float]) -> str:
    """Median (minimum to maximum), or the single value."""
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def times(outcomes: list[Outcome]) -> list[float]:
    return [outcome.seconds for outcome in outcomes]


def ratios(over: list[Outcome], under: list[Outcome]) -> str:
    return spread([a / b for a, b in zip(times(over), times(under), strict=True)])


def against_peers(chosen: dict[str, Contestant], trials: int, turns: int) -> Table:
    taken = interleave(chosen, trials, turns)
    table = Table("tool", "s", "× mlcli", "runs", "models", "figures", "accuracy, median", "best")
    table.title = f"{trials} trials of an MLP on digits"
    for name, outcomes in taken.items():
        last = outcomes[-1]
        shown = [f"{last.runs}", f"{last.models}", f"{last.figures}", f"{statistics.median(last.accuracies):.4f}"]
        table.add_row(
            name, spread(times(outcomes)), ratios(outcomes, taken["mlcli"]), *shown, f"{max(last.accuracies):.4f}"
        )
    return table


def against_serial(rows: dict[str, tuple[str, int]], what: str, turns: int) -> Table:
    """mlcli's default launcher and one by one, with and without MLflow and figures. rows: name → model, trials."""
    table = Table(what, "default s", "one by one s", "ratio", "bare: default s", "one by one s", "ratio")
    for row, (model, trials) in rows.items():
        base = [f"model={model}"]
        launchers = {"default": base, "serial": [*base, "hydra/launcher=serial"]}
        chosen = {name: mlcli(*own) for name, own in launchers.items()}
        chosen |= {f"{name}, bare": mlcli(*own, *UNTRACKED) for name, own in launchers.items()}
        taken = interleave(chosen, trials, turns)
        cells = []
        for kind in ("", ", bare"):
            default, serial = taken[f"default{kind}"], taken[f"serial{kind}"]
            medians = [f"{statistics.median(times(each)):.2f}" for each in (default, serial)]
            cells += [*medians, ratios(serial, default)]
        table.add_row(row, *cells)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--trials", default="8,16,32,64,128", help="numbers of trials of the third table")
    parser.add_argument("--models", default="mlp,cnn,lstm,gru", help="models of the second table")
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--quick", action="store_true", help="one turn, and 8 trials instead of 64")
    options = parser.parse_args()
    turns, full = (1, 8) if options.quick else (options.turns, 64)
    models = [model for model in options.models.split(",") if model]
    numbers = [int(number) for number in options.trials.split(",") if number]
    if unknown := set(numbers) - set(GRIDS):
        parser.error(f"--trials {sorted(unknown)[0]}: choose from {', '.join(map(str, GRIDS))}")
    terminal = Console(width=130)
    terminal.print(against_peers(contestants(options.peers), full, turns))
    if models:
        terminal.print(against_serial({model: (model, full) for model in models}, "model", turns))
    if numbers:
        terminal.print(against_serial({str(number): ("mlp", number) for number in numbers}, "trials", turns))


if __name__ == "__main__":
    main()
