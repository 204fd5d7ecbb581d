"""The state of a training as a JSON tree and tensors by name.

Finite numbers, text, True, False, None, lists, and dicts whose keys are texts stay as they are. Everything else is a
dict with one key that begins with `$`: `{"$tensor": name}`, `{"$tuple": […]}`, `{"$dict": [[key, value], …]}`,
`{"$float": bits in hexadecimal}` for inf and NaN, `{"$bytes": hexadecimal}`.
"""

import math
import struct
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

MARK = "$"


def encode(state: Any) -> tuple[Any, dict[str, Tensor]]:
    """The tree, and the tensors on the CPU, contiguous. A tensor in several places is stored once. Raises ValueError
    for a value that cannot be restored exactly."""
    encoder = _Encoder()
    try:
        return encoder.tree(state, ""), encoder.tensors
    except RecursionError:
        raise ValueError("the state contains itself, or is nested too deeply, and cannot be saved") from None


def decode(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The state. Raises ValueError for a tree that `encode` did not make."""
    if isinstance(tree, list):
        return [decode(each, tensors) for each in tree]
    if not isinstance(tree, dict):
        return tree
    if not any(key.startswith(MARK) for key in tree):
        return {key: decode(value, tensors) for key, value in tree.items()}
    try:
        ((kind, value),) = tree.items()
        return _restored(kind, value, tensors)
    except (TypeError, LookupError, AttributeError, struct.error) as error:
        raise ValueError(f"{str(tree)[:100]} is no value of a state") from error


def _restored(kind: str, value: Any, tensors: Mapping[str, Tensor]) -> Any:
    match kind:
        case "$tensor":
            return tensors[value]
        case "$tuple":
            return tuple(decode(each, tensors) for each in value)
        case "$dict":
            return {decode(key, tensors): decode(own, tensors) for key, own in value}
        case "$float":
            return struct.unpack(">d", bytes.fromhex(value))[0]
        case "$bytes":
            return bytes.fromhex(value)
    raise LookupError(kind)


class _Encoder:
    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.known: dict[Any, str] = {}  # names by the place of a tensor in memory
        self.held: list[Tensor] = []  # a place is that of one tensor only while the tensor exists

    def tree(self, value: Any, place: str) -> Any:
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is float:
            return value if math.isfinite(value) else {"$float": struct.pack(">d", value).hex()}
        if isinstance(value, Tensor):
            return {"$tensor": self._name(value, place)}
        if kind is list:
            return [self.tree(each, f"{place}.{index}") for index, each in enumerate(value)]
        if kind is tuple:
            return {"$tuple": [self.tree(each, f"{place}.{index}") for index, each in enumerate(value)]}
        if kind is bytes:
            return {"$bytes": value.hex()}
        if isinstance(value, dict):
            return self._dict(value, place)
        raise ValueError(
            f"the state holds a {kind.__module__}.{kind.__qualname__} at {place[1:]}, which cannot be saved without "
            "pickle: use numbers, text, bytes, lists, tuples, dicts or tensors"
        )

    def _dict(self, value: dict[Any, Any], place: str) -> Any:
        if all(type(key) is str and not key.startswith(MARK) for key in value):
            return {key: self.tree(own, f"{place}.{key}") for key, own in value.items()}
        return {"$dict": [[self.tree(key, place), self.tree(own, f"{place}.{key}")] for key, own in value.items()]}

    def _name(self, tensor: Tensor, place: str) -> str:
        own = tensor.detach()
        if own.layout != torch.strided or own.is_quantized:
            raise ValueError(f"the state holds a tensor of {own.layout} at {place[1:]}, which cannot be saved")
        where = own.data_ptr(), own.dtype, own.shape, own.stride(), own.device
        if own.numel() and where in self.known:
            return self.known[where]
        name = place[1:] or "tensor"
        while name in self.tensors:
            name += "'"
        self.held.append(own)
        self.known[where] = name
        self.tensors[name] = own.cpu().contiguous()
        return name
