"""How many trials fit into memory at once, from what one step of one of them was seen to take."""

import gc
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mlcli.run.build import Parts
from mlcli.train.protocols import HasMemoryProxy, StatesMemory

SHARE = 0.7  # of the free memory that a stack may fill
COPIES = 6  # of each parameter: weights, gradient, two of an optimizer, the weights before the step, the best ones
WORKSPACE = 2.0  # memory of a backward pass to what a forward pass keeps for it


def fitting(parts: Parts) -> int:
    """The number of such trials that fit on their device together, at least one."""
    return max(1, int(SHARE * free(parts.device) / bytes_of_step(parts)))


def bytes_of_step(parts: Parts) -> float:
    """What one trial needs while it trains: its parameters' copies, and what autograd keeps, as one step shows; or
    what a task without gradients states as its `trial_bytes`."""
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


def free(device: torch.device) -> int:
    """Bytes that the device has left."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):  # no Linux: all there is, of which SHARE is taken
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def release() -> None:
    """Frees what nothing refers to any more but itself, as a stack does, and what the device keeps for later."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def is_exhausted(error: BaseException) -> bool:
    """Whether the error says that memory ran out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
