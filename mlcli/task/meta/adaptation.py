"""Adaptation to a task by a few steps of gradient descent, as functions of the weights, so that torch.vmap can batch
tasks and torch.func.grad can be differentiated again.

Weights are tensors by name. A loss is a function of all weights, a scalar.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.func import grad

Weights = dict[str, Tensor]
Loss = Callable[[Weights], Tensor]


def adapt(
    losses: Sequence[Loss], weights: Weights, rates: Mapping[str, Tensor | float], second_order: bool
) -> Weights:
    """The weights after one step w − rate · ∂loss/∂w on each loss in turn; weights without a rate do not change.

    second_order: the result can be differentiated through the gradients of the steps (Finn et al. 2017). Without it
    these gradients are constants, as in first-order MAML: the derivative of the result by the weights is 1, and by a
    rate it is the negative gradient.
    """
    fast = {name: weights[name] for name in rates}
    for loss in losses:
        with torch.set_grad_enabled(second_order):
            gradients = grad(lambda own, loss=loss: loss(weights | own))(fast)
        fast = {name: tensor - rates[name] * gradients[name] for name, tensor in fast.items()}
    return weights | fast


def with_gradient(value: Tensor, weights: Weights, gradient: Weights) -> Tensor:
    """The same value, with `gradient` as its derivative by these weights."""
    product = torch.stack([(weights[name] * each.detach()).sum() for name, each in gradient.items()]).sum()
    return value.detach() + product - product.detach()
