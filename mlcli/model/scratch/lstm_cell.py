"""One step of an LSTM, and a sequence of them (Hochreiter & Schmidhuber 1997; forget gate of Gers et al. 2000).

Shapes: B batch, T steps, D features, H hidden size.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Weights:
    """As torch.nn.LSTM keeps them: the rows of the input gate, the forget gate, the candidate and the output gate."""

    inputs: np.ndarray  # 4H × D
    states: np.ndarray  # 4H × H
    bias: np.ndarray  # 4H; torch keeps two, which are only ever added


def step(x: np.ndarray, state: np.ndarray, memory: np.ndarray, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Inputs B × D, state and memory B × H → the next state and memory.

    The gates are shares between 0 and 1: how much of the memory to keep, of the candidate to take in, and of the
    memory to show.
    """
    gates = x @ weights.inputs.T + state @ weights.states.T + weights.bias
    take, keep, candidate, show = np.split(gates, 4, axis=1)
    memory = sigmoid(keep) * memory + sigmoid(take) * np.tanh(candidate)
    return sigmoid(show) * np.tanh(memory), memory


def sequence(inputs: np.ndarray, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Inputs B × T × D → states B × T × H and the last memory B × H, beginning with zeros."""
    state = memory = np.zeros((len(inputs), weights.states.shape[1]))
    states = []
    for t in range(inputs.shape[1]):
        state, memory = step(inputs[:, t], state, memory, weights)
        states.append(state)
    return np.stack(states, axis=1), memory


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + e^−x), in a form that cannot overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))
