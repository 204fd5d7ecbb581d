"""The extra state of modules (`get_extra_state`) as tensors, so that the state of every model is tensors by name.

Numbers, text, lists, tuples, dicts and None become JSON in a tensor of bytes, whose name ends in `|json`; tensors
inside are stored beside it. A state of tensors alone stays as it is.
"""

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

JSON = "|json"
REFERENCE, TUPLE = "|tensor", "|tuple"  # keys of a dict that stands for a tensor, or a tuple


def encode(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """A state dict as tensors by name. Raises ValueError for a value that cannot be restored exactly."""
    encoded: dict[str, Tensor] = {}
    for name, value in state.items():
        if isinstance(value, Tensor):
            encoded[name] = value
            continue
        tensors: list[Tensor] = []
        text = json.dumps(_plain(name, value, tensors))
        encoded[f"{name}{JSON}"] = torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)
        encoded |= {f"{name}|{place}": tensor for place, tensor in enumerate(tensors)}
    return encoded


def decode(encoded: Mapping[str, Tensor]) -> dict[str, Any]:
    """The inverse of `encode`. Raises ValueError or KeyError for bytes that it did not write."""
    names = [name.removesuffix(JSON) for name in encoded if name.endswith(JSON)]
    state: dict[str, Any] = {
        name: tensor for name, tensor in encoded.items() if name.rpartition("|")[0] not in names or name in names
    }
    for name in names:
        text = bytes(encoded[f"{name}{JSON}"].cpu().tolist()).decode()
        state[name] = _restored(json.loads(text), name, encoded)
    return state


def has_extra_state(state: Mapping[str, Any]) -> bool:
    """Whether a state dict holds anything but tensors."""
    return not all(isinstance(value, Tensor) for value in state.values())


def _plain(name: str, value: Any, tensors: list[Tensor]) -> Any:
    """What json.dumps accepts; tensors are moved to the list."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if isinstance(value, Tensor):
        tensors.append(value)
        return {REFERENCE: len(tensors) - 1}
    if kind is list:
        return [_plain(name, each, tensors) for each in value]
    if kind is tuple:
        return {TUPLE: [_plain(name, each, tensors) for each in value]}
    if isinstance(value, dict) and all(type(key) is str and key not in (REFERENCE, TUPLE) for key in value):
        return {key: _plain(name, each, tensors) for key, each in value.items()}
    what = "a dict whose keys are not text" if isinstance(value, dict) else f"a {kind.__name__}"
    raise ValueError(
        f"the state dict of this model holds {what} at {name}, which cannot be saved without pickle: use numbers, "
        "text, lists, dicts with text keys, or tensors"
    )


def _restored(value: Any, name: str, encoded: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_restored(each, name, encoded) for each in value]
    if not isinstance(value, dict):
        return value
    if REFERENCE in value:
        return encoded[f"{name}|{value[REFERENCE]}"]
    if TUPLE in value:
        return tuple(_restored(value[TUPLE], name, encoded))
    return {key: _restored(each, name, encoded) for key, each in value.items()}
