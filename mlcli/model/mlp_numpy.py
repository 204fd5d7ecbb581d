"""A multi-layer perceptron trained in NumPy (`mlcli.model.scratch`). PyTorch only stores its weights, with the names
and the initialisation of model=mlp."""

from dataclasses import replace
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from mlcli.config.ranges import Range
from mlcli.model.layers import Count
from mlcli.model.mlp import MLP
from mlcli.model.scratch.mlp import Layer, forward, loss_and_gradients, sgd_step

LearningRate = Annotated[float, Range(0, low_open=True)]


class MLPNumpy(MLP):
    """`depth` hidden layers of `width` ReLU units and a linear head, trained by SGD with a constant learning rate.

    With the same seed, initialisation and batches are those of model=mlp norm=none; with optimizer=sgd and the same
    learning rate, the weights differ by rounding only. Raises ValueError for a single output.
    """

    traits = replace(MLP.traits, fitted=True)

    def __init__(
        self,
        input_shape: tuple[int, ...],
        outputs: int,
        *,
        width: Count = 128,
        depth: Count = 2,
        lr: LearningRate = 0.1,
    ) -> None:
        super().__init__(input_shape, outputs, width=width, depth=depth, norm="none")
        require_classes(outputs)
        self.requires_grad_(False)
        self.lr = lr

    def layers(self) -> list[Layer]:
        """The weights as arrays, the layer next to the inputs first."""
        arrays = [tensor.cpu().numpy() for tensor in self.parameters()]
        return [Layer(*pair) for pair in zip(arrays[::2], arrays[1::2], strict=True)]

    def fit(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """One SGD step on B × D inputs and B class indices. Returns the loss before the step."""
        layers = self.layers()
        loss, gradients = loss_and_gradients(layers, self._array(inputs), targets.cpu().numpy())
        learnt = [array for layer in sgd_step(layers, gradients, self.lr) for array in layer]
        for parameter, array in zip(self.parameters(), learnt, strict=True):
            parameter.copy_(torch.from_numpy(array))
        return torch.tensor(loss, dtype=torch.float64)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × D → B × C logits."""
        return torch.from_numpy(forward(self.layers(), self._array(inputs))[-1]).to(inputs.device)

    def _array(self, inputs: Tensor) -> np.ndarray:
        return inputs.to(self.head.weight.dtype).cpu().numpy()


def require_classes(outputs: int) -> None:
    """Raises ValueError for a single output, as of regression."""
    if outputs == 1:
        raise ValueError("This network is for classification only: use model=mlp.")
