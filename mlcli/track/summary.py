"""What is told of a run, or of a sweep, once it has ended."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlcli.store.records import try_read_json


@dataclass
class Summary:
    """The metrics belong to the epoch `epoch`; those that are not finite are not told. note: the description that
    MLflow's UI shows."""

    params: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float | None] = field(default_factory=dict)
    epoch: int = 0
    note: str | None = None

    def finite(self) -> dict[str, float]:
        known = {name: value for name, value in self.metrics.items() if value is not None}
        return {name: value for name, value in known.items() if math.isfinite(value)}


def summarise(folder: Path, is_sweep: bool) -> Summary:
    """As its folder has it; where there is an answer, that is the note."""
    answer = try_read_json(folder / "answer.json") or {}
    closing = _of_sweep(folder) if is_sweep else _of_run(folder)
    closing.note = answer.get("sentence") or closing.note
    return closing


def _of_run(folder: Path) -> Summary:
    """What the split that judges says, at the best epoch."""
    result = try_read_json(folder / "result.json")
    if not result:
        return Summary()
    judged = f"{result.get('judged', 'test')}/"
    numbers = {name: value for name, value in result["metrics"].items() if name.startswith(judged)}
    numbers |= {name: result[name] for name in ("best_epoch", "seconds")}
    return Summary(metrics=numbers, epoch=result["best_epoch"])


def _of_sweep(folder: Path) -> Summary:
    """The best trial's settings and metrics, since its children are folded in the UI; of a cross-validation its own
    numbers."""
    report = try_read_json(folder / "trials.json")
    if not report or not report["trials"]:
        return Summary()
    trials = {trial["trial"]: trial for trial in report["trials"]}
    params = {"sweep.trials": len(trials), "sweep.keys": ", ".join(report["trials"][0]["swept"])}
    best = trials.get(report["best_trial"])
    if found := try_read_json(folder / "crossval.json"):
        params |= {f"crossval.{name}": found[name] for name in ("metric", "folds", "repeats", "by")}
        return Summary(params, found["metrics"], note=found["sentence"])
    if best is None:
        return Summary(params)
    params |= {"best.trial": best["trial"], **{f"best.{key}": value for key, value in best["swept"].items()}}
    return Summary(params, best["metrics"])
