"""How much of the variance principal components explain. D features."""

import numpy as np

SHARES = (0.90, 0.95, 0.99)


def components_needed(ratios: np.ndarray) -> dict[str, int]:
    """By share ("90%", …): how many components together explain that much of the variance, as far as known.

    ratios: the explained variance ratio of each component, the largest first.
    """
    cumulative = ratios.cumsum()
    return {
        f"{share:.0%}": int(np.searchsorted(cumulative, share) + 1)
        for share in SHARES
        if len(ratios) and cumulative[-1] >= share
    }


def scores(ratios: np.ndarray) -> dict[str, float]:
    """components_90, components_95 and components_99, as far as known."""
    return {f"components_{share.rstrip('%')}": count for share, count in components_needed(ratios).items()}
