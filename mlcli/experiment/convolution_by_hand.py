"""A convolution and pooling written out in NumPy, held against torch's on digits and on kernels that were learned.

Shapes: B digits, C channels, O channels of a layer's outputs. All in double precision.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from mlcli.figure.pictures import pictures
from mlcli.figure.plot import Plot
from mlcli.metric.kernels import kernels
from mlcli.model.scratch.convolution import SOBEL_X, SOBEL_Y, conv2d, max_pool2d, mean_pool2d
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

COLUMNS = ("operation", "channels", "kernel", "stride", "padding", "dilation", "gives", "largest difference")
CONVOLUTIONS = [(1, 0, 1), (1, 1, 1), (2, 1, 1), (1, 2, 2), (2, 3, 3)]  # stride, padding, dilation
POOLS = [(2, 2, 0), (3, 1, 1), (3, 2, 1)]  # window, stride, padding
SHOWN = 3  # digits in the pictures

Row = tuple[Any, ...]


def convolution_by_hand(runs: Sequence[FinishedRun]) -> Conclusion:
    """The largest difference from torch for each setting, and for the whole network; what the kernels see."""
    parts = runs[0].parts()
    model: Any = parts.model.double().eval()
    test = parts.data.splits["test"]
    raw, targets = parts.data.examples.inputs[test], parts.data.examples.targets[test]
    images = ((raw.double() - parts.data.mean) / parts.data.std).numpy()
    rows = [*_convolutions(model, images), *_pools(images)]
    found, torchs = forward(model, images), model(torch.from_numpy(images)).detach().numpy()
    rows.append(("whole network", "", "", "", "", "", _shape(found), _difference(found, torchs)))
    worst = max(row[-1] for row in rows)
    accuracy, expected = (float((each.argmax(1) == targets.numpy()).mean()) for each in (found, torchs))
    sentence = (
        f"In {len(rows) - 1} settings of stride, padding, dilation and channels, convolution and pooling by hand "
        f"differ from torch's by at most {worst:.1e}; a network computed with them classifies {accuracy:.2%} of "
        f"{len(images)} test digits correctly, torch's {expected:.2%}."
    )
    chosen = [int((targets == label).nonzero()[0, 0]) for label in range(SHOWN)]
    names = [f"digit {parts.data.classes[int(targets[i])]}" for i in chosen]
    layer = model.blocks[0].convolution
    learned = kernels(layer.weight.detach().numpy(), images[chosen], _by_hand(layer, images[chosen]), names)
    return Conclusion(sentence, COLUMNS, rows, [edges(raw[chosen].double().numpy(), names), learned])


def forward(model: Any, images: np.ndarray) -> np.ndarray:
    """The network's logits B × classes, its convolutions and pooling by hand."""
    values = images
    for block in model.blocks:
        for layer in block:
            values = _by_hand(layer, values)
    flat = torch.from_numpy(values.reshape(len(values), -1))
    with torch.no_grad():
        logits: np.ndarray = model.head(flat).numpy()
    return logits


def _by_hand(layer: Any, values: np.ndarray) -> np.ndarray:
    if isinstance(layer, nn.Conv2d):
        bias = None if layer.bias is None else layer.bias.detach().numpy()
        moves: Any = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
        return conv2d(values, layer.weight.detach().numpy(), bias, **moves)
    if isinstance(layer, nn.MaxPool2d | nn.AvgPool2d):
        pool = max_pool2d if isinstance(layer, nn.MaxPool2d) else mean_pool2d
        return pool(values, layer.kernel_size)
    with torch.no_grad():  # norm and activation
        others: np.ndarray = layer(torch.from_numpy(values)).numpy()
    return others


def _convolutions(model: Any, images: np.ndarray) -> Iterator[Row]:
    """Each convolution of the network on what it is given, with other settings than it was trained with too."""
    inputs = images
    for block in model.blocks:
        weight = block.convolution.weight.detach()
        channels, size = f"{weight.shape[1]} → {weight.shape[0]}", f"{weight.shape[2]}×{weight.shape[3]}"
        for stride, padding, dilation in CONVOLUTIONS:
            mine = conv2d(inputs, weight.numpy(), stride=stride, padding=padding, dilation=dilation)
            torchs = F.conv2d(torch.from_numpy(inputs), weight, None, stride, padding, dilation).numpy()
            yield "convolution", channels, size, stride, padding, dilation, _shape(mine), _difference(mine, torchs)
        inputs = block(torch.from_numpy(inputs)).detach().numpy()


def _pools(images: np.ndarray) -> Iterator[Row]:
    for name, mine_of, torchs_of in (("max", max_pool2d, F.max_pool2d), ("mean", mean_pool2d, F.avg_pool2d)):
        for window, stride, padding in POOLS:
            mine = mine_of(images, window, stride=stride, padding=padding)
            torchs = torchs_of(torch.from_numpy(images), window, stride, padding).numpy()
            size = f"{window}×{window}"
            yield f"{name} pooling", 1, size, stride, padding, 1, _shape(mine), _difference(mine, torchs)


def edges(images: np.ndarray, names: list[str]) -> Plot:
    """What Sobel's kernels see in B × 1 × H × W images."""
    found = conv2d(images, np.stack([SOBEL_X, SOBEL_Y])[:, None], padding=1)
    strength = np.hypot(found[:, 0], found[:, 1])
    cells = [[image[0], *pair, edge] for image, pair, edge in zip(images, found, strength, strict=True)]
    data = {
        "title": "What an edge kernel sees in a digit",
        "note": "orange: brighter to the right (x), downwards (y); blue: darker; strength: √(x² + y²)",
        "rows": names,
        "columns": ["digit", "Sobel x", "Sobel y", "strength"],
        "cells": [[cell.tolist() for cell in row] for row in cells],
        "signed": [[False, True, True, False]] * len(cells),
    }
    return Plot("edges", pictures, data)


def _difference(mine: np.ndarray, torchs: np.ndarray) -> float:
    return float(np.abs(mine - torchs).max())


def _shape(values: np.ndarray) -> str:
    return " × ".join(map(str, values.shape[1:]))
