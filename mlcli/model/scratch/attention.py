"""Scaled dot-product attention for one head, step by step (Vaswani et al. 2017, "Attention Is All You Need", 3.2.1).

Shapes: Q queries, S keys and values, D dimensions of a query or key, V of a value. Leading axes: examples or heads.
"""

from typing import NamedTuple

import numpy as np

from mlcli.model.scratch.cross_entropy import softmax


class Attention(NamedTuple):
    """The result of each stage, in order."""

    scores: np.ndarray  # Q × S, scaled dot products of queries and keys
    weights: np.ndarray  # Q × S, softmax of the scores over the keys
    outputs: np.ndarray  # Q × V, means of the values by these weights


def attention(
    queries: np.ndarray,
    keys: np.ndarray,
    values: np.ndarray,
    mask: np.ndarray | None = None,
    temperature: float = 1.0,
) -> Attention:
    """softmax(queries · keysᵀ / (√D · temperature)) · values, for … × Q × D, S × D and S × V.

    mask: broadcasts to Q × S; True where a query may attend to a key, at least one per query. A temperature below 1
    makes the weights more peaked, above 1 flatter.
    """
    scores = queries @ keys.mT / (np.sqrt(queries.shape[-1]) * temperature)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)  # e to the power of this is exactly 0
    weights = softmax(scores)
    return Attention(scores, weights, weights @ values)


def causal_mask(steps: int) -> np.ndarray:
    """steps × steps: each step may attend to itself and to earlier steps."""
    return np.tri(steps, dtype=bool)


def entropy(weights: np.ndarray) -> np.ndarray:
    """… × S weights that sum to 1 → …: their entropy in nats, from 0 (one key) to log S (uniform)."""
    logs = np.log(weights, where=weights > 0, out=np.zeros_like(weights))  # 0 · log 0 counts as 0
    total: np.ndarray = -(weights * logs).sum(-1)
    return total
