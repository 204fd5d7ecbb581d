"""The report of a sweep: a table of its trials, means over repeats, and figures."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mlcli.config.redact import redacted
from mlcli.figure.plot import Plot
from mlcli.files import write_atomic, write_csv
from mlcli.metric.direction import Directions, direction
from mlcli.metric.repeats import mean_and_std
from mlcli.run.directions import task_directions
from mlcli.run.figures import Save, save_figures
from mlcli.run.job import run_name
from mlcli.run.plots import compare
from mlcli.store.folder import RunFolder
from mlcli.store.records import write_json
from mlcli.sweep.plots import SCORED, SEED, sweep_plots
from mlcli.sweep.trial import Trial

Row = dict[str, Any]
OVERLAID = 12  # curves in one figure; more could not be told apart


def report(sweep: RunFolder, trials: list[Trial], save: Save | None) -> None:
    """Writes trials.json, trials.csv, groups.csv (for repeats) and, if `save` is given, the figures."""
    rows = redacted([row(trial) for trial in trials])
    monitor = trials[0].job.cfg.trainer.monitor
    directions = task_directions(trials[0].job.cfg)
    first, grouped = rank(rows, monitor, directions)[0], repeat_groups(rows, monitor, directions)
    best = first["trial"] if first["status"] == "FINISHED" else None
    _write_lines(sweep.path / "trials.json", {"monitor": monitor, "best_trial": best}, groups=grouped, trials=rows)
    _write_csv(sweep.path / "trials.csv", [_flat_row(row) for row in rows])
    if grouped:
        _write_csv(sweep.path / "groups.csv", [_flat_group(group) for group in grouped])
    write_json(sweep.path / sweep.record_name, sweep.record() | {"best_trial": best, "monitor": monitor})
    if save and first["status"] in SCORED and trials[0].job.cfg.tracking.figures:
        save_figures(lambda: _plots(rows, trials, monitor), "figures of the sweep", sweep.path / "figures", save)


def row(trial: Trial) -> Row:
    """A trial's row of the report, as JSON: a metric that is not finite is None."""
    swept, metrics = trial.job.swept, trial.result.get("metrics", {})
    return {
        "trial": trial.number,
        "id": trial.job.id,
        "folder": str(trial.job.path),
        "status": trial.status,
        "reason": trial.reason,
        "swept": {key: str(value) if _is_not_finite(value) else value for key, value in swept.items()},
        "seconds": trial.result.get("seconds"),
        "metrics": {name: None if _is_not_finite(value) else value for name, value in metrics.items()},
    }


def rank(rows: list[Row], monitor: str, stated: Directions | None = None) -> list[Row]:
    """Best first by the monitored metric: finished trials, then pruned ones, then the rest in their own order."""
    return sorted(
        rows, key=lambda row: _place(row["status"], row["metrics"].get(monitor), direction(monitor, stated))
    )


def repeat_groups(rows: list[Row], monitor: str, stated: Directions | None = None) -> list[Row]:
    """Groups of trials that differ only in their seed, best mean first; empty if there are no repeats.

    `metrics` maps a name to {"mean", "std" (sample standard deviation; None for one trial), "count"} over the
    finished trials, or over the pruned ones if none finished; `statuses` counts all of them.
    """
    alike: dict[str, list[Row]] = {}
    for row in rows:
        if SEED in row["swept"]:
            alike.setdefault(str(_settings(row)), []).append(row)
    if len(alike) == len(rows):
        return []
    made = [_group(members) for members in alike.values()]
    better = direction(monitor, stated)
    return sorted(made, key=lambda each: _place(each["status"], each["metrics"].get(monitor, {}).get("mean"), better))


def _group(rows: list[Row]) -> Row:
    status = min((row["status"] for row in rows), key=_tier)
    scored = [row["metrics"] for row in rows if row["status"] == status and status in SCORED]
    return {
        "swept": _settings(rows[0]),
        "trials": [row["trial"] for row in rows],
        "status": status,
        "statuses": dict(Counter(row["status"] for row in rows)),
        "metrics": {name: mean_std(known) for name, known in _columns(scored).items()},
    }


def mean_std(values: list[float]) -> dict[str, float | None]:
    mean, std = mean_and_std(values)
    return {"mean": mean, "std": std, "count": len(values)}


def _columns(rows: Iterable[Mapping[str, float | None]]) -> dict[str, list[float]]:
    """The finite values of each metric."""
    columns: dict[str, list[float]] = {}
    for metrics in rows:
        for name, value in metrics.items():
            if value is not None:
                columns.setdefault(name, []).append(value)
    return columns


def _settings(row: Row) -> dict[str, Any]:
    return {key: value for key, value in row["swept"].items() if key != SEED}


def _place(status: str, score: float | None, better: str | None) -> tuple[int, bool, float]:
    if score is None:
        return _tier(status), True, 0.0
    return _tier(status), False, -score if better == "max" else score


def _tier(status: str) -> int:
    return SCORED.index(status) if status in SCORED else len(SCORED)


def _flat_row(row: Row) -> Row:
    plain = {key: value for key, value in row.items() if key not in ("swept", "metrics")}
    return {**plain, **row["swept"], **row["metrics"]}


def _flat_group(group: Row) -> Row:
    flat: Row = {**group["swept"], "trials": len(group["trials"])}
    for status in (*SCORED, "FAILED"):
        flat[status.lower()] = group["statuses"].get(status, 0)
    for name, each in group["metrics"].items():
        flat |= {f"{name} mean": each["mean"], f"{name} std": each["std"]}
    return flat


def _is_not_finite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _write_lines(path: Path, head: Row, **lists: list[Row]) -> None:
    """Atomically writes JSON with one line per trial, which is much faster than indenting."""
    parts = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    for name, rows in lists.items():
        lines = ",\n".join(json.dumps(row, allow_nan=False) for row in rows)
        parts.append(f"{json.dumps(name)}: [\n{lines}\n]")
    write_atomic(path, "{" + ",\n".join(parts) + "}\n")


def _write_csv(path: Path, rows: list[Row]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    write_csv(path, [names, *([row.get(name) for name in names] for row in rows)])


def _plots(rows: list[Row], trials: list[Trial], monitor: str) -> list[Plot]:
    """The metric against the swept settings, and the overlaid curves of the best trials."""
    directions = task_directions(trials[0].job.cfg)
    plots = sweep_plots(rows, monitor, directions)
    job_of = {trial.number: trial.job for trial in trials}
    shown = [job_of[row["trial"]] for row in rank(rows, monitor, directions)[:OVERLAID]]
    histories = {run_name(job): RunFolder(job.path).history() for job in shown}
    if len(histories) > 1:
        plots.append(compare(histories, monitor, directions))
    return plots
