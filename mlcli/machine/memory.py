"""Free memory of a device, its release, and errors that mean that there is none left."""

import gc

import torch

from mlcli import system


def free_memory(device: torch.device) -> int:
    """Bytes that are free on the device."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return system.free_memory()


def peak_memory(device: torch.device) -> int | None:
    """The largest number of bytes so far: that torch has allocated on a GPU, or of the memory of this process; None
    on systems that do not tell."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return system.peak_memory()


def release_memory() -> None:
    """Frees reference cycles, such as the parts of a stack, and the memory that the GPU's allocator caches."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error means that an allocation failed."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
