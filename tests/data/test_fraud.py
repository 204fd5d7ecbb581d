"""Fraud is as rare as asked for, and as hard to see as the noise makes it."""

import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from mlcli.data.fraud import fraud


@pytest.mark.parametrize(("noise", "low", "high"), [(0.0, 0.99, 1.0), (1.0, 0.8, 0.95)])
def test_share_and_noise(noise: float, low: float, high: float) -> None:
    made = fraud(noise=noise)
    assert made.targets.sum() == 300 and made.inputs.shape == (20_000, 6)
    assert made.inputs.equal(fraud(noise=noise).inputs) and not made.inputs.equal(fraud(noise=noise, seed=1).inputs)
    x, y = made.inputs.numpy(), made.targets.numpy()
    model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=8).fit(x[:12_000], y[:12_000])
    assert low <= roc_auc_score(y[12_000:], model.predict_proba(x[12_000:])[:, 1]) <= high
