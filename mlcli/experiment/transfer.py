"""What a network that was trained on another task is worth where labels are few."""

from collections.abc import Sequence

from mlcli.experiment.analysis.convergence import Groups, grouped, mean_of
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

METRIC = "test/accuracy"
SCRATCH = "scratch"
PRETRAINED = ("head", "whole")

Ways = dict[str, Groups]  # by how a network begins, its runs by the number of labels of each class


def transfer(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Test accuracy of each way to begin, by the number of labels of each class; means over the seeds."""
    ways: Ways = {
        way: grouped(own, lambda run: int(run.cfg.split.per_class))
        for way, own in grouped(runs, lambda run: str(run.cfg.variant)).items()
    }
    tuned = [way for way in PRETRAINED if way in ways]
    if SCRATCH not in ways or not tuned:
        return None
    labels = sorted(set.intersection(*(set(groups) for groups in ways.values())))
    curves = {way: _curve(groups, labels) for way, groups in ways.items()}
    rows = [
        (count, *(mean_of(groups[count], METRIC) for groups in ways.values()), *_spreads(curves, place))
        for place, count in enumerate(labels)
    ]
    columns = ("labels a class", *ways, *(f"± {way}" for way in ways))
    return Conclusion(_sentence(ways, tuned, labels), columns, rows, [_plot(ways, curves, labels)])


def _curve(groups: Groups, labels: Sequence[int]) -> Curve:
    """Accuracy over the number of labels. Repeats are those of each number in their order."""
    repeats = min(len(groups[count]) for count in labels)
    return Curve.mean(labels, [[groups[count][i].metrics[METRIC] for count in labels] for i in range(repeats)])


def _spreads(curves: dict[str, Curve], place: int) -> list[float | None]:
    return [None if curve.spread is None else curve.spread[place] for curve in curves.values()]


def _sentence(ways: Ways, tuned: Sequence[str], labels: Sequence[int]) -> str:
    scores = {way: [mean_of(groups[count], METRIC) for count in labels] for way, groups in ways.items()}
    best = [max(tuned, key=lambda way: scores[way][place]) for place in range(len(labels))]
    gains = [scores[way][place] - scores[SCRATCH][place] for place, way in enumerate(best)]
    told = ", ".join(
        f"with {count} {scores[way][place]:.1%} ({way}) instead of {scores[SCRATCH][place]:.1%}"
        for place, (count, way) in enumerate(zip(labels, best, strict=True))
    )
    return f"The better way to fine-tune instead of from scratch, by labels of each class: {told}. {_trend(gains)}"


def _trend(gains: Sequence[float]) -> str:
    """Of the gains by growing number of labels."""
    if gains[0] <= 0:
        return "It is no help where labels are fewest."
    if gains[-1] < gains[0] / 2:
        return (
            f"It helps most where labels are few: by {100 * gains[0]:.1f} points first, {100 * gains[-1]:.1f} last."
        )
    return "It helps with few labels and with many." if len(gains) > 1 else "It helps."


def _plot(ways: Ways, curves: dict[str, Curve], labels: Sequence[int]) -> Plot:
    told = ", ".join(f"{way} {mean_of(groups[labels[0]], METRIC):.1%}" for way, groups in ways.items())
    note = "test split; means over seeds, with one standard deviation"
    title = f"With {labels[0]} label{'s' * (labels[0] > 1)} a class: {told}"
    return panels("labels", title, note, [Panel("labels of each class", METRIC, curves, "x")])
