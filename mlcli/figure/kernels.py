"""The kernels of a network's first convolution and the feature maps that they produce."""

from collections.abc import Sequence

import numpy as np

from mlcli.figure.image_grid import image_grid
from mlcli.figure.plot import Plot

KERNELS = 8  # at most


def kernels(weights: np.ndarray, images: np.ndarray, maps: np.ndarray, names: Sequence[str]) -> Plot:
    """kernels: O × C × h × w weights, of each kernel the mean over its channels, above the feature maps of B named
    images. images: B × C × H × W; maps: B × O × H' × W'."""
    learned = weights[:KERNELS].mean(1)
    cells = [[None, *learned], *([image, *own] for image, own in zip(images.mean(1), maps[:, :KERNELS], strict=True))]
    return image_grid(
        "kernels",
        "Learned kernels and their feature maps",
        "top: weights, orange above 0, blue below; then the feature maps of images",
        ["kernel", *names],
        ["", *(f"kernel {i + 1}" for i in range(len(learned)))],
        cells,
        [[False] + [True] * len(learned)] * len(cells),
    )
