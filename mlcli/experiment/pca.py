"""How many principal components describe images, and how many describe texts?

Method: PCA, the leading eigenvectors of the covariance (Jolliffe, Principal Component Analysis, 2002), of images and
of word vectors: explained variance, the principal plane, and reconstructions.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mlcli.evenly import evenly_spaced
from mlcli.experiment.analysis.examples import class_labels
from mlcli.experiment.analysis.runs import finished
from mlcli.figure.plot import Plot
from mlcli.figure.reduction import components
from mlcli.metric import reduction
from mlcli.model.pca import PCA
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.task.plots.reconstruction import SHOWN, strip
from mlcli.task.plots.reduction import explained_variance, plane

COLUMNS = (
    "data", "examples", "features", "first three ratios",
    *(f"components for {share:.0%}" for share in reduction.SHARES),
)  # fmt: skip


def pca(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """For each data set: explained variance ratios, the components that explain 90%, 95% and 99% of the variance, the
    principal plane, and reconstructions of images."""
    rows, sentences, plots = [], [], []
    for run in finished(runs):
        parts, name = run.parts(), str(run.cfg.variant)
        ratios = ratios_of(parts)
        needed = [int(count) for count in reduction.components_needed(ratios).values()]
        first = ", ".join(f"{ratio:.4f}" for ratio in ratios[:3])
        rows.append((name, len(parts.data.examples.inputs), len(ratios), first, *needed))
        sentences.append(
            f"for {name}, {needed[1]} of {len(ratios)} components explain 95% of the variance, and the first two "
            f"{ratios[:2].sum():.1%}"
        )
        plots += _plots(parts, ratios, name)
    if not rows:
        return None
    sentence = "; ".join(sentences)
    return Conclusion(f"{sentence[0].upper()}{sentence[1:]}.", COLUMNS, rows, plots)


def ratios_of(parts: Parts) -> np.ndarray:
    """The explained variance ratio of each component. Raises ValueError for other models."""
    model = parts.model
    if not isinstance(model, PCA):
        raise ValueError("this experiment needs task=reduction model=pca")
    ratios: np.ndarray = (model.variances.double() / model.total).cpu().numpy()
    return ratios


def _plots(parts: Parts, ratios: np.ndarray, name: str) -> list[Plot]:
    """explained_variance, plane, components and, for images, reconstructions, each named after the data set."""
    data, task, model = parts.data, parts.task, parts.model
    rebuilt = task.reconstruct("train")  # type: ignore[attr-defined]  # of reduction
    labels = class_labels(data, "train")
    axes = model.components.reshape(-1, *data.prepared_shape).cpu().numpy()  # type: ignore[operator]  # a tensor
    plots = [
        explained_variance(ratios, len(axes)),
        plane(rebuilt.code, ratios, labels, data.classes, "plane"),
        components(axes, ratios, data.prepared_features),
    ]
    if data.kind == "image":
        plots.append(_reconstructions(parts, rebuilt.code, axes, rebuilt.clean))
    return [replace(plot, name=f"{plot.name}_{name}") for plot in plots]


def _reconstructions(parts: Parts, codes: np.ndarray, axes: np.ndarray, clean: np.ndarray) -> Plot:
    """Images reconstructed from a few of the components, and from all of the model."""
    mean = parts.model.mean.reshape(parts.data.shape).cpu().numpy()  # type: ignore[operator]  # a tensor
    rows = {"clean": clean}
    for count in sorted({2, 8, len(axes)}):
        name = "rebuilt" if count == len(axes) else f"by {count}"
        rows[name] = (mean + np.tensordot(codes[:, :count], axes[:count], 1)).astype(np.float32)
    return strip("reconstructions", rows, evenly_spaced(len(clean), SHOWN))
