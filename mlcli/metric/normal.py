"""Confidence intervals by the normal distribution. Imports neither torch nor numpy."""

from typing import Any

NORMAL_95 = 1.959964  # the 97.5 % quantile: standard errors on each side of a mean


def wilson(share: Any, count: Any) -> tuple[Any, Any]:
    """The 95 % confidence interval of a share of `count` independent examples, numbers or arrays, within 0 and 1
    (Wilson 1927, Probable Inference)."""
    z2 = NORMAL_95**2
    centre = (share + z2 / (2 * count)) / (1 + z2 / count)
    margin = NORMAL_95 / (1 + z2 / count) * (share * (1 - share) / count + z2 / (4 * count**2)) ** 0.5
    return centre - margin, centre + margin
