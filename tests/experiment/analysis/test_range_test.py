from itertools import pairwise

import pytest

from mlcli.experiment.analysis.range_test import range_test
from mlcli.run.build import build
from tests.configs import run_config


def test_the_range_is_from_where_the_loss_falls_to_its_minimum() -> None:
    cfg = run_config("optimizer=momentum", "model.norm=none", "device=cpu")
    found, again = (range_test(build(cfg), updates=100) for _ in range(2))
    assert found == again
    assert found.curve.x[0] == pytest.approx(1e-4) and len(found.curve.x) <= 100
    ratios = [after / before for before, after in pairwise(found.curve.x)]
    assert ratios == pytest.approx([1e5**0.01] * len(ratios))
    assert 1e-3 < found.low < found.high < 1
    assert min(found.curve.y) == found.curve.y[list(found.curve.x).index(found.high)]  # type: ignore[type-var]
