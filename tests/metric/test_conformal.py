"""Coverage of prediction intervals."""

import numpy as np
import pytest

from mlcli.metric.conformal import margin


@pytest.mark.parametrize("coverage", [0.5, 0.9, 0.95])
def test_intervals_contain_as_many_targets_as_promised(coverage: float) -> None:
    random = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        noise = random.standard_t(3, 140)  # with heavy tails: the method assumes no distribution
        half = margin(noise[:40], np.zeros(40), coverage)
        assert half is not None
        covered.append((np.abs(noise[40:]) <= half).mean())
    assert np.mean(covered) == pytest.approx(int(41 * coverage + 0.999) / 41, abs=0.015)


def test_too_few_examples_give_no_interval() -> None:
    assert margin(np.zeros(8), np.ones(8), 0.9) is None
    assert margin(np.zeros(9), np.arange(9.0), 0.9) == 8.0
