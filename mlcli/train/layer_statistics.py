"""How large the gradients and the outputs of a network's layers are.

Measured in evaluation mode (no dropout, running statistics) on a batch that is always the same, the first examples
of the training split (augmented, where the task's loss does that): training goes on as if nobody had looked. Layers
are called as in the network: hidden.0.linear, head.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mlcli.train.modes import evaluating

GRADIENT, MEAN, STD = "gradient_norm/", "activation_mean/", "activation_std/"  # of metrics, before a layer's name
PASSED_ON = (nn.Dropout, nn.Identity)  # in evaluation mode nothing happens there


def layer_statistics(task: Any) -> dict[str, Tensor]:
    """gradient_norm/LAYER, activation_mean/LAYER and activation_std/LAYER, as scalars.

    `task` has a `model`, a `loss` of a batch and a `loader`, as the tasks that train one network have.
    """
    batch = tuple(tensor[: task.loader.batch_size] for tensor in next(iter(task.loader.split("train"))))
    norms = {f"{GRADIENT}{layer}": norm for layer, norm in gradients(task, batch).items()}
    with differentiable(task.model), torch.no_grad():
        return norms | activations(task, batch[0])


def gradients(task: Any, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
    """The norm of the gradient of the batch's loss, by layer."""
    parameters = {name: parameter for name, parameter in task.model.named_parameters() if parameter.requires_grad}
    with differentiable(task.model):
        loss = task.loss(*batch)
        found = torch.autograd.grad(loss, list(parameters.values()), materialize_grads=True)
    norms = gradient_norms({name: each.unsqueeze(0) for name, each in zip(parameters, found, strict=True)})
    return {layer: norm.squeeze(0) for layer, norm in norms.items()}


def gradient_norms(gradients: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """From the gradients of each parameter, rows × its shape, the norms of each layer's together, one a row."""
    squares: dict[str, Tensor] = {}
    for name, gradient in gradients.items():
        layer = name.rpartition(".")[0] or name
        square = gradient.detach().float().flatten(1).square().sum(1)
        squares[layer] = squares[layer] + square if layer in squares else square
    return {layer: square.sqrt() for layer, square in squares.items()}


def activations(task: Any, inputs: Tensor) -> dict[str, Tensor]:
    """Mean and deviation of what each innermost module of the network gives out, over all examples and units."""
    found: dict[str, Tensor] = {}
    hooks = []
    for name, module in task.model.named_modules():
        if not any(True for _ in module.children()) and not isinstance(module, PASSED_ON):
            hooks.append(module.register_forward_hook(_into(found, name)))
    try:
        task.model(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _into(found: dict[str, Tensor], name: str) -> Any:
    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        while isinstance(output, tuple):  # recurrent layers give more than one thing, of which this is the first
            output = output[0]
        outputs = output.detach().float()
        found[f"{MEAN}{name}"] = outputs.mean()
        found[f"{STD}{name}"] = outputs.std(correction=0)

    return hook


@contextmanager
def differentiable(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode, yet able to compute gradients, which cuDNN's recurrent layers then are not."""
    with evaluating(model), torch.backends.cudnn.flags(enabled=False):
        yield
