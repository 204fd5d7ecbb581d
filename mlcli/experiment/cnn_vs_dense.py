"""Does convolution help beyond the number of parameters?

Method: a CNN and a dense network with equally many parameters on the same images, tested on the original and on
translated images (translation equivariance: Goodfellow, Bengio & Courville, Deep Learning, 2016, section 9.2).
"""

from collections.abc import Sequence
from statistics import fmean

from torch import Tensor
from torch.nn import functional as F

from mlcli.experiment.analysis.examples import class_labels
from mlcli.experiment.analysis.runs import by_variant
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

SHIFTS = (0, 1, 2, 3, 4)  # pixels
DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1))
COLUMNS = ("network", "parameters", "seeds", "accuracy", *(f"shifted by {pixels}" for pixels in SHIFTS[1:]))

Accuracies = dict[str, list[float]]  # by network, at each shift: means over seeds


def cnn_vs_dense(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Test accuracy of each network on the original and on shifted images; means over seeds."""
    groups = by_variant(runs)
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
    """Test accuracy on images shifted by `pixels`, the mean over the four directions."""
    images, labels = parts.data.examples.inputs[parts.data.splits["test"]], class_labels(parts.data, "test")
    directions = DIRECTIONS if pixels else DIRECTIONS[:1]
    moved = (shifted(images, pixels * right, pixels * down) for right, down in directions)
    return fmean(float((parts.predict(each)["prediction"] == labels).mean()) for each in moved)


def shifted(images: Tensor, right: int, down: int) -> Tensor:
    """Images B × C × H × W shifted by pixels, padded with the smallest value of all images."""
    return F.pad(images, (right, -right, down, -down), value=float(images.min()))


def _sentence(means: Accuracies, parameters: dict[str, int]) -> str:
    each = "; ".join(
        f"{name} ({parameters[name]:,} parameters) {scores[0]:.1%}, shifted by {SHIFTS[-1]} pixels {scores[-1]:.1%}"
        for name, scores in means.items()
    )
    first, last = (max(means, key=lambda name: means[name][place]) for place in (0, -1))
    verdict = f"{first} is better on both" if first == last else f"{first} is better unshifted, {last} shifted"
    return f"Test accuracy: {each}. {verdict}."


def _plot(curves: dict[str, Curve], means: Accuracies) -> Plot:
    each = ", ".join(f"{name} {scores[-1]:.1%}" for name, scores in means.items())
    note = "test images shifted up, down, left and right; means over seeds with one standard deviation"
    panel = Panel("shift (pixels)", "test accuracy", curves)
    return panels("shifted", f"Test accuracy at a shift of {SHIFTS[-1]} pixels: {each}", note, [panel])
