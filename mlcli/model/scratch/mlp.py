"""A network of two layers that learns to classify: forward, backward and an update.

Shapes: B batch, D features, H hidden units, C classes.
"""

from typing import NamedTuple

import numpy as np

from mlcli.model.scratch import cross_entropy


class Weights(NamedTuple):
    """Rows are units, as in torch.nn.Linear. A gradient has the same four parts."""

    hidden: np.ndarray  # H × D
    hidden_bias: np.ndarray  # H
    output: np.ndarray  # C × H
    output_bias: np.ndarray  # C


def start(features: int, hidden: int, classes: int, generator: np.random.Generator) -> Weights:
    """Normal numbers of variance 2 / inputs, which keeps the size of activations through ReLU (He et al. 2015)."""

    def layer(inputs: int, outputs: int) -> np.ndarray:
        return generator.normal(0, np.sqrt(2 / inputs), (outputs, inputs))

    return Weights(layer(features, hidden), np.zeros(hidden), layer(hidden, classes), np.zeros(classes))


def forward(weights: Weights, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inputs B × D → activations of the hidden units B × H, which the way back needs, and logits B × C."""
    activations = np.maximum(inputs @ weights.hidden.T + weights.hidden_bias, 0)  # ReLU
    return activations, activations @ weights.output.T + weights.output_bias


def loss_and_gradients(weights: Weights, inputs: np.ndarray, targets: np.ndarray) -> tuple[float, Weights]:
    """Cross-entropy of B × D inputs and B class indices, and its derivative by each weight: the chain rule from the
    loss back through the output layer, ReLU and the hidden layer."""
    activations, logits = forward(weights, inputs)
    by_logits = cross_entropy.gradient(logits, targets)  # B × C: softmax − one-hot
    by_activations = by_logits @ weights.output  # B × H
    by_sums = by_activations * (activations > 0)  # ReLU passes on where it was open
    gradients = Weights(by_sums.T @ inputs, by_sums.sum(0), by_logits.T @ activations, by_logits.sum(0))
    return cross_entropy.cross_entropy(logits, targets), gradients


def sgd_step(weights: Weights, gradients: Weights, rate: float) -> Weights:
    """Each weight a little down its slope."""
    return Weights(*(weight - rate * slope for weight, slope in zip(weights, gradients, strict=True)))


def predict(weights: Weights, inputs: np.ndarray) -> np.ndarray:
    """Inputs B × D → B class indices."""
    best: np.ndarray = forward(weights, inputs)[1].argmax(1)
    return best
