"""How few numbers tell images, and how few tell texts: principal components of both."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mlcli.figure.plot import Plot
from mlcli.metric import reduction
from mlcli.metric.reconstruction import SHOWN, strip
from mlcli.model.pca import PCA
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

COLUMNS = ("data", "examples", "features", "first three", "for 90 %", "for 95 %", "for 99 %")


def pca(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Shares of variance, components that keep 90, 95 and 99 % of it, the plane of the first two, reconstructions."""
    rows, told, plots = [], [], []
    for run in runs:
        if run.status != "FINISHED":
            continue
        parts, name = run.parts(), str(run.cfg.variant)
        ratios = ratios_of(parts)
        needed = [int(count) for count in reduction.needed(ratios).values()]
        first = ", ".join(f"{ratio:.4f}" for ratio in ratios[:3])
        rows.append((name, len(parts.data.examples.inputs), len(ratios), first, *needed))
        told.append(
            f"of {name}, {needed[1]} of {len(ratios)} components keep 95 % of the variance, and the first two "
            f"{ratios[:2].sum():.1%}"
        )
        plots += _plots(parts, ratios, name)
    if not rows:
        return None
    sentence = "; ".join(told)
    return Conclusion(f"{sentence[0].upper()}{sentence[1:]}.", COLUMNS, rows, plots)


def ratios_of(parts: Parts) -> np.ndarray:
    """The share of the variance that each component explains. Raises ValueError for another model."""
    model = parts.model
    if not isinstance(model, PCA):
        raise ValueError("This experiment needs task=reduction model=pca.")
    ratios: np.ndarray = (model.variances.double() / model.total).cpu().numpy()
    return ratios


def _plots(parts: Parts, ratios: np.ndarray, name: str) -> list[Plot]:
    """explained_variance, plane and components, and of images reconstructions, each with the name of the data."""
    data, task, model = parts.data, parts.task, parts.model
    rebuilt = task.rebuild("train")  # type: ignore[attr-defined]  # of reduction
    classes = np.array(data.classes)[data.examples.targets[data.splits["train"]].numpy()]
    axes = model.components.reshape(-1, *data.shape).cpu().numpy()  # type: ignore[operator]  # a tensor
    drawn = [
        reduction.variance(ratios, len(axes)),
        replace(reduction.plane(rebuilt.code, ratios, classes, data.classes), name="plane"),
        reduction.components(axes, ratios, data.features),
    ]
    if data.kind == "image":
        drawn.append(_reconstructions(parts, rebuilt.code, axes, rebuilt.clean))
    return [replace(plot, name=f"{plot.name}_{name}") for plot in drawn]


def _reconstructions(parts: Parts, codes: np.ndarray, axes: np.ndarray, clean: np.ndarray) -> Plot:
    """Images from a few of the components, and from all that are kept."""
    mean = parts.model.mean.reshape(parts.data.shape).cpu().numpy()  # type: ignore[operator]  # a tensor
    kept = len(axes)
    rows = {"clean": clean}
    for count in sorted({2, 8, kept}):
        name = "rebuilt" if count == kept else f"by {count}"
        rows[name] = (mean + np.tensordot(codes[:, :count], axes[:count], 1)).astype(np.float32)
    chosen = np.linspace(0, len(clean) - 1, min(len(clean), SHOWN)).round().astype(int)
    return strip("reconstructions", rows, chosen)
