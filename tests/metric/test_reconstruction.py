"""Scores of reconstructions against their formulas."""

import numpy as np
import pytest

from mlcli.metric.reconstruction import scores
from tests.predictions import reconstructed


def test_scores_against_formulas() -> None:
    rebuilt = reconstructed("image", noisy=True)
    mse, reach = np.mean((np.arange(30) / 10) ** 2), rebuilt.clean.max() - rebuilt.clean.min()
    expected = {"mse": mse, "identity_mse": 25, "psnr": 20 * np.log10(reach) - 10 * np.log10(mse)}
    assert scores(rebuilt) == pytest.approx(expected, rel=1e-5)
    assert set(scores(reconstructed("vector", noisy=False))) == {"mse"}
