"""Scaled dot-product attention for one head, step by step (Vaswani et al. 2017, "Attention Is All You Need", 3.2.1).

Shapes: Q queries, S keys, each with its value; D numbers a query or key, V numbers a value. Axes before these are
examples or heads of their own.
"""

from typing import NamedTuple

import numpy as np

from mlcli.model.scratch.cross_entropy import softmax


class Attention(NamedTuple):
    """What each step gives, in the order of the steps."""

    scores: np.ndarray  # Q × S: how well a query fits a key
    weights: np.ndarray  # Q × S: a query's shares of the keys, which sum to 1
    outputs: np.ndarray  # Q × V: a query's mean of the values, weighted so


def attention(
    queries: np.ndarray,
    keys: np.ndarray,
    values: np.ndarray,
    mask: np.ndarray | None = None,
    temperature: float = 1.0,
) -> Attention:
    """softmax(queries · keysᵀ / (√D · temperature)) · values, for … × Q × D, S × D and S × V.

    mask: Q × S, or what broadcasts to it; True where a query may look. Each query needs one such key. A temperature
    below 1 sharpens the weights, one above 1 flattens them.
    """
    scores = queries @ keys.mT / (np.sqrt(queries.shape[-1]) * temperature)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)  # e to the power of this is exactly 0
    weights = softmax(scores)
    return Attention(scores, weights, weights @ values)


def causal_mask(steps: int) -> np.ndarray:
    """steps × steps: each step may look at itself and at what came before."""
    return np.tri(steps, dtype=bool)


def entropy(weights: np.ndarray) -> np.ndarray:
    """… × S shares that sum to 1 → …: how spread out they are, in nats, from 0 (all on one key) to log S (even)."""
    logs = np.log(weights, where=weights > 0, out=np.zeros_like(weights))  # 0 · log 0 counts as 0
    total: np.ndarray = -(weights * logs).sum(-1)
    return total
