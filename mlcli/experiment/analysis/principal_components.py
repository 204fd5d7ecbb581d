"""PCA as a baseline for autoencoders."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.decomposition import PCA


def fit_pca(train: np.ndarray, components: int) -> "PCA":
    """The leading principal components of N examples of any shape, which are flattened."""
    from sklearn.decomposition import PCA

    return PCA(components, svd_solver="covariance_eigh").fit(train.reshape(len(train), -1))
