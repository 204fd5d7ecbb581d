"""Why is accuracy misleading where one class is rare?

Method: a classifier without correction, with class weights and with a balanced sampler, against the majority-class
baseline, by metrics of the rare class too (He & Garcia, IEEE TKDE 21, 2009).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from mlcli.experiment.analysis.runs import finished
from mlcli.figure.bars import bars
from mlcli.figure.plot import Plot
from mlcli.metric import classification
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

METRICS = ("accuracy", "precision", "recall", "f1", "roc_auc", "average_precision")
BASELINE, UNCORRECTED = "majority-class baseline", "no correction"


def imbalanced(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Test scores of each correction and of the baseline; precision, recall and F1 are those of the rare class."""
    by_correction = {_correction(run): run for run in finished(runs)}
    if UNCORRECTED not in by_correction:
        return None
    data = by_correction[UNCORRECTED].parts().data
    targets = data.examples.targets[data.splits["test"]].numpy()
    rare = data.classes[int(np.bincount(targets, minlength=len(data.classes)).argmin())]
    scores = {BASELINE: _scores(_constant(targets, data.classes), rare)}
    scores |= {name: _scores(_of_test(run), rare) for name, run in by_correction.items()}
    rows = [(name, *each) for name, each in scores.items()]
    return Conclusion(_sentence(scores, rare), ("correction", *METRICS), rows, [_plot(scores, rare)])


def _correction(run: FinishedRun) -> str:
    """How the run corrects for the imbalance."""
    trainer = run.cfg.trainer
    used = {"class weights": trainer.class_weights is not None, "balanced sampler": trainer.sampler is not None}
    return " and ".join(name for name, is_used in used.items() if is_used) or UNCORRECTED


def _constant(targets: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    """Scores of the same prediction for all N examples: the frequency of each class."""
    frequencies = np.bincount(targets, minlength=len(classes)) / len(targets)
    return classification.scores(targets, np.tile(frequencies, (len(targets), 1)), classes)


def _of_test(run: FinishedRun) -> dict[str, float]:
    return {name.removeprefix("test/"): value for name, value in run.metrics.items() if name.startswith("test/")}


def _scores(metrics: Mapping[str, float], rare: str) -> list[float]:
    """In the order of `METRICS`."""
    return [metrics[name] if name in metrics else metrics[f"{name}/{rare}"] for name in METRICS]


def _plot(scores: Mapping[str, list[float]], rare: str) -> Plot:
    title = f"Accuracy hides the recall on {rare}"
    note = f"test split; precision, recall and F1 of {rare}"
    return bars("scores", title, note, [name.replace("_", " ") for name in METRICS], scores)


def _sentence(scores: Mapping[str, Sequence[float]], rare: str) -> str:
    named = {name: dict(zip(METRICS, each, strict=True)) for name, each in scores.items()}
    baseline, plain = named.pop(BASELINE), named[UNCORRECTED]
    highest = max(named, key=lambda name: named[name]["recall"])
    best = named[highest]
    verdict = "is misleading" if best["accuracy"] < baseline["accuracy"] else "is not misleading here"
    return (
        f"Accuracy {verdict}: the {BASELINE} has an accuracy of {baseline['accuracy']:.1%} with recall "
        f"{baseline['recall']:.0%} on {rare}; the network has an accuracy of {plain['accuracy']:.1%} with recall "
        f"{plain['recall']:.0%} (average precision {plain['average_precision']:.2f}; baseline "
        f"{baseline['average_precision']:.3f}); with {highest} recall is {best['recall']:.0%} and accuracy "
        f"{best['accuracy']:.1%}."
    )
