"""What a network that was trained on another task is worth where labels are few."""

from collections.abc import Sequence
from statistics import fmean, pstdev

from mlcli.metric.answer import Answer
from mlcli.metric.figures_lines import lines
from mlcli.metric.plot import Plot
from mlcli.run.answer import Ended

SCRATCH = "scratch"
PRETRAINED = ("head", "whole")


def transfer(runs: Sequence[Ended]) -> Answer | None:
    """Test accuracy of each way to begin, by the number of labels of each class; means over the seeds."""
    scores: dict[str, dict[int, list[float]]] = {}
    for run in (run for run in runs if run.status == "FINISHED"):
        by_labels = scores.setdefault(str(run.cfg.variant), {})
        by_labels.setdefault(int(run.cfg.split.per_class), []).append(run.metrics["test/accuracy"])
    ways = [way for way in PRETRAINED if way in scores]
    if SCRATCH not in scores or not ways:
        return None
    labels = sorted(set.intersection(*(set(each) for each in scores.values())))
    means = {way: [fmean(each[count]) for count in labels] for way, each in scores.items()}
    deviations = {way: [pstdev(each[count]) for count in labels] for way, each in scores.items()}
    rows = [
        (count, *(means[way][place] for way in means), *(deviations[way][place] for way in means))
        for place, count in enumerate(labels)
    ]
    best = [max(ways, key=lambda way: means[way][place]) for place in range(len(labels))]
    gains = [means[way][place] - means[SCRATCH][place] for place, way in enumerate(best)]
    told = ", ".join(
        f"{gain:+.1%} with {count} ({way})" for gain, count, way in zip(gains, labels, best, strict=True)
    )
    seeds = len(scores[SCRATCH][labels[0]])
    sentence = (
        f"What beginning with the other digits' weights adds to the accuracy from scratch, by labels a class and the "
        f"better of the ways to fine-tune: {told}. {_trend(gains)}"
    )
    title = (
        f"Accuracy by labels · {best[0]} {means[best[0]][0]:.3f}, {SCRATCH} {means[SCRATCH][0]:.3f} with {labels[0]}"
    )
    note = f"test split; means of {seeds} seeds ± 1 deviation"
    data = {
        "title": title,
        "note": note,
        "x": "labels of each class",
        "y": "test/accuracy",
        "at": labels,
        "log": True,
    }
    plot = Plot("labels", lines, {**data, "means": means, "deviations": deviations})
    columns = ("labels a class", *means, *(f"± {way}" for way in means))
    return Answer(sentence, columns, rows, [plot])


def _trend(gains: list[float]) -> str:
    """Of the gains by growing number of labels."""
    if gains[0] <= 0:
        return "It is no help where labels are fewest."
    if gains[-1] < gains[0] / 2:
        return "The fewer the labels, the more it helps."
    return "It helps with few labels and with many."
