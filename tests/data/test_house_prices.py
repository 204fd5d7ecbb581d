"""The synthetic houses follow their formula."""

import numpy as np
import pytest

from mlcli.data.house_prices import house_prices


def test_least_squares_finds_the_true_weights() -> None:
    examples = house_prices(examples=20_000, noise=20.0)
    design = np.column_stack([np.ones(20_000), examples.inputs.double().numpy()])
    found, *_ = np.linalg.lstsq(design, examples.targets.double().numpy(), rcond=None)
    assert examples.truth is not None
    for value, (name, true) in zip(found, examples.truth.items(), strict=True):
        assert value == pytest.approx(true, rel=0.05), name


def test_noise_and_seed() -> None:
    exact, again, other = house_prices(noise=0.0), house_prices(noise=0.0), house_prices(noise=0.0, seed=1)
    assert exact.targets.equal(again.targets)
    assert not exact.targets.equal(other.targets)
    weights = list((exact.truth or {}).values())
    formula = weights[0] + exact.inputs @ exact.inputs.new_tensor(weights[1:])
    assert exact.targets.numpy() == pytest.approx(formula.numpy(), rel=1e-5)
