"""Steps of optimizers that compute the loss of a batch several times, such as LBFGS."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mlcli.random_numbers import generator_states, restore_states


def step_with_closure(optimizer: Any, gradients: Callable[[], Tensor], penalty: Callable[[], Tensor]) -> Tensor:
    """One step. Returns the loss of the first computation, detached.

    gradients: computes the gradients of the batch and returns its loss. penalty: what the minimised function has
    besides that loss. Each computation samples the same random numbers, so that all have the same dropout masks.
    """
    states = generator_states()
    losses: list[Tensor] = []

    def closure() -> Tensor:
        if losses:
            restore_states(states)
        with torch.enable_grad():
            losses.append(gradients())
        return losses[-1] + penalty()

    optimizer.step(closure)
    if not losses:
        raise RuntimeError(f"the step of {type(optimizer).__name__} does not call its closure")
    return losses[0]
