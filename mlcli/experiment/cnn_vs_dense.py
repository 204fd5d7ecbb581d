"""What a convolution is for: a CNN beside a dense network of as many parameters, also on images that are shifted."""

from collections.abc import Sequence
from statistics import fmean

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from mlcli.experiment.analysis.convergence import grouped
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

SHIFTS = (0, 1, 2, 3, 4)  # pixels
DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1))
COLUMNS = ("network", "parameters", "seeds", "accuracy", *(f"shifted by {pixels}" for pixels in SHIFTS[1:]))

Accuracies = dict[str, list[float]]  # of each network the accuracy at each shift, means over the seeds


def cnn_vs_dense(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Accuracy of each network on the test images, and on the same images shifted; means over the seeds."""
    groups = grouped(runs, lambda run: str(run.cfg.variant))
    if len(groups) < 2:
        return None
    parameters, curves = {}, {}
    for name, group in groups.items():
        repeats = [run.parts() for run in group]
        parameters[name] = sum(parameter.numel() for parameter in repeats[0].model.parameters())
        curves[name] = Curve.mean(SHIFTS, [[accuracy(parts, pixels) for pixels in SHIFTS] for parts in repeats])
    means = {name: [float(y) for y in curve.y if y is not None] for name, curve in curves.items()}
    rows = [(name, parameters[name], len(groups[name]), *means[name]) for name in means]
    return Conclusion(_sentence(means, parameters), COLUMNS, rows, [_plot(curves, means)])


def accuracy(parts: Parts, pixels: int) -> float:
    """On the test images shifted by so many pixels, the mean over the four directions."""
    test = parts.data.splits["test"]
    images, targets = parts.data.examples.inputs[test], parts.data.examples.targets[test].numpy()
    names = np.array(parts.data.classes)[targets]
    directions = DIRECTIONS if pixels else DIRECTIONS[:1]
    moved = (shifted(images, pixels * right, pixels * down) for right, down in directions)
    return fmean(float((parts.task.predict(each)["prediction"] == names).mean()) for each in moved)


def shifted(images: Tensor, right: int, down: int) -> Tensor:
    """B × C × H × W moved by so many pixels; what comes in is as dark as the darkest pixel."""
    return F.pad(images, (right, -right, down, -down), value=float(images.min()))


def _sentence(means: Accuracies, parameters: dict[str, int]) -> str:
    told = "; ".join(
        f"{name} ({parameters[name]:,} parameters) {each[0]:.1%}, shifted by {SHIFTS[-1]} pixels {each[-1]:.1%}"
        for name, each in means.items()
    )
    first, last = (max(means, key=lambda name: means[name][place]) for place in (0, -1))
    verdict = f"{first} is ahead on both" if first == last else f"{first} is ahead as they are, {last} once shifted"
    return f"Test images classified correctly: {told}. {verdict}."


def _plot(curves: dict[str, Curve], means: Accuracies) -> Plot:
    told = ", ".join(f"{name} {each[-1]:.1%}" for name, each in means.items())
    note = "test images moved up, down, left and right; means over seeds, with one standard deviation"
    return panels(
        "shifted", f"Accuracy at {SHIFTS[-1]} pixels: {told}", note, [Panel("shift (pixels)", "accuracy", curves)]
    )
