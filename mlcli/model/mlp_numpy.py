"""A multi-layer perceptron that learns in NumPy alone (mlcli.model.scratch): PyTorch does no more than hold its
weights, which are named and begin as those of model=mlp."""

from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from mlcli.config.ranges import Range
from mlcli.model.layers import Count
from mlcli.model.mlp import MLP
from mlcli.model.scratch.mlp import Layer, forward, loss_and_gradients, sgd_step

Rate = Annotated[float, Range(0, low_open=True)]


class MLPNumpy(MLP):
    """`depth` hidden layers of `width` ReLU units, then a linear one, trained by gradient descent of constant rate.

    From one seed the same start as model=mlp with norm=none, and the same batches: what is left of a difference after
    optimizer=sgd of the same rate is rounding. Raises ValueError for a single output.
    """

    def __init__(
        self, input_shape: tuple[int, ...], outputs: int, *, width: Count = 128, depth: Count = 2, lr: Rate = 0.1
    ) -> None:
        super().__init__(input_shape, outputs, width=width, depth=depth, norm="none")
        check_classes(outputs)
        self.requires_grad_(False)
        self.lr = lr

    def layers(self) -> list[Layer]:
        """The weights as arrays."""
        arrays = [tensor.cpu().numpy() for tensor in self.parameters()]
        return [Layer(*pair) for pair in zip(arrays[::2], arrays[1::2], strict=True)]

    def fit(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """One step on B × D inputs and B class indices. Returns their loss before it."""
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


def check_classes(outputs: int) -> None:
    """Raises ValueError for a network that is to give numbers."""
    if outputs == 1:
        raise ValueError("This network tells classes apart and gives no number: use model=mlp.")
