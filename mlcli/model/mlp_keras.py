"""A multi-layer perceptron in Keras on TensorFlow, with the weight names and the initialisation of model=mlp."""

import os
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mlcli.model.layers import Count
from mlcli.model.mlp import MLP
from mlcli.model.mlp_numpy import LearningRate, require_classes
from mlcli.packages import needs


class MLPKeras(MLP):
    """`depth` hidden layers of `width` ReLU units and a linear head, trained by SGD with a constant learning rate.

    The same network as model=mlp_numpy. Raises ValueError for a single output, and ImportError with the command that
    installs TensorFlow where it is missing.
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
        keras = _import_keras()
        self.network = network(keras, input_shape, outputs, width, depth)
        compile_network(self.network, keras, lr)
        self._to_keras()
        self.register_state_dict_pre_hook(lambda *_: self._from_keras())  # type: ignore[no-untyped-call]
        self.register_load_state_dict_post_hook(lambda *_: self._to_keras())  # type: ignore[no-untyped-call]

    def fit(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """One SGD step on B × D inputs and B class indices. Returns the loss before the step."""
        self.network.reset_metrics()  # otherwise Keras returns the mean over all batches so far
        return torch.tensor(self.network.train_on_batch(inputs.cpu().numpy(), targets.cpu().numpy()))

    def forward(self, inputs: Tensor) -> Tensor:
        """B × D → B × C logits."""
        return torch.from_numpy(np.asarray(self.network(inputs.cpu().numpy()))).to(inputs.device)

    def _to_keras(self) -> None:
        """Copies the weights, which are inputs × outputs in Keras and outputs × inputs in PyTorch."""
        self.network.set_weights([parameter.detach().cpu().numpy().T for parameter in self.parameters()])

    def _from_keras(self) -> None:
        for parameter, array in zip(self.parameters(), self.network.get_weights(), strict=True):
            parameter.data.copy_(torch.from_numpy(array.T))


def network(keras: Any, input_shape: tuple[int, ...], outputs: int, width: int, depth: int) -> Any:
    """A Keras model, B × D → B × C logits."""
    hidden = [keras.layers.Dense(width, activation="relu") for _ in range(depth)]
    return keras.Sequential([keras.Input(input_shape), *hidden, keras.layers.Dense(outputs)])


def compile_network(model: Any, keras: Any, lr: float) -> None:
    """Sets cross-entropy as the loss and SGD as the optimizer."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(lr), loss=loss)


def _import_keras() -> Any:
    """Keras on TensorFlow. Raises ImportError with the command that installs it."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # so that sums are always taken in the same order
    try:
        import keras
        import tensorflow  # noqa: F401  # without it, Keras fails with a long traceback
    except ImportError as error:
        raise ImportError(needs("model=mlp_keras", "keras", "tensorflow")) from error
    return keras
