from collections.abc import Callable
from typing import Any

import pytest


def test_normalised_features_find_the_growers(experiment: Callable[..., Any]) -> None:
    told = experiment("kmeans_scaling", "model.clusters=1,3")
    raw, normalised = told.rows
    assert (raw["features"], normalised["features"]) == ("raw", "normalised")
    assert raw["adjusted Rand index"] == pytest.approx(0.371, abs=0.01)
    assert normalised["adjusted Rand index"] == pytest.approx(0.897, abs=0.02)
    assert raw["inertia"] == pytest.approx(2_370_690, rel=1e-3)
    assert "proline alone makes up 99.8% of the squared distances" in told.sentence
    assert "agree better with the classes" in told.sentence
    assert {"labellings", "elbow"} <= told.figures()
