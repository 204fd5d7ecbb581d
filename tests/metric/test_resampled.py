"""The corrected resampled t-test against the formula of Nadeau and Bengio (2003), in SciPy's words."""

import numpy as np
import pytest
from scipy import stats

from mlcli.metric.resampled import paired, resampled

SCORES = [0.91, 0.94, 0.90, 0.95, 0.93, 0.92, 0.96, 0.90, 0.94, 0.93]
OTHERS = [0.90, 0.92, 0.91, 0.92, 0.92, 0.90, 0.93, 0.90, 0.91, 0.92]


@pytest.mark.parametrize("ratio", [0.0, 1 / 9, 0.25])
def test_interval(ratio: float) -> None:
    found = resampled(SCORES, ratio)
    error = np.sqrt((1 / 10 + ratio) * np.var(SCORES, ddof=1))
    low, high = stats.t.interval(0.95, 9, np.mean(SCORES), error)
    assert (found.mean, found.low, found.high) == pytest.approx((np.mean(SCORES), low, high))
    assert found.std == pytest.approx(np.std(SCORES, ddof=1)) and found.count == 10


def test_without_overlap_it_is_the_paired_t_test() -> None:
    found, expected = paired(SCORES, OTHERS, 0.0), stats.ttest_rel(SCORES, OTHERS)
    assert (found.t, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))


def test_overlap_makes_it_less_certain() -> None:
    found, plain = paired(SCORES, OTHERS, 1 / 9), paired(SCORES, OTHERS, 0.0)
    assert found.t is not None and plain.t is not None
    assert found.t == pytest.approx(plain.t * np.sqrt((1 / 10) / (1 / 10 + 1 / 9)))
    assert found.p == pytest.approx(2 * stats.t.sf(found.t, 9)) and found.p > plain.p
    other_way = paired(OTHERS, SCORES, 1 / 9)
    assert (other_way.t, other_way.p) == pytest.approx((-found.t, found.p))


def test_equal_scores() -> None:
    assert paired(SCORES, SCORES, 0.1).t == 0.0 and paired(SCORES, SCORES, 0.1).p == 1.0
    shifted = paired(SCORES, [score - 0.25 for score in SCORES], 0.1)
    assert shifted.difference == pytest.approx(0.25) and shifted.t is None and shifted.p == 0.0


@pytest.mark.parametrize("scale", [1e-14, 1e9])
def test_the_unit_of_the_scores_does_not_matter(scale: float) -> None:
    unit, scaled = paired(SCORES, OTHERS, 0.1), paired([s * scale for s in SCORES], [s * scale for s in OTHERS], 0.1)
    assert (scaled.t, scaled.p) == pytest.approx((unit.t, unit.p))
    shifted = paired([s * scale for s in SCORES], [(s - 0.25) * scale for s in SCORES], 0.1)
    assert shifted.t is None and shifted.p == 0.0


def test_one_score_has_no_interval() -> None:
    found = resampled([0.5], 0.25)
    assert (found.mean, found.std, found.low, found.count) == (0.5, None, None, 1)
