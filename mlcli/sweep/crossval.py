"""The report of a cross-validation: the mean of each configuration over the folds, its difference from the best, and
the out-of-fold predictions.

A sweep whose trials cover all folds of `split.folds` is a cross-validation. Trials that differ only in `split.fold`
and `split.seed` (repeats) belong to one configuration.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from statistics import fmean
from typing import Any

from safetensors.torch import load_file

from mlcli.figure.crossval import fold_scores
from mlcli.figure.plot import Plot
from mlcli.figure.style import plus_minus
from mlcli.files import write_csv
from mlcli.metric.bounds import clip
from mlcli.metric.comparison import context, differing
from mlcli.metric.resampled import CONFIDENCE, ROUNDING, paired, resampled
from mlcli.run.directions import is_higher_better
from mlcli.run.figures import Save, save_figures
from mlcli.run.job import title
from mlcli.store.folder import RunFolder
from mlcli.store.records import flatten, read_json, write_json
from mlcli.sweep.trial import Trial

Row = dict[str, Any]
FOLD, REPEAT = "split.fold", "split.seed"
HEADLINE = ("accuracy", "r2", "loss")  # the first one that the task reports is compared, unless sweep.metric is set


def is_crossval(trials: Sequence[Trial]) -> bool:
    """Whether the trials cover every fold of a cross-validation."""
    folds = trials[0].job.cfg.split.folds
    return bool(folds) and {trial.job.cfg.split.fold for trial in trials} == set(range(folds))


def crossval(sweep: RunFolder, trials: Sequence[Trial], save: Save) -> None:
    """Writes crossval.json, the out-of-fold predictions of each configuration and the figure, if any trial finished.

    Scores are in the order of the folds, repeat after repeat; a missing score is None.
    """
    finished = [trial for trial in trials if trial.status == "FINISHED"]
    if not finished:
        return
    cfg = trials[0].job.cfg
    metric = cfg.sweep.metric or _headline(finished[0])
    higher = is_higher_better(cfg, metric)
    configurations = _ranked(_configurations(trials, metric), metric, higher)
    folder = sweep.path / "predictions"
    for each in configurations:
        members = [trial for trial in finished if trial.number in each["trials"]]
        if name := _write_predictions(folder, each["name"], members):
            each["predictions"] = name
    content = {
        "metric": metric,
        "better": "max" if higher else "min",
        "folds": cfg.split.folds,
        "repeats": len({trial.job.cfg.split.seed for trial in trials}),
        "by": cfg.split.by,
        "configurations": configurations,
        "comparisons": [row for each in configurations if (row := each.pop("comparison"))],
    }
    content |= {"sentence": _sentence(content), "metrics": _flat(configurations)}
    write_json(sweep.path / "crossval.json", content)
    if cfg.tracking.figures:
        save_figures(lambda: [_plot(content)], "figure crossval", sweep.record(), sweep.path / "figures", save)


def _headline(trial: Trial) -> str:
    names = [f"test/{name}" for name in HEADLINE if f"test/{name}" in trial.result["metrics"]]
    return (names or [name for name in trial.result["metrics"] if name.startswith("test/")])[0]


def _configurations(trials: Sequence[Trial], metric: str) -> list[Row]:
    alike: dict[str, list[Trial]] = {}
    for trial in trials:
        alike.setdefault(str(_settings(trial)), []).append(trial)
    return [_configuration(members, metric) for members in alike.values()]


def _ranked(configurations: list[Row], metric: str, higher: bool) -> list[Row]:
    """Best first, those of one data set together, with "rank", "tied", "best" and the "comparison" with the best of
    their data set. Those whose difference from it is not significant (p ≥ 0.05) tie with it."""
    keys = differing([each["context"] for each in configurations])
    contexts: dict[str, list[Row]] = {}
    for each in configurations:
        each["context"] = {key: value for key, value in each["context"].items() if key in keys}
        contexts.setdefault(str(each["context"]), []).append(each)
    ordered = []
    for members in contexts.values():
        first, *others = sorted(members, key=lambda each: _place(each, metric, higher))
        first["comparison"] = None
        for place, each in enumerate(others, 2):
            found = each["comparison"] = _comparison(each, first)
            is_tie = bool(found and found["p"] >= 1 - CONFIDENCE) and not each["unscored"]
            each |= {"rank": 1 if is_tie else place, "tied": is_tie, "best": False}
        tied = any(each["tied"] for each in others)
        alone = not any(metric in each["metrics"] for each in others)
        first |= {"rank": 1, "tied": tied, "best": metric in first["metrics"] and not tied and not alone}
        ordered += [first, *others]
    return ordered


def _configuration(trials: list[Trial], metric: str) -> Row:
    """The row of one configuration. Folds with the same test split count once."""
    trials = _without_duplicates(
        sorted(trials, key=lambda trial: (trial.job.cfg.split.seed, trial.job.cfg.split.fold))
    )
    finished = [trial for trial in trials if trial.status == "FINISHED"]
    sizes = [read_json(trial.job.path / "data.json")["examples"] for trial in finished]
    ratio = fmean(each["test"] for each in sizes) / fmean(each["train"] for each in sizes) if sizes else None
    columns: dict[str, list[float]] = {}
    for trial in finished:
        for name, value in {**trial.result["metrics"], "seconds": trial.result["seconds"]}.items():
            if (name == "seconds" or name.startswith("test/")) and isfinite(value):
                columns.setdefault(name, []).append(value)
    scores = [_score(trial, metric) for trial in trials]
    return {
        "name": _name(trials[0]),
        "swept": _settings(trials[0]),
        "context": {key: str(value) for key, value in context(metric, flatten(trials[0].job.cfg)).items()},
        "trials": [trial.number for trial in trials],
        "finished": len(finished),
        "test_over_train": ratio,
        "scores": scores,
        "unscored": [_unscored(trial) for trial, score in zip(trials, scores, strict=True) if score is None],
        "metrics": {name: _summary(name, own, ratio, len(trials)) for name, own in columns.items()} if ratio else {},
    }


def _without_duplicates(trials: Sequence[Trial]) -> list[Trial]:
    """Drops trials with the test split of an earlier trial, which repeats with groups may have."""
    if len({trial.job.cfg.split.seed for trial in trials}) == 1:
        return list(trials)
    kept: dict[Any, Trial] = {}
    for trial in trials:
        splits = trial.job.path / "splits.safetensors"
        test = load_file(splits)["test"].numpy().tobytes() if splits.exists() else trial.number
        kept.setdefault(test, trial)
    return list(kept.values())


def _score(trial: Trial, metric: str) -> float | None:
    score = trial.result.get("metrics", {}).get(metric) if trial.status == "FINISHED" else None
    return score if score is not None and isfinite(score) else None


def _unscored(trial: Trial) -> Row:
    """Why a fold has no score: it did not finish, or the metric is undefined in it, as for a missing class."""
    split, reason = trial.job.cfg.split, trial.reason or trial.status.lower()
    if trial.status == "FINISHED":
        reason = "undefined in this fold"
    return {"trial": trial.number, "fold": split.fold, "seed": split.seed, "reason": reason}


def _summary(metric: str, scores: Sequence[float], ratio: float, folds: int) -> Row:
    """Statistics over the folds. The interval is cut at the least and the largest value of the metric. If only some
    folds have a score and these are equal, the deviation is unknown."""
    found = asdict(resampled(scores, ratio))
    found |= {end: clip(metric, found[end]) for end in ("low", "high") if found[end] is not None}
    if len(scores) < folds and found["std"] is not None and found["std"] <= ROUNDING * max(map(abs, scores)):
        found |= {"std": None, "low": None, "high": None}
    return found


def _settings(trial: Trial) -> dict[str, Any]:
    return {key: value for key, value in trial.job.swept.items() if key not in (FOLD, REPEAT)}


def _name(trial: Trial) -> str:
    """The settings that distinguish this configuration: `mlp`, or `lr=0.01`."""
    settings = _settings(trial)
    parts = [str(v) if isinstance(v, str) else f"{key.rpartition('.')[2]}={v}" for key, v in settings.items()]
    return " ".join(parts) or str(trial.job.cfg.name or title(trial.job))


def _place(configuration: Row, metric: str, higher: bool) -> tuple[int, float]:
    """Sort key: best mean first, then configurations with missing folds, then those without any score."""
    found = configuration["metrics"].get(metric)
    if found is None:
        return 2, 0.0
    return int(bool(configuration["unscored"])), -found["mean"] if higher else found["mean"]


def _comparison(configuration: Row, best: Row) -> Row | None:
    """The paired test against the best on the folds that both finished; None if these are fewer than two."""
    pairs = zip(configuration["scores"], best["scores"], strict=True)
    both = [(own, other) for own, other in pairs if own is not None and other is not None]
    if len(both) < 2:
        return None
    own, other = zip(*both, strict=True)
    found = paired(own, other, configuration["test_over_train"])
    return {"name": configuration["name"], "than": best["name"], **asdict(found), "count": len(both)}


def _sentence(content: Row) -> str:
    """What the best configuration has reached, on each data set, and how the others differ from it."""
    contexts: dict[str, list[Row]] = {}
    for each in content["configurations"]:
        contexts.setdefault(str(each["context"]), []).append(each)
    return " ".join(_sentence_of(content, members) for members in contexts.values())


def _sentence_of(content: Row, configurations: Sequence[Row]) -> str:
    best, metric = configurations[0], content["metric"]
    names = {each["name"] for each in configurations}
    found = best["metrics"].get(metric)
    repeated = f" × {content['repeats']}" if content["repeats"] > 1 else ""
    text = f"{content['folds']}-fold{repeated} cross-validation: {metric} of {best['name']}"
    if found is None:
        return f"{text} is not known."
    text += f" {found['mean']:.4g}" if found["std"] is None else f" {plus_minus(found['mean'], found['std'])}"
    if found["low"] is not None:
        text += f", 95 % confidence interval of the mean {found['low']:.4g} to {found['high']:.4g}"
    if best["unscored"]:
        text += f", over {found['count']} folds: {len(best['unscored'])} without a score"
    comparisons = [each for each in content["comparisons"] if each["name"] in names]
    differences = [f"{each['name']} {each['difference']:+.4g} (p {each['p']:.2g})" for each in comparisons]
    return f"{text}; difference from it: {', '.join(differences)}." if differences else f"{text}."


def _flat(configurations: Sequence[Row]) -> dict[str, float]:
    """Means, deviations and intervals of the metrics over all classes, by name, for the tracker."""
    flat: dict[str, float] = {}
    for each in configurations:
        prefix = f"{each['name']}/" if len(configurations) > 1 else ""
        for name, found in each["metrics"].items():
            known = {key: value for key, value in found.items() if key != "count" and value is not None}
            if name.count("/") < 2:
                flat |= {f"{prefix}{name}" + f"_{key}" * (key != "mean"): value for key, value in known.items()}
    return flat


def _write_predictions(folder: Path, name: str, trials: Sequence[Trial]) -> str | None:
    """Writes one file per configuration: each example once per repeat, with the fold that it was tested in."""
    seeds = sorted({trial.job.cfg.split.seed for trial in trials})
    columns: list[str] = []
    lines: list[Row] = []
    for trial in trials:
        split = trial.job.cfg.split
        with (trial.job.path / "predictions" / "test.csv").open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            columns = columns or list(reader.fieldnames or ())
            lines += [{"repeat": seeds.index(split.seed), "fold": split.fold, **line} for line in reader]
    if not lines:
        return None
    if "index" in columns:
        lines.sort(key=lambda line: (line["repeat"], int(line["index"])))
    folder.mkdir(exist_ok=True)
    path = folder / f"{re.sub(r'[^A-Za-z0-9._=-]+', '_', name)}.csv"
    names = ["repeat", "fold", *columns]
    write_csv(path, [names, *([line.get(name) for name in names] for line in lines)])
    return path.name


def _plot(content: Row) -> Plot:
    shown = [each for each in content["configurations"] if content["metric"] in each["metrics"]]
    scores = {each["name"]: each["scores"] for each in shown}
    means = [each["metrics"][content["metric"]] for each in shown]
    settings = (content["metric"], content["better"], content["folds"], content["repeats"])
    return fold_scores("crossval", *settings, scores, means)
