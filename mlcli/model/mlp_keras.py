"""A multi-layer perceptron in Keras on TensorFlow. Its weights are kept under the names of model=mlp, and begin as
those do."""

import os
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mlcli.model.layers import Count
from mlcli.model.mlp import MLP
from mlcli.model.mlp_numpy import Rate, check_classes


class MLPKeras(MLP):
    """`depth` hidden layers of `width` ReLU units, then a linear one, trained by gradient descent of constant rate.

    As model=mlp_numpy, in Keras. Raises ValueError for a single output, ImportError with what to install where there
    is no TensorFlow.
    """

    def __init__(
        self, input_shape: tuple[int, ...], outputs: int, *, width: Count = 128, depth: Count = 2, lr: Rate = 0.1
    ) -> None:
        super().__init__(input_shape, outputs, width=width, depth=depth, norm="none")
        check_classes(outputs)
        self.requires_grad_(False)
        self.network = network(_keras(), input_shape, outputs, width, depth)
        ready(self.network, _keras(), lr)
        self._to_keras()
        self.register_state_dict_pre_hook(lambda *_: self._from_keras())  # type: ignore[no-untyped-call]
        self.register_load_state_dict_post_hook(lambda *_: self._to_keras())  # type: ignore[no-untyped-call]

    def fit(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """One step on B × D inputs and B class indices. Returns their loss before it."""
        self.network.reset_metrics()  # Keras would tell the mean over all batches so far
        return torch.tensor(self.network.train_on_batch(inputs.cpu().numpy(), targets.cpu().numpy()))

    def forward(self, inputs: Tensor) -> Tensor:
        """B × D → B × C logits."""
        return torch.from_numpy(np.asarray(self.network(inputs.cpu().numpy()))).to(inputs.device)

    def _to_keras(self) -> None:
        """Weights of Keras are inputs × outputs, those of PyTorch outputs × inputs."""
        self.network.set_weights([parameter.detach().cpu().numpy().T for parameter in self.parameters()])

    def _from_keras(self) -> None:
        for parameter, array in zip(self.parameters(), self.network.get_weights(), strict=True):
            parameter.data.copy_(torch.from_numpy(array.T))


def network(keras: Any, input_shape: tuple[int, ...], outputs: int, width: int, depth: int) -> Any:
    """B × D → B × C logits, as a model of Keras."""
    hidden = [keras.layers.Dense(width, activation="relu") for _ in range(depth)]
    return keras.Sequential([keras.Input(input_shape), *hidden, keras.layers.Dense(outputs)])


def ready(model: Any, keras: Any, rate: float) -> None:
    """Gives it a loss and an optimizer."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(rate), loss=loss)


def _keras() -> Any:
    """Keras, with TensorFlow under it. Raises ImportError with what to install."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # sums are then always taken in one order
    try:
        import keras
        import tensorflow  # noqa: F401  # which Keras itself would miss in many lines
    except ImportError as error:
        raise ImportError("model=mlp_keras needs TensorFlow: run pip install 'mlcli[tensorflow]'.") from error
    return keras
