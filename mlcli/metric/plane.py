"""Points of many dimensions in the plane in which they vary most."""

import numpy as np


def principal_plane(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of N points with D ≥ 2 numbers: their mean, the two principal axes D × 2 (zeros where fewer points have fewer),
    and the share of the variance along each."""
    precise = points.astype(np.float64)
    mean = precise.mean(0)
    _, singular, axes = np.linalg.svd(precise - mean, full_matrices=False)
    missing = max(0, 2 - len(singular))
    share = np.pad(np.square(singular) / (np.square(singular).sum() or 1), (0, missing))
    return mean, np.pad(axes, ((0, missing), (0, 0)))[:2].T, share[:2]
