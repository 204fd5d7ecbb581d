"""Histogram-based gradient boosting of scikit-learn on raw tables: the baseline beside a network.

It takes the numbers of a table as they are, with gaps, and codes as categories. It is no `nn.Module`: it is fitted
once, on the split of a network, and only its scores are kept.

Shapes: N rows of the training split, V of the validation split, B rows, D numbers and codes of a row, C classes.
"""

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

MOST_CATEGORIES = 255  # that scikit-learn takes in a column
POOLED = 0.0  # the category of the rarer ones
LEARNING_RATE, MOST_ROUNDS, PATIENCE = 0.05, 1000, 30  # with early stopping


class Boosting:
    """A classifier of `classes` classes, or a regressor where that is 0.

    is_code: for each of D columns, whether it is a code of a category; 0 is a missing or unknown one. early_stopping:
    up to 1,000 rounds at learning rate 0.05, until 30 rounds in a row do not improve the loss on the validation split
    (with scikit-learn before 1.7 on a random tenth of the training rows); otherwise scikit-learn's defaults.
    """

    def __init__(self, is_code: Sequence[bool], classes: int, *, early_stopping: bool = True, seed: int = 0) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        stopped = {"learning_rate": LEARNING_RATE, "max_iter": MOST_ROUNDS, "n_iter_no_change": PATIENCE}
        how = {**stopped, "early_stopping": True} if early_stopping else {}
        make: Any = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
        self.is_code = list(is_code)
        self.classes = classes
        self.early_stopping = early_stopping
        self.estimator: Any = make(categorical_features=self.is_code, random_state=seed, **how)
        self.categories: dict[int, Numbers] = {}  # column → category by code, NaN for those not in training

    def fit(
        self,
        inputs: Numbers,
        targets: NDArray[Any],
        val_inputs: Numbers,
        val_targets: NDArray[Any],
        weights: NDArray[Any] | None = None,
    ) -> "Boosting":
        """inputs: N × D, NaN where a number is missing. targets: N class indices or numbers. weights: N, or None."""
        self.categories = {
            place: _categories(inputs[:, place]) for place, is_code in enumerate(self.is_code) if is_code
        }
        own: dict[str, Any] = {} if weights is None else {"sample_weight": weights}
        if self.early_stopping and "X_val" in inspect.signature(self.estimator.fit).parameters:
            known = np.isin(val_targets, targets) if self.classes else np.full(len(val_targets), True)
            if known.any():
                own |= {"X_val": self._prepared(val_inputs[known]), "y_val": val_targets[known]}
        self.estimator.fit(self._prepared(inputs), targets, **own)
        return self

    def predict(self, inputs: Numbers) -> Numbers:
        """B × D → B × C probabilities, or B numbers. A class without training rows has probability 0."""
        prepared = self._prepared(inputs)
        if not self.classes:
            numbers: Numbers = self.estimator.predict(prepared)
            return numbers
        probabilities = np.zeros((len(inputs), self.classes))
        probabilities[:, self.estimator.classes_] = self.estimator.predict_proba(prepared)
        return probabilities

    @property
    def rounds(self) -> int:
        """Number of rounds after which it stopped."""
        return int(self.estimator.n_iter_)

    def _prepared(self, inputs: Numbers) -> Numbers:
        prepared = np.array(inputs, np.float64)
        for place, category in self.categories.items():
            codes = inputs[:, place].astype(np.int64)
            known = codes < len(category)
            prepared[:, place] = np.where(known, category[np.where(known, codes, 0)], np.nan)
        return prepared


def _categories(codes: Numbers) -> Numbers:
    """The category of each code: whole numbers below 255 in the order of the codes, the most frequent ones from 1 on
    and `POOLED` for the rest; NaN, which is missing, for code 0 and for codes without a row."""
    counts = np.bincount(codes.astype(np.int64))
    counts[0] = 0
    frequent = np.argsort(-counts, kind="stable")[: MOST_CATEGORIES - 1]
    own = np.sort(frequent[counts[frequent] > 0])
    category = np.where(counts > 0, POOLED, np.nan)
    category[own] = np.arange(1, len(own) + 1)
    return category
