"""Confidence intervals and t-tests of cross-validation scores, corrected for overlapping training sets.

Scores of folds are not independent: any two share most of their training examples, so their variance divided by their
number is too small. Nadeau and Bengio (2003), "Inference for the Generalization Error", Machine Learning 52,
239–281, replace 1/J by 1/J + n_test/n_train for J scores.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

CONFIDENCE = 0.95
ROUNDING = 1e-12  # relative difference of equal values


@dataclass(frozen=True)
class Resampled:
    """The mean of J scores, their standard deviation, and the corrected 95 % confidence interval of the mean; a
    single score has only a mean."""

    mean: float
    std: float | None
    low: float | None
    high: float | None
    count: int


@dataclass(frozen=True)
class Paired:
    """The mean difference of J pairs of scores with its corrected interval, Student's t with J − 1 degrees of freedom
    (None where all differences are equal and not zero), and the two-sided p-value."""

    difference: float
    std: float
    low: float
    high: float
    t: float | None
    p: float


def resampled(scores: Sequence[float], test_over_train: float) -> Resampled:
    """Of J scores from splits with this ratio of test to training examples."""
    if len(scores) < 2:
        return Resampled(fmean(scores), None, None, None, len(scores))
    mean, error = fmean(scores), _standard_error(scores, test_over_train)
    reach = _quantile(len(scores)) * error
    return Resampled(mean, stdev(scores), mean - reach, mean + reach, len(scores))


def paired(scores: Sequence[float], others: Sequence[float], test_over_train: float) -> Paired:
    """The corrected resampled t-test of J ≥ 2 scores against others of the same splits."""
    from scipy.special import stdtr

    differences = [score - other for score, other in zip(scores, others, strict=True)]
    found = resampled(differences, test_over_train)
    assert found.std is not None and found.low is not None and found.high is not None
    error = _standard_error(differences, test_over_train)
    rounding = ROUNDING * max(map(abs, (*scores, *others)))
    if error <= rounding:
        equal = abs(found.mean) <= rounding
        return Paired(found.mean, 0.0, found.low, found.high, 0.0 if equal else None, float(equal))
    t = found.mean / error
    return Paired(found.mean, found.std, found.low, found.high, t, 2 * float(stdtr(found.count - 1, -abs(t))))


def _standard_error(scores: Sequence[float], test_over_train: float) -> float:
    return stdev(scores) * math.sqrt(1 / len(scores) + test_over_train)


def _quantile(count: int) -> float:
    from scipy.special import stdtrit  # scipy.stats takes half a second to import

    return float(stdtrit(count - 1, (1 + CONFIDENCE) / 2))
