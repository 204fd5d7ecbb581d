"""One step of an LSTM, and a sequence of them (Hochreiter & Schmidhuber 1997; forget gate of Gers et al. 2000).

Shapes: B batch, T steps, D features, H hidden size.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Weights:
    """In the order of torch.nn.LSTM: the rows of input gate, forget gate, candidate and output gate."""

    inputs: np.ndarray  # 4H × D
    states: np.ndarray  # 4H × H
    bias: np.ndarray  # 4H; the sum of torch's two


def step(x: np.ndarray, state: np.ndarray, memory: np.ndarray, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Inputs B × D, hidden state and cell state B × H → the next hidden state and cell state.

    Gates are between 0 and 1: how much of the candidate to add, of the memory to keep, and of it to output.
    """
    gates = x @ weights.inputs.T + state @ weights.states.T + weights.bias
    take, keep, candidate, show = np.split(gates, 4, axis=1)
    memory = sigmoid(keep) * memory + sigmoid(take) * np.tanh(candidate)
    return sigmoid(show) * np.tanh(memory), memory


def sequence(inputs: np.ndarray, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Inputs B × T × D → hidden states B × T × H and the last cell state B × H, from an initial state of zeros."""
    state = memory = np.zeros((len(inputs), weights.states.shape[1]))
    states = []
    for t in range(inputs.shape[1]):
        state, memory = step(inputs[:, t], state, memory, weights)
        states.append(state)
    return np.stack(states, axis=1), memory


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + e^−x), in a form that cannot overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))
