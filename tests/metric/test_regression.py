"""Scores equal scikit-learn's on real predictions."""

import numpy as np
import pytest
from sklearn import metrics as sk

from mlcli.metric import regression
from tests.predictions import Regressed, regressed


@pytest.fixture(scope="module")
def diabetes() -> Regressed:
    return regressed()


def test_scores_equal_scikit_learns(diabetes: Regressed) -> None:
    y, p, _, _ = diabetes
    expected = {
        "mse": sk.mean_squared_error(y, p),
        "rmse": sk.root_mean_squared_error(y, p),
        "mae": sk.mean_absolute_error(y, p),
        "r2": sk.r2_score(y, p),
        "explained_variance": sk.explained_variance_score(y, p),
    }
    assert regression.scores(y, p) == pytest.approx(expected, rel=1e-12)


def test_what_is_not_defined_is_left_out() -> None:
    assert set(regression.scores(np.array([1.0]), np.array([2.0]))) == {"mse", "rmse", "mae"}
    assert regression.scores(np.array([1.0, 2.0]), np.array([np.nan, 2.0])) == {}
