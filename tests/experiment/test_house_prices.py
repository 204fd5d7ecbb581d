from collections.abc import Callable
from typing import Any

import pytest


def test_gradient_descent_finds_what_least_squares_finds(experiment: Callable[..., Any]) -> None:
    told = experiment("house_prices")
    assert [row["weight"] for row in told.rows] == ["intercept", "location", "square_feet", "bedrooms", "age"]
    for row in told.rows:
        assert row["gradient descent"] == pytest.approx(row["least squares"], rel=5e-4)
    assert {row["weight"]: row["true"] for row in told.rows}["location"] == 12.0
    assert "R² 0.98" in told.sentence
