"""What a network's first convolution looks for, and what it finds in images."""

from collections.abc import Sequence

import numpy as np

from mlcli.figure.pictures import pictures
from mlcli.figure.plot import Plot

KERNELS = 8  # at most, in the picture


def kernels(weights: np.ndarray, images: np.ndarray, maps: np.ndarray, names: Sequence[str]) -> Plot:
    """kernels: O × C × h × w weights, of each the mean over channels, above what they make of named images, B × C × H
    × W images and B × O × H' × W' feature maps."""
    learned = weights[:KERNELS].mean(1)
    cells = [[None, *learned], *([image, *own] for image, own in zip(images.mean(1), maps[:, :KERNELS], strict=True))]
    data = {
        "title": "Learned kernels and their feature maps",
        "note": "above, orange: weights above 0, blue: below; then what each kernel makes of an image",
        "rows": ["kernel", *names],
        "columns": ["", *(f"kernel {i + 1}" for i in range(len(learned)))],
        "cells": [[None if cell is None else cell.tolist() for cell in row] for row in cells],
        "signed": [[False] + [True] * len(learned)] * len(cells),
    }
    return Plot("kernels", pictures, data)
