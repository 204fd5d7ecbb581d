"""Softmax, cross-entropy and its gradient. Shapes: B batch, C classes."""

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """… × C → … × C: positive numbers that sum to 1."""
    shifted = logits - logits.max(-1, keepdims=True)  # the same softmax, and exp cannot overflow
    exponentials = np.exp(shifted)
    shares: np.ndarray = exponentials / exponentials.sum(-1, keepdims=True)
    return shares


def one_hot(targets: np.ndarray, classes: int) -> np.ndarray:
    """B class indices → B × C: 1 at each target, 0 elsewhere."""
    hot: np.ndarray = np.eye(classes)[targets]
    return hot


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> float:
    """Mean over B × C logits and B class indices of −log softmax(logits) at the target.

    Computed as log Σ exp − logit, which stays accurate where the softmax itself would round to 0.
    """
    largest = logits.max(-1, keepdims=True)
    log_sum = largest[:, 0] + np.log(np.exp(logits - largest).sum(-1))
    return float((log_sum - logits[np.arange(len(targets)), targets]).mean())


def gradient(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """d(cross_entropy)/d(logits) = (softmax − one-hot) / B, as B × C."""
    hot = one_hot(targets, logits.shape[1]).astype(logits.dtype)
    slope: np.ndarray = (softmax(logits) - hot) / len(targets)
    return slope
