"""How well prototypes tell classes apart that were never trained on, beside nearest neighbour on raw inputs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from mlcli.metric.few_shot import Curve, accuracy_by_ways
from mlcli.run.build import Parts, build
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.task.few_shot import FewShot

WAYS = (5, 20)  # that are told
COLUMNS = ("by", "shots", "ways", "accuracy", "interval ±")


def prototypical(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Accuracy on the test classes with its 95 % interval over episodes: of prototypes by each distance and by a
    network that has learnt nothing, and of nearest neighbour on raw inputs, all on the same episodes."""
    finished = [run for run in runs if run.status == "FINISHED"]
    if not finished:
        return None
    curves = [replace(curve, name=run.cfg.task.distance) for run in finished for curve in by_network(run.parts())]
    trained = len(curves)
    parts = build(finished[0].cfg)
    curves += [replace(curve, name="untrained network", dashed=True) for curve in by_network(parts)]
    curves += [curve for curve in of_test(parts) if curve.dashed]
    one_shot = [curve for curve in curves if curve.shots == 1]
    best = max((curve for curve in curves[:trained] if curve.shots == 1), key=lambda curve: curve.accuracy[-1])
    title = f"Accuracy by ways · {told(best, best.ways[-1])} at {best.ways[-1]}-way 1-shot"
    rows = [
        (curve.name, curve.shots, ways, curve.accuracy[place], curve.interval[place])
        for curve in curves
        for place, ways in enumerate(curve.ways)
        if ways in WAYS
    ]
    return Conclusion(_sentence(best, one_shot), COLUMNS, rows, [accuracy_by_ways(title, one_shot)])


def by_network(parts: Parts) -> list[Curve]:
    return [curve for curve in of_test(parts) if not curve.dashed]


def of_test(parts: Parts) -> list[Curve]:
    """By the network and by nearest neighbour on raw inputs, one for each number of shots."""
    task = cast(FewShot, parts.task)
    return task.curves("test", task.embeddings("test"))


def told(curve: Curve, ways: int) -> str:
    place = list(curve.ways).index(ways)
    return f"{curve.accuracy[place]:.3f} ± {curve.interval[place]:.3f}"


def _sentence(best: Curve, one_shot: Sequence[Curve]) -> str:
    """All curves are of 1-shot episodes; the last one is that of nearest neighbour."""
    nearest = one_shot[-1]
    found = [
        f"{ways}-way {', '.join(f'{told(curve, ways)} ({curve.name})' for curve in one_shot)}"
        for ways in WAYS
        if ways in nearest.ways
    ]
    gaps = zip(best.accuracy, best.interval, nearest.accuracy, nearest.interval, strict=True)
    apart = all(accuracy - half > other + others_half for accuracy, half, other, others_half in gaps)
    verdict = "apart at every number of ways" if apart else "not apart everywhere"
    return (
        f"1-shot accuracy on classes never seen in training: {'; '.join(found)}. The 95 % intervals of {best.name} "
        f"and of nearest neighbour are {verdict}."
    )
