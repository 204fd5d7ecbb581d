"""Why k-means needs features of one scale: clusters of raw and of normalised features, beside the classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.metric.clustering import labellings
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

COLUMNS = ("features", "clusters", "adjusted Rand index", "silhouette", "inertia", "largest feature", "its share")


@dataclass(frozen=True)
class Found:
    """As many clusters as classes, in features as they are or normalised. shares: D, what part of the squared
    distances between examples each feature makes up; clusters: the cluster of each example."""

    name: str
    run: FinishedRun
    parts: Parts
    points: np.ndarray
    clusters: np.ndarray

    @property
    def label(self) -> str:
        return f"clusters, {self.name}"

    @property
    def shares(self) -> np.ndarray:
        shares: np.ndarray = self.points.var(0) / self.points.var(0).sum()
        return shares

    @property
    def largest(self) -> tuple[str, float]:
        place = int(self.shares.argmax())
        return self.parts.data.features[place], float(self.shares[place])


def kmeans_scaling(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Adjusted Rand index, silhouette and inertia of each, with as many clusters as the data has classes."""
    finished = [run for run in runs if run.status == "FINISHED"]
    if not finished:
        return None
    classes = len(finished[0].parts().data.classes)
    found = [_found(run) for run in finished if run.cfg.model.clusters == classes]
    if len({each.name for each in found}) < 2:
        return None
    rows = [
        (each.name, classes, *(each.run.metrics[f"train/{name}"] for name in ("ari", "silhouette", "inertia")),
         each.largest[0], each.largest[1])
        for each in found
    ]  # fmt: skip
    return Conclusion(_sentence(found), COLUMNS, rows, [_picture(found), _elbow(finished)])


def _found(run: FinishedRun) -> Found:
    parts = run.parts()
    points = parts.task.loader.prepare(parts.data.examples.inputs)  # type: ignore[attr-defined]  # of clustering
    clusters = parts.task.predict(parts.data.examples.inputs)["cluster"]
    return Found(str(run.cfg.variant), run, parts, points.cpu().double().numpy(), clusters)


def _sentence(found: Sequence[Found]) -> str:
    raw, scaled = sorted(found, key=lambda each: -each.largest[1])[:2]
    scores = {each.name: each.run.metrics["train/ari"] for each in found}
    told = "; ".join(
        f"{each.name}: adjusted Rand index {scores[each.name]:.2f}, silhouette "
        f"{each.run.metrics['train/silhouette']:.2f}, inertia {each.run.metrics['train/inertia']:,.0f}"
        for each in found
    )
    feature, share = raw.largest
    better = "better" if scores[scaled.name] > scores[raw.name] else "no better"
    return (
        f"{len(raw.parts.data.classes)} clusters of {len(raw.points)} examples. {told}. {raw.name.capitalize()}, "
        f"{feature} alone makes up {share:.1%} of the squared distances, and the clusters are clusters of it; "
        f"{scaled.name}, no feature has more than {scaled.largest[1]:.0%}, and the clusters agree {better} with the "
        "classes, which nobody had told. Silhouette and inertia are measured in each one's own distances, so they "
        "cannot tell which of the two is right."
    )


def _picture(found: Sequence[Found]) -> Plot:
    """The examples in the same plane, that of normalised features, by cluster, beside their classes."""
    scaled = min(found, key=lambda each: each.largest[1])
    data = scaled.parts.data
    targets = data.examples.targets.numpy()
    labels = {"classes": targets} | {each.label: _matched(each.clusters, targets) for each in found}
    wrong = ", ".join(f"{each.name} {np.mean(labels[each.label] != targets):.0%}" for each in found)
    note = "a cluster has the colour of the class that it has most in common with"
    title = f"Clusters beside the classes · in that of another: {wrong}"
    return labellings(scaled.points, labels, data.classes, title, note)


def _matched(clusters: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The clusters numbered like the classes that they have most in common with."""
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics import confusion_matrix

    _, place = linear_sum_assignment(-confusion_matrix(clusters, targets))
    matched: np.ndarray = place[clusters]
    return matched


def _elbow(runs: Sequence[FinishedRun]) -> Plot:
    """Inertia by the number of clusters, as a share of that of a single one."""
    curves = {}
    for name in dict.fromkeys(str(run.cfg.variant) for run in runs):
        own = sorted((r for r in runs if r.cfg.variant == name), key=lambda run: int(run.cfg.model.clusters))
        inertia = [run.metrics["train/inertia"] for run in own]
        curves[name] = Curve([int(run.cfg.model.clusters) for run in own], [each / inertia[0] for each in inertia])
    panel = Panel("clusters", "inertia, as a share of that of one cluster", curves)
    note = "where a curve bends, further clusters divide what belongs together"
    return panels("elbow", "How many clusters there are", note, [panel], "features")
