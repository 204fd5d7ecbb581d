from collections.abc import Callable
from typing import Any

import pytest


def test_gradient_descent_converges_to_least_squares(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("house_prices")
    assert [row["weight"] for row in conclusion.rows] == ["intercept", "location", "square_feet", "bedrooms", "age"]
    for row in conclusion.rows:
        assert row["gradient descent"] == pytest.approx(row["least squares"], rel=5e-4)
    assert {row["weight"]: row["true"] for row in conclusion.rows}["location"] == 12.0
    assert "R² 0.98" in conclusion.sentence
