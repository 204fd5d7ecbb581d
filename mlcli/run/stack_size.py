"""How many trials a stack may have: measured by the memory that one optimisation step of one of them takes."""

from typing import Any

import torch
from torch import Tensor

from mlcli.machine.memory import free_memory
from mlcli.run.build import Parts
from mlcli.train.protocols import HasMemoryProxy, StatesMemory

SHARE = 0.7  # of the free memory that a stack may fill
COPIES = 6  # of each parameter: weights, gradient, two of an optimizer, the weights before the step, the best ones
WORKSPACE = 2.0  # memory of a backward pass, relative to the tensors that the forward pass saves for it


def trials_that_fit(parts: Parts) -> int:
    """The number of trials like this one that fit into the free memory of their device, at least one."""
    return max(1, int(SHARE * free_memory(parts.device) / bytes_per_trial(parts)))


def bytes_per_trial(parts: Parts) -> float:
    """Memory of one trial while it trains: copies of its parameters, and the tensors that autograd saves in one step;
    or the `trial_bytes` of a task without gradients."""
    if isinstance(parts.task, StatesMemory):
        return float(parts.task.trial_bytes)
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor.nbytes
        return tensor

    batch = next(iter(parts.task.batches(0)))
    task: Any = parts.task
    loss = task.memory_proxy if isinstance(task, HasMemoryProxy) else task.loss
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss(*batch)
    parameters = sum(parameter.nbytes for parameter in parts.model.parameters())
    needed: float = COPIES * parameters + WORKSPACE * sum(kept.values()) + sum(tensor.nbytes for tensor in batch)
    return needed
