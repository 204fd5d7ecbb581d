"""Layer statistics: gradient norms and the mean and standard deviation of activations, per layer.

They are measured in evaluation mode (no dropout, running statistics) on a fixed batch, the first examples of the
training split (augmented if the task's loss augments), without an effect on training. Layers have the names of the
modules: hidden.0.linear, head.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mlcli.train.modes import evaluating

GRADIENT, MEAN, STD = (
    "gradient_norm/",
    "activation_mean/",
    "activation_std/",
)  # prefixes of metrics, before the name of a layer
PASSED_ON = (nn.Dropout, nn.Identity)  # the identity in evaluation mode


def layer_statistics(task: Any) -> dict[str, Tensor]:
    """gradient_norm/LAYER, activation_mean/LAYER and activation_std/LAYER as scalars.

    `task` has a `model`, a `loader` and `loss(*batch)`.
    """
    batch = tuple(tensor[: task.loader.batch_size] for tensor in next(iter(task.loader.split("train"))))
    norms = {f"{GRADIENT}{layer}": norm for layer, norm in gradients(task, batch).items()}
    with differentiable(task.model), torch.no_grad():
        return norms | activations(task, batch[0])


def gradients(task: Any, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
    """The norm of the gradient of the loss, by layer."""
    parameters = {name: parameter for name, parameter in task.model.named_parameters() if parameter.requires_grad}
    with differentiable(task.model):
        loss = task.loss(*batch)
        found = torch.autograd.grad(loss, list(parameters.values()), materialize_grads=True)
    norms = gradient_norms({name: each.unsqueeze(0) for name, each in zip(parameters, found, strict=True)})
    return {layer: norm.squeeze(0) for layer, norm in norms.items()}


def gradient_norms(gradients: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Gradients by parameter, K × shape → their joint norms by layer, K."""
    squares: dict[str, Tensor] = {}
    for name, gradient in gradients.items():
        layer = name.rpartition(".")[0] or name
        square = gradient.detach().float().flatten(1).square().sum(1)
        squares[layer] = squares[layer] + square if layer in squares else square
    return {layer: square.sqrt() for layer, square in squares.items()}


def activations(task: Any, inputs: Tensor) -> dict[str, Tensor]:
    """Mean and standard deviation of the output of each leaf module, over all examples and units."""
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
        while isinstance(output, tuple):  # of recurrent layers, the outputs of all steps come first
            output = output[0]
        outputs = output.detach().float()
        found[f"{MEAN}{name}"] = outputs.mean()
        found[f"{STD}{name}"] = outputs.std(correction=0)

    return hook


@contextmanager
def differentiable(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode, without cuDNN, whose recurrent layers have no backward pass in that mode."""
    with evaluating(model), torch.backends.cudnn.flags(enabled=False):
        yield
