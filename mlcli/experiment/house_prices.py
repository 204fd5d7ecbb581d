"""Does gradient descent find the least-squares solution of a linear regression?

Method: full-batch gradient descent on standardised inputs against the closed form (Hastie, Tibshirani & Friedman, The
Elements of Statistical Learning, 2009, eq. 3.6), in the units of the data.
"""

from collections.abc import Sequence

import numpy as np

from mlcli.metric import regression
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

COLUMNS = ("weight", "gradient descent", "least squares", "true")
Weights = np.ndarray  # intercept, then one weight per feature


def house_prices(runs: Sequence[FinishedRun]) -> Conclusion:
    """The learned weights, those of least squares and the true ones; R² and RMSE of both on the test split."""
    run = runs[0]
    parts = run.parts()
    learned, exact = learned_weights(parts), least_squares(*split_of(parts, "train"))
    truth = parts.data.examples.truth or {}
    names = ("intercept", *parts.data.features)
    rows = [(name, *pair, truth.get(name)) for name, *pair in zip(names, learned, exact, strict=True)]
    inputs, targets = split_of(parts, "test")
    scores = regression.scores(targets, predict(exact, inputs))
    sentence = (
        f"On the test split gradient descent has R² {run.metrics['test/r2']:.4f} and RMSE "
        f"{run.metrics['test/rmse']:.2f}, least squares R² {scores['r2']:.4f} and RMSE {scores['rmse']:.2f}; the "
        f"largest relative difference of their weights is {np.abs(learned / exact - 1).max():.1e}."
    )
    return Conclusion(sentence, COLUMNS, rows)


def learned_weights(parts: Parts) -> Weights:
    """The linear model's weights for inputs and targets that are not standardised."""
    state = parts.task.state_dict()["model"]
    own = parts.data.standardise
    mean, std = own.mean.double(), own.std.double()
    weights = state["head.weight"].double()[0] * state["target.std"] / std
    intercept = state["head.bias"].double()[0] * state["target.std"] + state["target.mean"] - weights @ mean
    return np.concatenate([[float(intercept)], weights.numpy()])


def least_squares(inputs: np.ndarray, targets: np.ndarray) -> Weights:
    """The weights with the smallest squared error."""
    weights: Weights = np.linalg.lstsq(_with_ones(inputs), targets, rcond=None)[0]
    return weights


def predict(weights: Weights, inputs: np.ndarray) -> np.ndarray:
    predicted: np.ndarray = _with_ones(inputs) @ weights
    return predicted


def split_of(parts: Parts, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Inputs N × D and targets N, in double precision."""
    indices = parts.data.splits[split]
    examples = parts.data.examples
    return examples.inputs[indices].double().numpy(), examples.targets[indices].double().numpy()


def _with_ones(inputs: np.ndarray) -> np.ndarray:
    return np.hstack([np.ones((len(inputs), 1)), inputs])
