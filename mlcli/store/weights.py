"""Weights on disk: safetensors, with the preprocessing of the inputs."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save, save_file
from torch import Tensor

from mlcli.config.errors import ConfigError
from mlcli.files import write_atomic

PREPROCESSING = "data."
WEIGHTS = "model."


def save_weights(path: Path, weights: Mapping[str, Tensor], preprocessing: Mapping[str, Tensor]) -> None:
    """Saves a model's weights with the buffers of its preprocessing. Whole or not at all.

    A tensor under several names (tied weights) is saved once; the file's metadata holds its other names, as with
    `safetensors.torch.save_model`.
    """
    aliases = _aliases(weights)
    tensors = {f"{WEIGHTS}{name}": tensor for name, tensor in _copied_views(weights, aliases).items()}
    tensors |= {f"{PREPROCESSING}{name}": tensor.contiguous() for name, tensor in preprocessing.items()}
    metadata = {f"{WEIGHTS}{other}": f"{WEIGHTS}{name}" for other, name in aliases.items()}
    write_atomic(path, lambda part: save_file(tensors, part, metadata or None))


def check_saveable(weights: Mapping[str, Tensor]) -> None:
    """Raises ValueError for a tensor that safetensors cannot hold, by its type or layout."""
    kinds = {(tensor.dtype, tensor.layout): (name, tensor) for name, tensor in weights.items()}
    for (dtype, layout), (name, tensor) in kinds.items():
        try:
            save({name: tensor.detach().flatten()[:0].cpu()})
        except (KeyError, ValueError, RuntimeError, TypeError) as error:
            kind = dtype if layout == torch.strided else layout
            raise ValueError(
                f"{name} of this model is a tensor of {kind}, which safetensors cannot hold: use another type, or "
                "register_buffer(…, persistent=False)"
            ) from error


def _aliases(weights: Mapping[str, Tensor]) -> dict[str, str]:
    """Other names of tensors → their first name."""
    first: dict[Any, str] = {}
    aliases = {}
    for name, tensor in weights.items():
        place = tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride(), tensor.device
        known = first.setdefault(place, name) if tensor.numel() else name
        if known != name:
            aliases[name] = known
    return aliases


def _copied_views(weights: Mapping[str, Tensor], aliases: Mapping[str, str]) -> dict[str, Tensor]:
    """The tensors on the CPU without aliases. Those that share memory with another one in part are copied."""
    own = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items() if name not in aliases}
    shared = Counter(tensor.untyped_storage().data_ptr() for tensor in own.values())
    return {
        name: tensor.clone() if shared[tensor.untyped_storage().data_ptr()] > 1 else tensor
        for name, tensor in own.items()
    }


def save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Writes a .safetensors file, whole or not at all."""
    write_atomic(path, lambda part: save_file(tensors, part))


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors of a .safetensors file, shared ones under all their names. Raises ConfigError if it cannot be read."""
    try:
        if not path.is_file():  # a pipe or device might never end
            raise FileNotFoundError("no such file")
        tensors = load_file(path)
        with safe_open(path, "pt") as file:
            other_names = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    return tensors | {other: tensors[name] for other, name in other_names.items() if name in tensors}


def load_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The model's weights under all their names, and the buffers of the preprocessing of its inputs.

    Raises ConfigError for a file that is damaged or not the weights of a run.
    """
    tensors = load_tensors(path)
    if not is_of_a_run(tensors):
        raise ConfigError(f"{path}: not the weights of a run (there is no preprocessing of inputs)")
    return tuple(  # type: ignore[return-value]  # two of them
        {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        for prefix in (WEIGHTS, PREPROCESSING)
    )


def is_of_a_run(tensors: Mapping[str, Tensor]) -> bool:
    """Whether these are the tensors of `save_weights`, rather than those of another program."""
    return any(name.startswith(PREPROCESSING) for name in tensors)
