"""Weights on disk: safetensors, with the statistics that inputs are normalised by."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mlcli.config.errors import ConfigError
from mlcli.files import write_atomic

STATISTICS = "data."
WEIGHTS = "model."


def save_weights(path: Path, weights: Mapping[str, Tensor], *, mean: Tensor, std: Tensor) -> None:
    """Saves a model's weights with the statistics of its inputs. Whole or not at all."""
    tensors = {f"{WEIGHTS}{name}": tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    tensors |= {f"{STATISTICS}mean": mean.contiguous(), f"{STATISTICS}std": std.contiguous()}
    save_tensors(path, tensors)


def save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Writes a .safetensors file, whole or not at all."""
    write_atomic(path, lambda part: save_file(tensors, part))


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors of a .safetensors file by name. Raises ConfigError if it cannot be read."""
    try:
        if not path.is_file():  # a pipe or device might never end
            raise FileNotFoundError("no such file")
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error


def load_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The model's weights, and the statistics ("mean", "std") of the inputs it was trained on.

    Raises ConfigError for a file that is damaged or not the weights of a run.
    """
    tensors = load_tensors(path)
    missing = {f"{STATISTICS}mean", f"{STATISTICS}std"} - set(tensors)
    if missing:
        raise ConfigError(f"{path}: not the weights of a run (there is no {', '.join(sorted(missing))})")
    return tuple(  # type: ignore[return-value]  # two of them
        {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        for prefix in (WEIGHTS, STATISTICS)
    )
