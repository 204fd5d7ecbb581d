"""Which architecture is best, judged by the folds of a cross-validation, and whether that could be chance."""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import fmean

from mlcli.figure.crossval import fold_scores
from mlcli.figure.plot import Plot
from mlcli.metric.resampled import Paired, paired, resampled
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.store.folder import read_json

METRIC = "test/accuracy"
CERTAIN = 0.05
Scores = dict[str, dict[int, float]]  # model → fold → accuracy


def cross_validation(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """The accuracy of each model in each fold, and the paired comparison of the best with each other one."""
    finished = [run for run in runs if run.status == "FINISHED"]
    scores: Scores = {}
    for run in finished:
        kind = run.cfg.model._target_.rpartition(".")[2]
        scores.setdefault(kind, {})[run.cfg.split.fold] = run.metrics[METRIC]
    folds = sorted(set.intersection(*(set(own) for own in scores.values()))) if scores else []
    if len(folds) < 2 or len(scores) < 2:
        return None
    sizes = [read_json(run.folder.path / "data.json")["examples"] for run in finished]
    ratio = fmean(each["test"] for each in sizes) / fmean(each["train"] for each in sizes)
    columns = {name: [own[fold] for fold in folds] for name, own in scores.items()}
    order = sorted(columns, key=lambda name: -fmean(columns[name]))
    rows = [(f"fold {fold}", *(columns[name][place] for name in order)) for place, fold in enumerate(folds)]
    return Conclusion(_sentence(columns, order, ratio), ("", *order), rows, [_plot(columns, order, ratio)])


def _plot(columns: dict[str, list[float]], order: list[str], ratio: float) -> Plot:
    data = {
        "metric": METRIC,
        "better": "max",
        "folds": len(columns[order[0]]),
        "repeats": 1,
        "names": order,
        "scores": [columns[name] for name in order],
        "means": [asdict(resampled(columns[name], ratio)) for name in order],
    }
    return Plot("folds", fold_scores, data)


def _sentence(columns: dict[str, list[float]], order: list[str], ratio: float) -> str:
    best, *others = order
    told = []
    for name in order:
        found = resampled(columns[name], ratio)
        told.append(f"{name} {found.mean:.1%} ± {100 * (found.std or 0.0):.1f}")
    compared = [
        f"{_verdict(name, found)} ({-100 * found.difference:.1f} points in the same folds, p {found.p:.2g})"
        for name in others
        for found in [paired(columns[name], columns[best], ratio)]
    ]
    return f"Over {len(columns[best])} folds: {', '.join(told)}. {best} is {'; '.join(compared)}."


def _verdict(name: str, found: Paired) -> str:
    return f"better than {name}" if found.p < CERTAIN else f"not surely better than {name}"
