"""Points of many dimensions in the plane. N points of D dimensions."""

import numpy as np


def principal_plane(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mean of N × D points (D ≥ 2), their first two principal axes D × 2 (zeros if there are fewer), and the
    explained variance ratio of each."""
    precise = points.astype(np.float64)
    mean = precise.mean(0)
    _, singular, axes = np.linalg.svd(precise - mean, full_matrices=False)
    missing = max(0, 2 - len(singular))
    share = np.pad(np.square(singular) / (np.square(singular).sum() or 1), (0, missing))
    return mean, np.pad(axes, ((0, missing), (0, 0)))[:2].T, share[:2]


def t_sne(points: np.ndarray, seed: int) -> np.ndarray:
    """N × D points (N ≥ 2) → N × 2 by t-SNE (van der Maaten and Hinton 2008), from scikit-learn."""
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(points) - 1) / 3)
    init = "pca" if points.shape[1] > 1 else "random"  # one dimension has no principal plane
    embedded: np.ndarray = TSNE(perplexity=perplexity, init=init, random_state=seed).fit_transform(points)
    return embedded
