"""Slices of a table on which a model is worse than on the rest. N rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

LEAST = 20  # rows of a slice
MOST = 5  # slices that are returned


@dataclass(frozen=True)
class Slice:
    """The rows of one level of a category; "" where it is missing or unknown. error: their mean error."""

    column: str
    level: str
    rows: int
    error: float


def worst_slices(columns: Mapping[str, tuple[np.ndarray, Sequence[str]]], errors: np.ndarray) -> list[Slice]:
    """The slices whose mean error is clearly above that of all rows, worst first: by a one-sided 97.5 % bound of
    their mean, corrected for the number of slices (Bonferroni).

    columns: by name, codes N (0: missing or unknown, i + 1: level i) and names of the levels. errors: N, such
    as squared errors, or 0 and 1.
    """
    overall = float(errors.mean()) if len(errors) else 0.0
    found = []
    count = 0
    for name, (codes, levels) in columns.items():
        sizes = np.bincount(codes, minlength=len(levels) + 1)
        sums, squares = (np.bincount(codes, errors**power, minlength=len(levels) + 1) for power in (1, 2))
        for code in np.flatnonzero((sizes >= LEAST) & (sizes < len(errors))).tolist():
            count += 1
            mean = float(sums[code] / sizes[code])
            variance = max(float(squares[code] / sizes[code]) - mean**2, 0.0)
            error = (variance / (sizes[code] - 1)) ** 0.5
            found.append((Slice(name, "" if code == 0 else levels[code - 1], int(sizes[code]), mean), error))
    quantile = NormalDist().inv_cdf(1 - 0.025 / max(count, 1))
    clear = [each for each, error in found if each.error - quantile * error > overall]
    return sorted(clear, key=lambda each: -each.error)[:MOST]
