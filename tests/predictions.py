"""Predictions of real models, for tests of metrics and figures."""

from typing import Any

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, LogisticRegression

from mlcli.metric.reconstruction import Rebuilt

SHAPES = {"image": (1, 8, 8), "colour": (3, 70, 70), "sequence": (20, 2), "vector": (6,)}
Classified = tuple[np.ndarray, np.ndarray, list[str], np.ndarray]
Regressed = tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]


def classified(load: Any, held_out: int) -> Classified:
    """Targets, float32 probabilities, classes and inputs of a logistic regression's test examples."""
    data = load()
    order = np.random.default_rng(0).permutation(len(data.target))
    x = (data.data - data.data.mean(0)) / (data.data.std(0) + 1)
    test, train = order[:held_out], order[held_out:]
    model = LogisticRegression(C=0.05, max_iter=500).fit(x[train], data.target[train])
    classes = [str(name) for name in data.target_names]
    return data.target[test], model.predict_proba(x[test]).astype(np.float32), classes, data.data[test]


def regressed() -> Regressed:
    """Targets, predictions, inputs and feature names of a linear regression's test examples."""
    data = load_diabetes()
    model = LinearRegression().fit(data.data[100:], data.target[100:])
    return data.target[:100], model.predict(data.data[:100]), data.data[:100], list(data.feature_names)


def reconstructed(kind: str, noisy: bool) -> Rebuilt:
    """Of which the reconstruction of example i is off by i / 10 everywhere, and the noisy input by 5."""
    clean = np.random.default_rng(0).normal(size=(30, *SHAPES[kind])).astype(np.float32)
    off = np.arange(30, dtype=np.float32).reshape(30, *[1] * len(SHAPES[kind])) / 10
    return Rebuilt(clean, clean + off, clean + 5, "noisy") if noisy else Rebuilt(clean, clean + off)
