"""How large the gradients and the activations of a network's layers are.

Measured in evaluation mode (no dropout, running statistics), on the first examples of the training split; nothing
changes by it. A layer is a module that holds parameters itself, by its name in the network: hidden.0.linear, head.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


def gradient_norms(gradients: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """From each parameter's gradients, rows × its shape: by layer the norm of all of its gradients together."""
    squares: dict[str, Tensor] = {}
    for name, gradient in gradients.items():
        layer = name.rpartition(".")[0] or name
        squares[layer] = squares.get(layer, 0.0) + gradient.detach().float().flatten(1).square().sum(1)
    return {layer: square.sqrt() for layer, square in squares.items()}


def gradients(task: Any) -> dict[str, Tensor]:
    """The norm of the gradient of the task's loss, by layer, each of length 1.

    `task` has a `model`, a `loss` of a batch and a `loader`, as the tasks that train one network have.
    """
    parameters = {name: parameter for name, parameter in task.model.named_parameters() if parameter.requires_grad}
    with evaluating(task.model):
        loss = task.loss(*next(iter(task.loader.split("train"))))
        found = torch.autograd.grad(loss, list(parameters.values()), materialize_grads=True)
    return gradient_norms({name: each.unsqueeze(0) for name, each in zip(parameters, found, strict=True)})


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode, able to compute gradients: cuDNN's recurrent layers are not, and stay out."""
    was_training = model.training
    model.eval()
    try:
        with torch.backends.cudnn.flags(enabled=False):
            yield
    finally:
        model.train(was_training)
