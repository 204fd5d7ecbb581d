"""Slices of a table with clearly larger errors."""

import numpy as np
import pytest

from mlcli.metric.slices import LEAST, worst_slices


def test_the_worst_level_is_found_and_chance_is_not() -> None:
    random = np.random.default_rng(0)
    codes = random.integers(0, 3, 900)
    noise = {f"noise {i}": (random.integers(0, 9, 900), tuple("abcdefgh")) for i in range(20)}
    errors = (random.random(900) < np.where(codes == 2, 0.6, 0.1)).astype(float)
    (found,) = worst_slices({"kind": (codes, ("x", "y")), **noise}, errors)
    assert (found.column, found.level, found.rows) == ("kind", "y", int((codes == 2).sum()))
    assert found.error == pytest.approx(errors[codes == 2].mean())


def test_equal_errors_and_small_slices_give_none() -> None:
    codes = np.array([1] * (LEAST - 1) + [2] * 200)
    errors = np.where(codes == 1, 1.0, 0.0)
    assert worst_slices({"kind": (codes, ("x", "y"))}, errors) == []
    assert worst_slices({"kind": (codes, ("x", "y"))}, np.ones(len(codes))) == []
    assert worst_slices({}, np.zeros(0)) == []


def test_missing_values_are_a_slice() -> None:
    codes = np.array([0] * 100 + [1] * 300)
    errors = (np.arange(400) % 10 < np.where(codes == 0, 8, 1)).astype(float)
    (found,) = worst_slices({"kind": (codes, ("x",))}, errors)
    assert (found.level, found.error) == ("", 0.8)
