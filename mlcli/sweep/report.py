"""What a sweep found: a table of its trials, the best of them, and the metric against what was swept."""

import csv
from typing import Any

from mlcli.metric.direction import direction
from mlcli.run.folder import RunFolder, write_json
from mlcli.run.life import run_name
from mlcli.sweep.trial import Trial

OVERLAID = 12  # curves in one picture, beyond which nobody tells them apart


def report(sweep: RunFolder, trials: list[Trial], status: str) -> None:
    """Writes trials.json, trials.csv and the pictures, and marks the sweep as ended."""
    rows = [row(trial) for trial in trials]
    monitor = trials[0].job.cfg.trainer.monitor
    ranked = rank(rows, monitor)
    best = ranked[0]["trial"] if ranked and ranked[0]["status"] == "FINISHED" else None
    write_json(sweep.path / "trials.json", {"monitor": monitor, "best_trial": best, "trials": rows})
    _write_csv(sweep, rows)
    write_json(sweep.path / sweep.record_name, sweep.record() | {"best_trial": best, "monitor": monitor})
    if best is not None and trials[0].job.cfg.tracking.figures:
        _draw(sweep, rows, trials, monitor)
    sweep.end(status)


def row(trial: Trial) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "id": trial.job.id,
        "folder": str(trial.job.path),
        "status": trial.status,
        "reason": trial.reason,
        "swept": trial.job.swept,
        "seconds": trial.result.get("seconds"),
        "metrics": trial.result.get("metrics", {}),
    }


def rank(rows: list[dict[str, Any]], monitor: str) -> list[dict[str, Any]]:
    """Best first by the monitored metric; trials without it last, in their own order."""
    sign = -1 if direction(monitor) == "max" else 1
    scored = [row for row in rows if row["metrics"].get(monitor) is not None]
    rest = [row for row in rows if row["metrics"].get(monitor) is None]
    return sorted(scored, key=lambda row: sign * row["metrics"][monitor]) + rest


def _write_csv(sweep: RunFolder, rows: list[dict[str, Any]]) -> None:
    flat = [
        {k: v for k, v in row.items() if k not in ("swept", "metrics")} | row["swept"] | row["metrics"]
        for row in rows
    ]
    names = list(dict.fromkeys(name for row in flat for name in row))
    with (sweep.path / "trials.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(flat)


def _draw(sweep: RunFolder, rows: list[dict[str, Any]], trials: list[Trial], monitor: str) -> None:
    """The metric against what was swept, and the curves of the best trials over each other."""
    from mlcli.metric import curves

    plots = curves.sweep(rows, monitor)
    histories = {
        run_name(trials[row["trial"]].job): RunFolder(trials[row["trial"]].job.path).history()
        for row in rank(rows, monitor)[:OVERLAID]
    }
    if len(histories) > 1:
        plots.append(curves.compare(histories, monitor))
    for plot in plots:
        plot.save(sweep.path / "figures")
