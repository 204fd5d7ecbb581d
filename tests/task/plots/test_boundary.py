"""The plane as a known rule divides it, and as a task's network does."""

import json
from pathlib import Path

import numpy as np
import pytest

from mlcli.metric.boundary import CELLS
from mlcli.run.build import build
from mlcli.task.plots.boundary import decision_boundary
from tests.configs import run_config


def test_a_rule_is_drawn_as_it_is(tmp_path: Path) -> None:
    inputs = np.random.default_rng(0).uniform(-1, 1, (50, 2)).astype(np.float32)

    def answer(points: np.ndarray) -> np.ndarray:
        """Class 1 where x > y, for certain."""
        return np.eye(2)[(points[:, 0] > points[:, 1]).astype(int)]

    targets = answer(inputs).argmax(1)
    targets[0] = 1 - targets[0]
    plot = decision_boundary(inputs, targets, ["below", "above"], ["x", "y"], answer)
    regions = np.array(plot.data["predicted"])
    across, down = (np.linspace(*plot.data[name], CELLS) for name in ("x", "y"))
    assert (regions == (across[None] > down[:, None])).mean() > 0.999
    assert plot.data["accuracy"] == pytest.approx(0.98)
    plot.save(tmp_path)
    assert json.loads((tmp_path / "decision_boundary.json").read_text()) == plot.data


@pytest.mark.parametrize(("overrides", "drawn"), [(["data=spirals"], True), (["data=iris"], False)])
def test_two_features_get_the_picture(overrides: list[str], drawn: bool) -> None:
    parts = build(run_config("device=cpu", "model=linear", *overrides))
    plots = {plot.name: plot for plot in parts.task.evaluate("test", full=True).plots()}
    assert ("decision_boundary" in plots) is drawn
    if drawn:
        assert plots["decision_boundary"].figure().texts[0].get_text().startswith("Decision boundary · accuracy 0.")
