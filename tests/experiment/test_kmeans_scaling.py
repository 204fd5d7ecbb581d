from collections.abc import Callable
from typing import Any

import pytest


def test_clusters_of_normalised_features_agree_with_the_classes(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("kmeans_scaling", "model.clusters=1,3")
    raw, normalised = conclusion.rows
    assert (raw["features"], normalised["features"]) == ("raw", "normalised")
    assert raw["adjusted Rand index"] == pytest.approx(0.371, abs=0.01)
    assert normalised["adjusted Rand index"] == pytest.approx(0.897, abs=0.02)
    assert raw["inertia"] == pytest.approx(2_370_690, rel=1e-3)
    assert "proline accounts for 99.8% of the squared distances" in conclusion.sentence
    assert "agree better with the classes" in conclusion.sentence
    assert {"labellings", "elbow"} <= conclusion.figures()
