"""Digests of examples: a SHA-256 of every byte that the splits and results of a run depend on."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor

VERSION = 2
SAMPLED = 10_000  # examples that version 1 hashed


def digest(names: Sequence[Any], tensors: Iterable[Tensor | None]) -> str:
    """A short hash of plain values and of tensors, with their types and shapes."""
    sha = hashlib.sha256(repr(names).encode())
    for tensor in tensors:
        if tensor is None:
            sha.update(b"None")
            continue
        sha.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
        sha.update(tensor.contiguous().view(-1).numpy().data)
    return sha.hexdigest()[:16]


def sampled_digest(inputs: Tensor, targets: Tensor, tables: Iterable[Tensor]) -> str:
    """Version 1, of runs without a `digest_version`: of large data sets about 10,000 evenly spaced examples."""
    stride = max(1, len(inputs) // SAMPLED)
    sha = hashlib.sha256(repr((inputs.shape, targets.shape)).encode())
    for tensor in (inputs, targets, *tables):
        sha.update(tensor[::stride].contiguous().numpy().tobytes())
    return sha.hexdigest()[:16]
