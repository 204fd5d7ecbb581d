"""How much does pre-training on another task help where labels are few?

Method: networks trained from scratch against pre-trained ones, fine-tuned as a whole or with a frozen body (linear
probe), by the number of labels per class (Yosinski et al., NeurIPS 2014).
"""

from collections.abc import Sequence

from mlcli.experiment.analysis.runs import Groups, by_variant, group_by, mean_metric
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

METRIC = "test/accuracy"
SCRATCH = "from scratch"
NAMES = {"scratch": SCRATCH, "head": "linear probe", "whole": "full fine-tuning"}

Methods = dict[str, Groups]  # by method, its runs by the number of labels per class


def transfer(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Test accuracy of each method by the number of labels per class; means over seeds."""
    methods: Methods = {
        NAMES.get(variant, variant): group_by(own, lambda run: int(run.cfg.split.per_class))
        for variant, own in by_variant(runs).items()
    }
    if SCRATCH not in methods or not set(methods) & set(NAMES.values()) - {SCRATCH}:
        return None
    labels = sorted(set.intersection(*(set(groups) for groups in methods.values())))
    curves = {method: _curve(groups, labels) for method, groups in methods.items()}
    rows = [
        (count, *(mean_metric(groups[count], METRIC) for groups in methods.values()), *_spreads(curves, place))
        for place, count in enumerate(labels)
    ]
    columns = ("labels per class", *methods, *(f"std {method}" for method in methods))
    return Conclusion(_sentence(methods, labels), columns, rows, [_plot(methods, curves, labels)])


def _curve(groups: Groups, labels: Sequence[int]) -> Curve:
    """Accuracy by the number of labels. The i-th repeats of all numbers make one curve."""
    repeats = min(len(groups[count]) for count in labels)
    return Curve.mean(labels, [[groups[count][i].metrics[METRIC] for count in labels] for i in range(repeats)])


def _spreads(curves: dict[str, Curve], place: int) -> list[float | None]:
    return [None if curve.spread is None else curve.spread[place] for curve in curves.values()]


def _sentence(methods: Methods, labels: Sequence[int]) -> str:
    scores = {method: [mean_metric(groups[count], METRIC) for count in labels] for method, groups in methods.items()}
    tuned = [method for method in NAMES.values() if method in methods and method != SCRATCH]
    best = [max(tuned, key=lambda method: scores[method][place]) for place in range(len(labels))]
    gains = [scores[method][place] - scores[SCRATCH][place] for place, method in enumerate(best)]
    each = "; ".join(
        f"{_labels(count)} per class: {scores[method][place]:.1%} ({method}) vs {scores[SCRATCH][place]:.1%}"
        for place, (count, method) in enumerate(zip(labels, best, strict=True))
    )
    return f"Test accuracy of the better fine-tuning vs training from scratch: {each}. {_trend(gains)}"


def _labels(count: int) -> str:
    return f"{count} label{'s' if count > 1 else ''}"


def _trend(gains: Sequence[float]) -> str:
    """Of the gains by growing number of labels."""
    if gains[0] <= 0:
        return "Pre-training does not help with the fewest labels."
    if gains[-1] < gains[0] / 2:
        points = f"{100 * gains[0]:.1f} to {100 * gains[-1]:.1f} percentage points"
        return f"The gain decreases with the number of labels, from {points}."
    return "Pre-training helps with few labels and with many." if len(gains) > 1 else "Pre-training helps."


def _plot(methods: Methods, curves: dict[str, Curve], labels: Sequence[int]) -> Plot:
    scores = {method: mean_metric(groups[labels[0]], METRIC) for method, groups in methods.items()}
    best = max(scores, key=scores.__getitem__)
    title = f"{_labels(labels[0])} per class: {best} {scores[best]:.1%}"
    title += "" if best == SCRATCH else f", {SCRATCH} {scores[SCRATCH]:.1%}"
    note = "test split; means over seeds with one standard deviation"
    return panels("labels", title, note, [Panel("labels per class", METRIC, curves, "x")])
