"""The metrics of every epoch equal those of the same names in a full evaluation."""

import pytest

from mlcli.run.build import build
from tests.configs import run_config
from tests.metric.test_direction import EVERY


@pytest.mark.parametrize("overrides", EVERY.values(), ids=EVERY.keys())
def test_fast_metrics_equal_full_metrics(overrides: list[str]) -> None:
    parts = build(run_config("device=cpu", *overrides))
    for batch in parts.task.batches(0):
        parts.task.step(batch)
    split = parts.data.evaluation_split
    fast, full = (parts.task.evaluate(split, full=full).metrics for full in (False, True))
    assert set(fast) <= set(full)
    assert {name: float(full[name]) for name in fast} == pytest.approx(
        {name: float(value) for name, value in fast.items()}, rel=1e-6, abs=1e-6, nan_ok=True
    )
