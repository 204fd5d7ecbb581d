"""The summary of a run or sweep that has ended, for MLflow."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlcli.store.records import try_read_json

NUMBERS = ("best_epoch", "seconds", "examples_per_second", "peak_memory")  # of result.json


@dataclass
class Summary:
    """epoch: to which the metrics belong; note: the description that MLflow's UI shows."""

    params: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float | None] = field(default_factory=dict)
    epoch: int = 0
    note: str | None = None

    def finite(self) -> dict[str, float]:
        """The metrics that are finite."""
        known = {name: value for name, value in self.metrics.items() if value is not None}
        return {name: value for name, value in known.items() if math.isfinite(value)}


def summarise(folder: Path, is_sweep: bool) -> Summary:
    """The summary from the files of the folder. The conclusion of an experiment, if there is one, becomes the
    note."""
    answer = try_read_json(folder / "answer.json") or {}
    summary = _of_sweep(folder) if is_sweep else _of_run(folder)
    summary.note = answer.get("sentence") or summary.note
    return summary


def evaluation_metrics(result: dict[str, Any]) -> dict[str, Any]:
    """The metrics of `result.json` on the evaluation split, which is the test split unless there is none."""
    split = result.get("judged", "test")
    return {name: value for name, value in result["metrics"].items() if name.startswith(f"{split}/")}


def _of_run(folder: Path) -> Summary:
    """The metrics of the evaluation split at the best epoch, with 95 % intervals as NAME/low and NAME/high, and
    NAME/baseline."""
    result = try_read_json(folder / "result.json")
    if not result:
        return Summary()
    numbers = evaluation_metrics(result) | {name: result.get(name) for name in NUMBERS}
    for name, (low, high) in result.get("intervals", {}).items():
        numbers |= {f"{name}/low": low, f"{name}/high": high}
    for baseline, scores in result.get("boosting", {}).items():
        own = evaluation_metrics(result | {"metrics": scores})
        numbers |= {f"{baseline}/{name}": value for name, value in own.items() if name.count("/") == 1}
    numbers |= {f"{name}/baseline": value for name, value in result.get("baselines", {}).items()}
    return Summary(metrics=numbers, epoch=result["best_epoch"])


def _of_sweep(folder: Path) -> Summary:
    """The settings and metrics of the best trial, because the UI hides the trials by default; none if there is no
    single best one, as on several data sets. For a cross-validation its own statistics."""
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
    if tied := _tied(report, best):
        params["best.tied"] = tied
    return Summary(params, best["metrics"])


def _tied(report: dict[str, Any], best: dict[str, Any]) -> str:
    """The numbers of the trials that tie with the best one; of repeats those of the configurations that do."""
    groups = report.get("groups") or []
    rows = groups if len(groups) > 1 else [each | {"trials": [each["trial"]]} for each in report["trials"]]
    tied = [number for row in rows if row.get("rank") == 1 and row.get("tied") for number in row["trials"]]
    return ", ".join(str(number) for number in tied if number != best["trial"]) if best["trial"] in tied else ""
