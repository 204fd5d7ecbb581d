"""A multi-layer perceptron for classification: forward pass, backward pass and an SGD step.

Shapes: B batch, D features, C classes; inputs and outputs are the sizes of a layer.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mlcli.model.scratch import cross_entropy


class Layer(NamedTuple):
    """Weight and bias as in torch.nn.Linear, or the gradients of both."""

    weight: np.ndarray  # outputs × inputs
    bias: np.ndarray  # outputs


def start(sizes: Sequence[int], generator: np.random.Generator) -> list[Layer]:
    """Layers of the sizes D, hidden sizes, C. Weights are normal with variance 2 / inputs, which preserves the scale
    of activations through ReLU (He et al. 2015)."""

    def layer(inputs: int, outputs: int) -> Layer:
        return Layer(generator.normal(0, np.sqrt(2 / inputs), (outputs, inputs)), np.zeros(outputs))

    return [layer(*pair) for pair in pairwise(sizes)]


def forward(layers: Sequence[Layer], inputs: np.ndarray) -> list[np.ndarray]:
    """The input of each layer, the first B × D, which the backward pass needs, and the logits B × C as the last."""
    passed = [inputs]
    for layer in layers[:-1]:
        passed.append(np.maximum(passed[-1] @ layer.weight.T + layer.bias, 0))  # ReLU
    return [*passed, passed[-1] @ layers[-1].weight.T + layers[-1].bias]


def loss_and_gradients(layers: Sequence[Layer], inputs: np.ndarray, targets: np.ndarray) -> tuple[float, list[Layer]]:
    """Cross-entropy of B × D inputs and B class indices, and its gradient with respect to each layer, by
    backpropagation from the last layer to the first."""
    *passed, logits = forward(layers, inputs)
    by_sums = cross_entropy.gradient(logits, targets)  # B × outputs, of the last layer: softmax − one-hot
    gradients = []
    for layer, received in zip(reversed(layers), reversed(passed), strict=True):
        gradients.append(Layer(by_sums.T @ received, by_sums.sum(0)))
        by_sums = (by_sums @ layer.weight) * (received > 0)  # gradient of ReLU
    return cross_entropy.cross_entropy(logits, targets), gradients[::-1]


def sgd_step(layers: Sequence[Layer], gradients: Sequence[Layer], rate: float) -> list[Layer]:
    """weight − learning rate · gradient, for each weight and bias."""
    pairs = zip(layers, gradients, strict=True)
    return [Layer(own.weight - rate * slope.weight, own.bias - rate * slope.bias) for own, slope in pairs]


def predict(layers: Sequence[Layer], inputs: np.ndarray) -> np.ndarray:
    """Inputs B × D → B class indices."""
    best: np.ndarray = forward(layers, inputs)[-1].argmax(1)
    return best
