"""The report of a sweep: a table of its trials, means over repeats, and figures."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlcli.config.redact import redacted
from mlcli.figure.plot import Plot
from mlcli.files import write_atomic, write_csv
from mlcli.metric.comparison import context, standard_error
from mlcli.metric.direction import Directions
from mlcli.run.directions import task_directions
from mlcli.run.figures import Save, save_figures
from mlcli.run.job import run_name
from mlcli.run.plots import compare
from mlcli.store.folder import RunFolder
from mlcli.store.records import flatten, try_read_json, write_json
from mlcli.sweep.plots import sweep_plots
from mlcli.sweep.ranking import SCORED, best_first, best_trial, context_keys, rank, repeat_groups
from mlcli.sweep.trial import Trial

Row = dict[str, Any]
OVERLAID = 12  # curves in one figure; more could not be told apart


def report(sweep: RunFolder, trials: list[Trial], save: Save | None) -> None:
    """Writes trials.json, trials.csv, groups.csv (for repeats) and, if `save` is given, the figures."""
    cfg = trials[0].job.cfg
    monitor, directions = cfg.trainer.monitor, task_directions(cfg)
    rows = rows_of(trials, monitor, directions)
    grouped = repeat_groups(rows, monitor, directions)
    best = best_trial(rows, grouped, monitor, directions)
    number = best["trial"] if best else None
    _write_lines(sweep.path / "trials.json", {"monitor": monitor, "best_trial": number}, groups=grouped, trials=rows)
    _write_csv(sweep.path / "trials.csv", [_flat_row(row) for row in rows])
    if grouped:
        _write_csv(sweep.path / "groups.csv", [_flat_group(group) for group in grouped])
    found = {"best_trial": number, "monitor": monitor, "data_from": _data_from(trials)}
    write_json(sweep.path / sweep.record_name, sweep.record() | found)
    if save and any(each["status"] in SCORED for each in rows) and cfg.tracking.figures:
        save_figures(
            lambda: _plots(rows, trials, monitor),
            "figures of the sweep",
            sweep.record(),
            sweep.path / "figures",
            save,
        )


def rows_of(trials: Sequence[Trial], monitor: str, stated: Directions) -> list[Row]:
    """The rows of the trials with their ranks, in the order of the trials. `context` is limited to what differs."""
    rows = [row(trial, monitor) for trial in trials]
    keys = context_keys(rows)
    for each in rows:
        each["context"] = {key: value for key, value in each["context"].items() if key in keys}
    ranked = rank(redacted(rows), monitor, stated)
    return sorted(ranked, key=lambda each: int(each["trial"]))


def row(trial: Trial, monitor: str) -> Row:
    """A trial's row of the report, as JSON: a metric that is not finite is None.

    epoch: the last one that was trained; an interrupted trial has the metrics of that epoch. context: what another
    trial must have in common for its value of `monitor` to compare. error: the standard error of that value.
    """
    swept, (epoch, metrics) = trial.job.swept, _progress(trial)
    finite = {name: None if _is_not_finite(value) else value for name, value in metrics.items()}
    return {
        "trial": trial.number,
        "id": trial.job.id,
        "folder": str(trial.job.path),
        "status": trial.status,
        "reason": trial.reason,
        "swept": {key: str(value) if _is_not_finite(value) else value for key, value in swept.items()},
        "seconds": trial.result.get("seconds"),
        "epoch": epoch,
        "context": {key: str(value) for key, value in context(monitor, flatten(trial.job.cfg)).items()},
        "error": standard_error(monitor, finite, _examples(trial)),
        "metrics": finite,
    }


def _progress(trial: Trial) -> tuple[int | None, dict[str, float]]:
    """The last epoch and the metrics of a trial; those of its journal if it was interrupted."""
    if trial.result:
        return trial.result.get("epochs"), trial.result["metrics"]
    if trial.status != "KILLED":
        return None, {}
    history = RunFolder(trial.job.path).history()
    return (int(history[-1]["epoch"]), history[-1]["metrics"]) if history else (None, {})


def _data_from(trials: Sequence[Trial]) -> list[int]:
    """The first trial of each data set, whose data.json describes it."""
    first: dict[str, int] = {}
    for trial in trials:
        key = json.dumps(trial.job.cfg.get("data"), default=str)
        if key not in first and (trial.job.path / "data.json").exists():
            first[key] = trial.number
    return list(first.values())


def _examples(trial: Trial) -> dict[str, int]:
    """The number of examples of each split; empty for a trial without a result."""
    data = try_read_json(trial.job.path / "data.json") if trial.result else None
    return dict(data["examples"]) if data else {}


def _flat_row(row: Row) -> Row:
    plain = {key: value for key, value in row.items() if key not in ("swept", "metrics", "context", "best")}
    return {**plain, **row["swept"], **row["metrics"]}


def _flat_group(group: Row) -> Row:
    flat: Row = {"rank": group["rank"], "tied": group["tied"], **group["swept"], "trials": len(group["trials"])}
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
    """The metric against the swept settings, and the overlaid curves of the best trials: of those that were trained
    to their end, if any, and not of several data sets."""
    directions = task_directions(trials[0].job.cfg)
    plots = sweep_plots(rows, monitor, directions)
    job_of = {trial.number: trial.job for trial in trials}
    finished = [row for row in rows if row["status"] == "FINISHED"] or rows
    shown = [job_of[row["trial"]] for row in best_first(finished, monitor, directions)[:OVERLAID]]
    histories = {run_name(job): RunFolder(job.path).history() for job in shown}
    if len(histories) > 1 and not context_keys(rows):
        plots.append(compare(histories, monitor, directions))
    return plots
