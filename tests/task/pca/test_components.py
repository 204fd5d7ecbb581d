"""Incremental principal components against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import IncrementalPCA

from mlcli.task.pca.components import extend_components


def test_batch_after_batch_is_scikit_learns_incremental_pca() -> None:
    pixels = load_digits().data
    theirs, found = IncrementalPCA(8), None
    for rows in np.array_split(pixels, 9):
        theirs.partial_fit(rows)
        points = torch.from_numpy(rows)
        found = extend_components(found, points, 8)
    assert found is not None
    assert (found.variances / found.total).numpy() == pytest.approx(theirs.explained_variance_ratio_, rel=1e-8)
    signs = np.sign((found.axes.numpy() * theirs.components_).sum(1, keepdims=True))
    assert found.axes.numpy() == pytest.approx(signs * theirs.components_, abs=1e-8)
