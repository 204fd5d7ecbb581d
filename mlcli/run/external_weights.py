"""Pre-trained weights: of a run, or of a file of mlcli or another program."""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mlcli.config.errors import ConfigError
from mlcli.run.described import without_examples
from mlcli.store.find import find_run
from mlcli.store.records import read_json
from mlcli.store.weights import is_of_a_run, load_tensors, load_weights

PICKLED = (".pth", ".pt")
HEAD = "head."
OTHER_HEADS = ("fc.",)  # names of the last layer in other libraries


@dataclass(frozen=True)
class Source:
    """Tensors by name; the classes that they were trained on and the tokens of the network, () if unknown."""

    name: str
    weights: dict[str, Tensor]
    classes: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()


def is_file(text: str) -> bool:
    """Whether the text names a file of weights, by its suffix, rather than a run."""
    return Path(text).suffix in (".safetensors", *PICKLED)


def read(text: str, outputs: Path) -> Source:
    """The weights of a run (a folder, an id, a name, last) or file. Raises ConfigError if there are none."""
    if is_file(text):
        return Source(Path(text).name, _with_our_head(_read_file(Path(text))))
    found = find_run(text, outputs)
    model = found.folder.path / "model"
    if not (model / "weights.safetensors").exists():
        raise ConfigError(f"model.init_from={text}: {found.id} has no trained model: it did not finish.")
    weights, buffers = load_weights(model / "weights.safetensors")
    try:
        data = without_examples(read_json(model / "model.json")["data"], buffers)
        tokens = data.tokens
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"model.init_from={text}: {model / 'model.json'} is damaged") from error
    return Source(found.id, weights, data.classes, tokens)


def _read_file(path: Path) -> dict[str, Tensor]:
    """A .safetensors file, or a pickled state dict, of which only tensors are read."""
    try:
        if path.suffix == ".safetensors":
            tensors = load_tensors(path)
            return load_weights(path)[0] if is_of_a_run(tensors) else tensors
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ConfigError(f"model.init_from={path}: cannot be read ({error}).") from error
    except (pickle.UnpicklingError, EOFError, RuntimeError) as error:
        raise ConfigError(
            f"model.init_from={path}: not a plain state dict, and nothing else is loaded from a pickle; save it by "
            "torch.save(model.state_dict(), …)."
        ) from error
    if not isinstance(state, Mapping) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise ConfigError(f"model.init_from={path}: is not a state dict of tensors by name.")
    return dict(state)


def _with_our_head(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Renames the last layer to `head`."""
    if any(name.startswith(HEAD) for name in weights):
        return weights
    for theirs in OTHER_HEADS:
        weights = {f"{HEAD}{n.removeprefix(theirs)}" if n.startswith(theirs) else n: w for n, w in weights.items()}
    return weights
