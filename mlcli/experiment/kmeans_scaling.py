"""Why should features be normalised before k-means?

Method: k-means (Lloyd, IEEE Transactions on Information Theory 28, 1982) on raw and on standardised features, with as
many clusters as there are classes; agreement with the classes is the adjusted Rand index (Hubert & Arabie 1985).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlcli.experiment.analysis.runs import by_variant, finished
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.task.plots.clustering import labellings

COLUMNS = (
    "features", "clusters", "adjusted Rand index", "silhouette", "inertia", "dominant feature", "share of variance",
)  # fmt: skip


@dataclass(frozen=True)
class Clustering:
    """As many clusters as classes. points: N × D features as k-means uses them; clusters: N."""

    name: str
    run: FinishedRun
    parts: Parts
    points: np.ndarray
    clusters: np.ndarray

    @property
    def label(self) -> str:
        return f"clusters, {self.name}"

    @property
    def dominant(self) -> tuple[str, float]:
        """The feature with the largest share of the squared distances between examples, and its share."""
        shares = self.points.var(0) / self.points.var(0).sum()
        place = int(shares.argmax())
        return self.parts.data.features[place], float(shares[place])


def kmeans_scaling(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Adjusted Rand index, silhouette and inertia of each, with as many clusters as classes."""
    complete = finished(runs)
    if not complete:
        return None
    classes = len(complete[0].parts().data.classes)
    found = [_clustering(run) for run in complete if run.cfg.model.clusters == classes]
    if len({each.name for each in found}) < 2:
        return None
    rows = [
        (each.name, classes, *(each.run.metrics[f"train/{name}"] for name in ("ari", "silhouette", "inertia")),
         *each.dominant)
        for each in found
    ]  # fmt: skip
    return Conclusion(_sentence(found), COLUMNS, rows, [_labellings(found), _elbow(complete)])


def _clustering(run: FinishedRun) -> Clustering:
    parts = run.parts()
    points = parts.task.loader.prepare(parts.data.examples.inputs)  # type: ignore[attr-defined]  # of clustering
    clusters = parts.predict(parts.data.examples.inputs)["cluster"]
    return Clustering(str(run.cfg.variant), run, parts, points.cpu().double().numpy(), clusters)


def _sentence(found: Sequence[Clustering]) -> str:
    raw, scaled = sorted(found, key=lambda each: -each.dominant[1])[:2]
    scores = {each.name: each.run.metrics["train/ari"] for each in found}
    each = "; ".join(
        f"{each.name} features: adjusted Rand index {scores[each.name]:.2f}, silhouette "
        f"{each.run.metrics['train/silhouette']:.2f}, inertia {each.run.metrics['train/inertia']:,.0f}"
        for each in found
    )
    feature, share = raw.dominant
    better = "better" if scores[scaled.name] > scores[raw.name] else "no better"
    return (
        f"{len(raw.parts.data.classes)} clusters of {len(raw.points)} examples. {each[0].upper()}{each[1:]}. With "
        f"{raw.name} features {feature} accounts for {share:.1%} of the squared distances and dominates the "
        f"clustering; with {scaled.name} features none accounts for more than {scaled.dominant[1]:.0%}, and the "
        f"clusters agree {better} with the classes, which are not used in training. Silhouette and inertia depend on "
        "the scale of the features, so they cannot decide between the two."
    )


def _labellings(found: Sequence[Clustering]) -> Plot:
    """The examples in the principal plane of the normalised features, by class and by cluster."""
    scaled = min(found, key=lambda each: each.dominant[1])
    data = scaled.parts.data
    targets = data.examples.targets.numpy()
    labels = {"classes": targets} | {each.label: _matched(each.clusters, targets) for each in found}
    wrong = ", ".join(f"{each.name} {np.mean(labels[each.label] != targets):.0%}" for each in found)
    note = "each cluster has the colour of the class that it is matched with"
    return labellings(scaled.points, labels, data.classes, f"Clusters and classes · mismatches: {wrong}", note)


def _matched(clusters: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The clusters numbered like the classes, matched for the largest overlap."""
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics import confusion_matrix

    _, place = linear_sum_assignment(-confusion_matrix(clusters, targets))
    matched: np.ndarray = place[clusters]
    return matched


def _elbow(runs: Sequence[FinishedRun]) -> Plot:
    """Inertia by the number of clusters, relative to that of one cluster."""
    curves = {}
    for name, group in by_variant(runs).items():
        own = sorted(group, key=lambda run: int(run.cfg.model.clusters))
        inertia = [run.metrics["train/inertia"] for run in own]
        curves[name] = Curve([int(run.cfg.model.clusters) for run in own], [each / inertia[0] for each in inertia])
    panel = Panel("clusters", "inertia / inertia of one cluster", curves)
    note = "the elbow of a curve suggests the number of clusters"
    return panels("elbow", "Inertia by number of clusters", note, [panel], "features")
