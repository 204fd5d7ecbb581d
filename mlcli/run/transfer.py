"""Transfer: a network begins with weights that were trained elsewhere (`model.init_from`), and part of it stays as it
is (`model.freeze`)."""

import fnmatch
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from mlcli.config.errors import ConfigError
from mlcli.run.external_weights import HEAD, is_file, read
from mlcli.store.find import find_run

PRETRAINED = "pretrained"  # the run that `pretrain` stands for
TOLD = 4  # tensors that a line names

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Report:
    """What a network has taken over. Shapes of its tensors (`here`) and of the source's (`there`) by name."""

    source: str
    here: dict[str, Shape]
    there: dict[str, Shape]
    loaded: frozenset[str]  # names

    @property
    def left(self) -> list[str]:
        """The tensors that stay as initialised."""
        return [name for name in self.here if name not in self.loaded]

    @property
    def surprising(self) -> bool:
        """Whether more than the head is left."""
        return not all(name.startswith(HEAD) for name in self.left)

    def line(self) -> str:
        """In one line, as in `weights of NAME: 6 of 8 tensors; as initialised: head.weight 5×32 (there 10×32), …`."""
        told = [f"{name} {_size(self.here[name])} (there {_size(self.there.get(name))})" for name in self.left]
        left = f"; as initialised: {_few(told)}" if told else ""
        return f"weights of {self.source}: {len(self.loaded)} of {len(self.here)} tensors{left}"

    def record(self) -> dict[str, Any]:
        """What transfer.json holds: every tensor of the network, and those of the source that had no place."""
        rows = [
            {"name": name, "here": _size(shape), "there": _size(self.there.get(name)), "loaded": name in self.loaded}
            for name, shape in self.here.items()
        ]
        return {"source": self.source, "tensors": rows, "unused": [n for n in self.there if n not in self.here]}


def resolve_init_from(cfg: Any) -> None:
    """Puts the folder of the run that is meant in place of `last`, `pretrained`, a name or an id, so that the config
    says it for good. Raises ConfigError where there is no such run."""
    text = cfg.model.get("init_from")
    if text == PRETRAINED:
        text = cfg.pretrain
        if not isinstance(text, str):
            raise ConfigError(f"model.init_from={PRETRAINED}: nothing is; use pretrain=RUN, or a run itself.")
    if text and not is_file(text):
        cfg.model.init_from = str(find_run(text, Path(cfg.outputs)).folder.path)


def prepare(network: nn.Module, cfg: Any, classes: Sequence[str], load: bool) -> Report | None:
    """Does what the config's model.init_from (unless `load` is false) and model.freeze say. Raises ConfigError."""
    text, patterns = cfg.model.get("init_from"), cfg.model.get("freeze")
    report = begin(network, text, cfg.outputs, classes) if text and load else None
    if patterns:
        freeze(network, [patterns] if isinstance(patterns, str) else patterns)
    return report


def begin(network: nn.Module, text: str, outputs: str, classes: Sequence[str]) -> Report:
    """Loads the weights of a run or file into the network where names and shapes are equal.

    The head stays as initialised where its shape differs, or a run's classes are others. Raises ConfigError where
    nothing fits.
    """
    source = read(text, Path(outputs))
    here, there = network.state_dict(), source.weights
    fitting = [name for name, tensor in here.items() if name in there and there[name].shape == tensor.shape]
    head = [name for name in here if name.startswith(HEAD)]
    if source.classes not in ((), tuple(classes)) or not set(head) <= set(fitting):
        fitting = [name for name in fitting if name not in head]  # all of it or nothing
    if not fitting:
        raise ConfigError(
            f"model.init_from={text}: no tensor has a name and shape of this network. It has {_listed(here)}; there "
            f"are {_listed(there)}."
        )
    network.load_state_dict({name: there[name] for name in fitting}, strict=False)
    return Report(source.name, _shapes(here), _shapes(there), frozenset(fitting))


def freeze(network: nn.Module, patterns: Sequence[str]) -> None:
    """Parameters whose name fits a pattern are not trained; statistics of a batch norm stay when its weights do.

    Raises ConfigError for a pattern that fits none, and when all would be frozen.
    """
    parameters = dict(network.named_parameters())
    for pattern in patterns:
        names = fnmatch.filter(parameters, pattern)
        if not names:
            raise ConfigError(f"model.freeze: no parameter is called {pattern}. There are {', '.join(parameters)}.")
        for name in names:
            parameters[name].requires_grad_(False)
    if not any(parameter.requires_grad for parameter in parameters.values()):
        raise ConfigError("model.freeze: nothing is left to train; leave out the head, as in model.freeze=blocks.*")
    for module in network.modules():
        own = list(module.parameters(recurse=False))
        if isinstance(module, _NormBase) and own and not any(parameter.requires_grad for parameter in own):
            module.eval()
            module.train = functools.partial(_stay, module)  # type: ignore[method-assign, assignment]


def _stay(module: nn.Module, mode: bool = True) -> nn.Module:
    """Instead of `train`: the module stays in evaluation whatever the rest of the network does."""
    return module


def _shapes(state: Mapping[str, Tensor]) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _size(shape: Shape | None) -> str:
    if shape is None:
        return "none"
    return "×".join(map(str, shape)) if shape else "a number"


def _listed(state: Mapping[str, Tensor]) -> str:
    return _few([f"{name} {_size(shape)}" for name, shape in _shapes(state).items()])


def _few(told: list[str]) -> str:
    more = f" and {len(told) - TOLD} more" if len(told) > TOLD else ""
    return ", ".join(told[:TOLD]) + more
