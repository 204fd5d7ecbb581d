"""The baseline against scikit-learn called directly."""

import inspect

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from mlcli.run.boosting import Boosting

IS_CODE = [False, False, True]
SETTINGS = {"learning_rate": 0.05, "max_iter": 1000, "n_iter_no_change": 30, "early_stopping": True}
STOPS_ON_A_SPLIT = "X_val" in inspect.signature(HistGradientBoostingRegressor.fit).parameters


def table(rows: int = 600, levels: int = 4):
    """Two numbers, one with gaps, and a category; a number and a class that depend on all three."""
    rng = np.random.default_rng(0)
    numbers, codes = rng.normal(size=(rows, 2)), rng.integers(1, levels + 1, rows)
    number = numbers[:, 0] ** 2 + codes % 3 + 0.1 * rng.normal(size=rows)
    numbers[rng.random(rows) < 0.1, 1] = np.nan
    return np.column_stack([numbers, codes]), number, (number > np.median(number)).astype(np.int64)


@pytest.mark.skipif(not STOPS_ON_A_SPLIT, reason="scikit-learn before 1.7 stops on a part of the training rows")
@pytest.mark.parametrize("classes", [0, 2])
def test_equals_scikit_learn_with_early_stopping_on_the_validation_split(classes: int) -> None:
    x, number, label = table()
    y = label if classes else number
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    reference = kind(**SETTINGS, random_state=0, categorical_features=IS_CODE)
    reference.fit(x[:400], y[:400], X_val=x[400:500], y_val=y[400:500])
    expected = reference.predict_proba(x[500:]) if classes else reference.predict(x[500:])
    found = Boosting(IS_CODE, classes).fit(x[:400], y[:400], x[400:500], y[400:500])
    np.testing.assert_allclose(found.predict(x[500:]), expected)
    assert found.rounds == reference.n_iter_ < 1000


def test_equals_scikit_learns_defaults() -> None:
    x, number, _ = table()
    reference = HistGradientBoostingRegressor(random_state=0, categorical_features=IS_CODE, early_stopping=False)
    reference.fit(x[:400], number[:400])
    found = Boosting(IS_CODE, 0, early_stopping=False).fit(x[:400], number[:400], x[:0], number[:0])
    np.testing.assert_allclose(found.predict(x[400:]), reference.predict(x[400:]))


def test_more_categories_than_scikit_learn_takes_are_pooled() -> None:
    x, number, _ = table(rows=3000, levels=400)
    found = Boosting(IS_CODE, 0).fit(x[:2500], number[:2500], x[2500:], number[2500:])
    prepared = found._prepared(x)[:, 2]
    counts = np.bincount(x[:2500, 2].astype(int))
    own = np.unique(prepared[prepared > 0])
    assert own.tolist() == list(range(1, 255))
    pooled = np.unique(x[prepared == 0, 2].astype(int))
    assert counts[pooled].max() <= min(counts[int(x[prepared == number, 2][0])] for number in own)


def test_missing_and_unknown_categories_are_missing() -> None:
    x, number, _ = table()
    x[:30, 2] = 0
    found = Boosting(IS_CODE, 0).fit(x[:400], number[:400], x[400:], number[400:])
    new = np.array([[0.5, 1.0, 0.0], [0.5, 1.0, 9.0], [0.5, np.nan, 1.0]])
    assert np.isnan(found._prepared(new)[:2, 2]).all()
    prediction = found.predict(new)
    assert prediction[0] == prediction[1] and np.isfinite(prediction).all()


def test_a_class_without_training_rows_has_probability_0() -> None:
    x, _, label = table()
    y = 2 * label
    y[500:510] = 1
    found = Boosting(IS_CODE, 3).fit(x[:400], y[:400], x[400:], y[400:])
    probabilities = found.predict(x[400:])
    assert probabilities.shape == (200, 3) and (probabilities[:, 1] == 0).all()
    np.testing.assert_allclose(probabilities.sum(1), 1)


def test_weights_are_those_of_scikit_learn() -> None:
    x, number, _ = table()
    weights = np.random.default_rng(1).random(400)
    reference = HistGradientBoostingRegressor(random_state=0, categorical_features=IS_CODE, early_stopping=False)
    reference.fit(x[:400], number[:400], sample_weight=weights)
    found = Boosting(IS_CODE, 0, early_stopping=False).fit(x[:400], number[:400], x[:0], number[:0], weights)
    np.testing.assert_allclose(found.predict(x[400:]), reference.predict(x[400:]))
