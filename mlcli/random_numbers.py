"""Random numbers that a stack of trials can replace by each trial's own, and the global generators.

A module that samples has an attribute `random`, which is the function here, and calls it in `forward`; a stack puts a
function in its place that fills the tensors of each trial from that trial's generator.
"""

import random as python
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

Fill = Callable[[Tensor, torch.Generator | None], Tensor]  # fills a tensor in place; None: torch's global generator


def random(like: Tensor, fill: Fill) -> Tensor:
    """A new tensor with the shape, dtype and device of `like`, filled with random numbers."""
    return fill(torch.empty(like.shape, dtype=like.dtype, device=like.device), None)


def normal(tensor: Tensor, generator: torch.Generator | None) -> Tensor:
    """Standard normal numbers."""
    return tensor.normal_(generator=generator)


def uniform(tensor: Tensor, generator: torch.Generator | None) -> Tensor:
    """Uniform numbers from 0 up to 1."""
    return tensor.uniform_(generator=generator)


States = tuple[Any, Any, Tensor, Tensor | None]


def seed_generators(seed: int, device: torch.device) -> None:
    """Seeds the global generators of Python, NumPy and torch, on the CPU and on `device`.

    torch.manual_seed also records the call for every other device, which takes half a millisecond.
    """
    python.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def generator_states() -> States:
    """The states of the global generators of Python, NumPy, torch and, once it is in use, the GPU."""
    on_gpu = torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None  # type: ignore[no-untyped-call]
    return python.getstate(), np.random.get_state(), torch.get_rng_state(), on_gpu


def restore_states(states: States) -> None:
    """Sets the states that `generator_states` returned."""
    of_python, of_numpy, of_torch, on_gpu = states
    python.setstate(of_python)
    np.random.set_state(of_numpy)
    torch.set_rng_state(of_torch)
    if on_gpu is not None:
        torch.cuda.set_rng_state(on_gpu)


def states_as_tensors(states: States) -> dict[str, Any]:
    """The same as plain numbers and tensors, which can be saved."""
    of_python, of_numpy, of_torch, on_gpu = states
    name, words, *rest = of_numpy
    numpy = {"name": name, "words": torch.from_numpy(words.astype(np.int64)), "rest": list(rest)}
    return {"python": of_python, "numpy": numpy, "torch": of_torch, "gpu": on_gpu}


def states_from_tensors(saved: dict[str, Any]) -> States:
    """The inverse of `states_as_tensors`."""
    numpy = saved["numpy"]
    of_numpy = (numpy["name"], numpy["words"].numpy().astype(np.uint32), *numpy["rest"])
    return saved["python"], of_numpy, saved["torch"], saved["gpu"]


@contextmanager
def keep_states() -> Iterator[None]:
    """After this context the global generators continue as if nothing had been sampled within."""
    states = generator_states()
    try:
        yield
    finally:
        restore_states(states)
