"""Features in which examples are unusual, of tables with categories and gaps."""

import numpy as np

from mlcli.metric.largest_errors import distinctive_features

NAN = float("nan")


def test_missing_numbers_stay_missing_and_codes_have_their_names() -> None:
    numbers = np.array([1.0, 2.0, 3.0, NAN, 100.0])
    inputs = np.stack([numbers, np.array([1.0, 1.0, 1.0, 0.0, 2.0])], 1)
    names, values, z = distinctive_features(inputs, np.array([4, 3]), ("x", "kind"), 2, {1: ("a", "b")})
    assert names == ["x", "kind"]
    assert values[0].tolist() == [100.0, "b"] and np.isnan(values[1, 0]) and values[1, 1] == ""
    known = [*numbers[:3].tolist(), 100.0]
    assert z[0].tolist() == [(100 - np.mean(known)) / np.std(known), 0.0] and z[1].tolist() == [0.0, 0.0]


def test_rare_levels_are_distinctive() -> None:
    random = np.random.default_rng(0)
    inputs = np.stack([random.normal(size=100), np.ones(100), random.normal(size=100)], 1)
    inputs[7, 1] = 2
    names, values, _ = distinctive_features(inputs, np.array([7]), ("x", "kind", "y"), 1, {1: ("a", "b")})
    assert names == ["kind"] and values.tolist() == [["b"]]
