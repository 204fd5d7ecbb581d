"""What a convolution is for: a CNN beside a dense network of as many parameters, also on images that are shifted."""

from collections.abc import Sequence
from statistics import fmean, pstdev

from torch import Tensor
from torch.nn import functional as F

from mlcli.metric.answer import Answer
from mlcli.metric.figures_lines import lines
from mlcli.metric.plot import Plot
from mlcli.run.answer import Ended
from mlcli.run.build import Parts

SHIFTS = (0, 1, 2, 3, 4)  # pixels
DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1))


def cnn_vs_dense(runs: Sequence[Ended]) -> Answer | None:
    """Accuracy of each network on the test images, and on the same images shifted; means over the seeds."""
    scores: dict[str, list[list[float]]] = {}
    parameters: dict[str, int] = {}
    for run in (run for run in runs if run.status == "FINISHED"):
        parts, name = run.parts(), str(run.cfg.variant)
        parameters[name] = sum(parameter.numel() for parameter in parts.model.parameters())
        scores.setdefault(name, []).append([accuracy(parts, pixels) for pixels in SHIFTS])
    if len(scores) < 2:
        return None
    means = {name: [fmean(column) for column in zip(*each, strict=True)] for name, each in scores.items()}
    deviations = {name: [pstdev(column) for column in zip(*each, strict=True)] for name, each in scores.items()}
    rows = [(name, parameters[name], len(scores[name]), *means[name]) for name in means]
    told = "; ".join(
        f"{name} ({parameters[name]:,} parameters) {each[0]:.1%}, shifted by {SHIFTS[-1]} pixels {each[-1]:.1%}"
        for name, each in means.items()
    )
    best = [max(means, key=lambda name: means[name][place]) for place in (0, -1)]
    verdict = f"{best[0]} is ahead on both" if len(set(best)) == 1 else f"{best[0]} is ahead until they are shifted"
    sentence = f"Test images classified correctly: {told}. With as many parameters, {verdict}."
    title = f"Shifted images · {best[1]} {means[best[1]][-1]:.3f} at {SHIFTS[-1]} pixels"
    note = f"test images moved up, down, left and right; means of {len(scores[best[1]])} seeds ± 1 deviation"
    data = {"title": title, "note": note, "x": "pixels", "y": "accuracy", "at": list(SHIFTS)}
    plot = Plot("shifted", lines, {**data, "means": means, "deviations": deviations})
    columns = ("network", "parameters", "seeds", "accuracy", *(f"shifted by {pixels}" for pixels in SHIFTS[1:]))
    return Answer(sentence, columns, rows, [plot])


def accuracy(parts: Parts, pixels: int) -> float:
    """On the test images shifted by so many pixels, the mean over the four directions."""
    test = parts.data.splits["test"]
    images, targets = parts.data.examples.inputs[test], parts.data.examples.targets[test]
    names = [parts.data.classes[label] for label in targets.tolist()]
    directions = DIRECTIONS if pixels else DIRECTIONS[:1]
    shifted_images = (shifted(images, pixels * right, pixels * down) for right, down in directions)
    return fmean(float((parts.task.predict(each)["prediction"] == names).mean()) for each in shifted_images)


def shifted(images: Tensor, right: int, down: int) -> Tensor:
    """B × C × H × W moved by so many pixels; what comes in is as dark as the darkest pixel."""
    return F.pad(images, (right, -right, down, -down), value=float(images.min()))
