"""How well do prototypical networks classify images of classes never seen in training?

Method: class prototypes are mean embeddings of the support set, classified by Euclidean or cosine distance (Snell,
Swersky & Zemel, NeurIPS 2017); baselines are an untrained network and nearest neighbour on raw inputs.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from mlcli.experiment.analysis.runs import finished
from mlcli.figure.few_shot import Curve, accuracy_by_ways
from mlcli.run.build import Parts, build
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.task.few_shot import FewShot

REPORTED = (5, 20)  # numbers of ways
COLUMNS = ("method", "shots", "ways", "accuracy", "95% interval ±")
UNTRAINED, NEAREST = "untrained network", "nearest neighbour on raw inputs"


def prototypical(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Accuracy on the test classes with its 95% confidence interval over episodes: of prototypes by each distance, of
    an untrained network, and of nearest neighbour on raw inputs, all on the same episodes."""
    complete = finished(runs)
    if not complete:
        return None
    trained = [replace(curve, name=run.cfg.task.distance) for run in complete for curve in by_network(run.parts())]
    parts = build(complete[0].cfg)
    untrained = [replace(curve, name=UNTRAINED, dashed=True) for curve in by_network(parts)]
    nearest = [replace(curve, name=NEAREST) for curve in of_test(parts) if curve.dashed]
    curves = [*trained, *untrained, *nearest]
    one_shot = [curve for curve in curves if curve.shots == 1]
    best = max((curve for curve in trained if curve.shots == 1), key=lambda curve: curve.accuracy[-1])
    title = f"Accuracy by ways · {format_accuracy(best, best.ways[-1])} at {best.ways[-1]}-way 1-shot"
    rows = [
        (curve.name, curve.shots, ways, curve.accuracy[place], curve.interval[place])
        for curve in curves
        for place, ways in enumerate(curve.ways)
        if ways in REPORTED
    ]
    return Conclusion(_sentence(best, one_shot), COLUMNS, rows, [accuracy_by_ways(title, one_shot)])


def by_network(parts: Parts) -> list[Curve]:
    return [curve for curve in of_test(parts) if not curve.dashed]


def of_test(parts: Parts) -> list[Curve]:
    """By the network and by nearest neighbour on raw inputs (dashed), one for each number of shots."""
    task = cast(FewShot, parts.task)
    return task.curves("test", task.embeddings("test"))


def format_accuracy(curve: Curve, ways: int) -> str:
    place = list(curve.ways).index(ways)
    return f"{curve.accuracy[place]:.3f} ± {curve.interval[place]:.3f}"


def _sentence(best: Curve, one_shot: Sequence[Curve]) -> str:
    """All curves are of 1-shot episodes; the last one is that of nearest neighbour."""
    nearest = one_shot[-1]
    by_ways = [
        f"{ways}-way {', '.join(f'{curve.name} {format_accuracy(curve, ways)}' for curve in one_shot)}"
        for ways in REPORTED
        if ways in nearest.ways
    ]
    gaps = zip(best.accuracy, best.interval, nearest.accuracy, nearest.interval, strict=True)
    apart = all(accuracy - half > other + others_half for accuracy, half, other, others_half in gaps)
    verdict = "do not overlap at any number of ways" if apart else "overlap at some numbers of ways"
    return (
        f"1-shot accuracy on classes never seen in training: {'; '.join(by_ways)}. The 95% confidence intervals of "
        f"{best.name} and nearest neighbour {verdict}."
    )
