"""Are convolution and pooling written in NumPy equal to torch's, and what does an edge filter detect in a digit?

Method: cross-correlation (Goodfellow, Bengio & Courville, Deep Learning, 2016, section 9.1) with stride, padding,
dilation and several channels, on digits and with the kernels of a trained network, in double precision.

Shapes: B digits, C channels, H × W pixels.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from mlcli.experiment.analysis.differences import max_difference
from mlcli.figure.image_grid import image_grid
from mlcli.figure.kernels import kernels
from mlcli.figure.plot import Plot
from mlcli.model.scratch.convolution import SOBEL_X, SOBEL_Y, conv2d, max_pool2d, mean_pool2d
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

COLUMNS = ("operation", "channels", "kernel", "stride", "padding", "dilation", "output shape", "max difference")
CONVOLUTIONS = [(1, 0, 1), (1, 1, 1), (2, 1, 1), (1, 2, 2), (2, 3, 3)]  # stride, padding, dilation
POOLS = [(2, 2, 0), (3, 1, 1), (3, 2, 1)]  # window, stride, padding
SHOWN = 3  # digits in the figures

Row = tuple[Any, ...]


def convolution_by_hand(runs: Sequence[FinishedRun]) -> Conclusion:
    """The largest difference from torch for each setting and for the whole network; the outputs of edge filters and
    of learned kernels."""
    parts = runs[0].parts()
    model: Any = parts.model.double().eval()
    test = parts.data.splits["test"]
    raw, targets = parts.data.examples.inputs[test], parts.data.examples.targets[test]
    own = parts.data.standardise
    images = ((raw.double() - own.mean) / own.std).numpy()
    rows = [*_convolutions(model, images), *_pools(images)]
    ours, theirs = forward(model, images), model(torch.from_numpy(images)).detach().numpy()
    rows.append(("whole network", "", "", "", "", "", _shape(ours), max_difference(ours, theirs)))
    worst = max(row[-1] for row in rows)
    accuracy, expected = (float((each.argmax(1) == targets.numpy()).mean()) for each in (ours, theirs))
    sentence = (
        f"In {len(rows) - 1} settings of stride, padding, dilation and channels, convolution and pooling in NumPy "
        f"differ from torch's by at most {worst:.1e}. On {len(images)} test digits, a network computed with them has "
        f"an accuracy of {accuracy:.2%} (torch: {expected:.2%})."
    )
    chosen = [int((targets == label).nonzero()[0, 0]) for label in range(SHOWN)]
    names = [f"digit {parts.data.classes[int(targets[i])]}" for i in chosen]
    layer = model.blocks[0].convolution
    learned = kernels(layer.weight.detach().numpy(), images[chosen], _in_numpy(layer, images[chosen]), names)
    return Conclusion(sentence, COLUMNS, rows, [edges(raw[chosen].double().numpy(), names), learned])


def forward(model: Any, images: np.ndarray) -> np.ndarray:
    """The network's logits B × classes, with convolutions and pooling in NumPy."""
    values = images
    for block in model.blocks:
        for layer in block:
            values = _in_numpy(layer, values)
    flat = torch.from_numpy(values.reshape(len(values), -1))
    with torch.no_grad():
        logits: np.ndarray = model.head(flat).numpy()
    return logits


def _in_numpy(layer: Any, values: np.ndarray) -> np.ndarray:
    if isinstance(layer, nn.Conv2d):
        bias = None if layer.bias is None else layer.bias.detach().numpy()
        options: Any = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
        return conv2d(values, layer.weight.detach().numpy(), bias, **options)
    if isinstance(layer, nn.MaxPool2d | nn.AvgPool2d):
        pool = max_pool2d if isinstance(layer, nn.MaxPool2d) else mean_pool2d
        return pool(values, layer.kernel_size)
    with torch.no_grad():  # norm and activation
        others: np.ndarray = layer(torch.from_numpy(values)).numpy()
    return others


def _convolutions(model: Any, images: np.ndarray) -> Iterator[Row]:
    """Each convolution of the network on its own inputs, with several strides, paddings and dilations."""
    inputs = images
    for block in model.blocks:
        weight = block.convolution.weight.detach()
        channels, size = f"{weight.shape[1]} → {weight.shape[0]}", f"{weight.shape[2]}×{weight.shape[3]}"
        for stride, padding, dilation in CONVOLUTIONS:
            ours = conv2d(inputs, weight.numpy(), stride=stride, padding=padding, dilation=dilation)
            theirs = F.conv2d(torch.from_numpy(inputs), weight, None, stride, padding, dilation).numpy()
            yield "convolution", channels, size, stride, padding, dilation, _shape(ours), max_difference(ours, theirs)
        inputs = block(torch.from_numpy(inputs)).detach().numpy()


def _pools(images: np.ndarray) -> Iterator[Row]:
    for name, our_pool, torch_pool in (("max", max_pool2d, F.max_pool2d), ("mean", mean_pool2d, F.avg_pool2d)):
        for window, stride, padding in POOLS:
            ours = our_pool(images, window, stride=stride, padding=padding)
            theirs = torch_pool(torch.from_numpy(images), window, stride, padding).numpy()
            size = f"{window}×{window}"
            yield f"{name} pooling", 1, size, stride, padding, 1, _shape(ours), max_difference(ours, theirs)


def edges(images: np.ndarray, names: list[str]) -> Plot:
    """The outputs of Sobel's filters on B × 1 × H × W images."""
    filtered = conv2d(images, np.stack([SOBEL_X, SOBEL_Y])[:, None], padding=1)
    magnitude = np.hypot(filtered[:, 0], filtered[:, 1])
    cells = [[image[0], *pair, edge] for image, pair, edge in zip(images, filtered, magnitude, strict=True)]
    title = "Sobel edge filters on digits"
    note = "orange: brighter to the right (x) or downwards (y); blue: darker; magnitude: √(x² + y²)"
    columns = ["digit", "Sobel x", "Sobel y", "magnitude"]
    return image_grid("edges", title, note, names, columns, cells, [[False, True, True, False]] * len(cells))


def _shape(values: np.ndarray) -> str:
    return " × ".join(map(str, values.shape[1:]))
