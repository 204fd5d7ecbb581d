"""Transfer learning: a network starts from pre-trained weights (`model.init_from`), and some of its parameters are
frozen (`model.freeze`)."""

import fnmatch
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from mlcli.config.errors import ConfigError
from mlcli.loading.dataset import DataSet
from mlcli.run.align_tokens import align_tokens
from mlcli.run.external_weights import HEAD, is_file, read
from mlcli.store.find import find_run

PRETRAINED = "pretrained"  # the run that `pretrain` trains or names
LISTED = 4  # tensors that a message names

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Transfer:
    """What was loaded into a network. Shapes of its tensors (`here`) and of the source's (`there`) by name."""

    source: str
    here: dict[str, Shape]
    there: dict[str, Shape]
    loaded: frozenset[str]  # names

    @property
    def not_loaded(self) -> list[str]:
        """Names of the tensors that keep their random initialisation."""
        return [name for name in self.here if name not in self.loaded]

    @property
    def leaves_more_than_head(self) -> bool:
        """Whether tensors other than the head's were not loaded."""
        return not all(name.startswith(HEAD) for name in self.not_loaded)

    def line(self) -> str:
        """`weights of NAME: 6 of 8 tensors; as initialised: head.weight 5×32 (there 10×32), …`."""
        sizes = [(name, _size(self.here[name]), _size(self.there.get(name))) for name in self.not_loaded]
        described = [f"{name} {here} (there {there})" for name, here, there in sizes]
        left = f"; as initialised: {_shortened(described)}" if described else ""
        return f"weights of {self.source}: {len(self.loaded)} of {len(self.here)} tensors{left}"

    def record(self) -> dict[str, Any]:
        """The content of transfer.json: every tensor of the network, and the source's tensors that were not used."""
        rows = [
            {"name": name, "here": _size(shape), "there": _size(self.there.get(name)), "loaded": name in self.loaded}
            for name, shape in self.here.items()
        ]
        return {"source": self.source, "tensors": rows, "unused": [n for n in self.there if n not in self.here]}


def resolve_init_from(cfg: Any) -> None:
    """Replaces `last`, `pretrained`, a name or an id in model.init_from by the folder of that run, so that the stored
    config stays valid. Raises ConfigError if there is no such run."""
    text = cfg.model.get("init_from")
    if text == PRETRAINED:
        text = cfg.pretrain
        if not isinstance(text, str):
            raise ConfigError(
                f"model.init_from={PRETRAINED}: no run is pre-trained; use pretrain=RUN, or model.init_from=RUN."
            )
    if text and not is_file(text):
        cfg.model.init_from = str(find_run(text, Path(cfg.outputs)).folder.path)


def prepare(network: nn.Module, cfg: Any, data: DataSet, load: bool) -> Transfer | None:
    """Applies the config's model.init_from (unless `load` is false) and model.freeze. Raises ConfigError."""
    text, patterns = cfg.model.get("init_from"), cfg.model.get("freeze")
    transferred = load_weights(network, text, cfg.outputs, data) if text and load else None
    if patterns:
        freeze(network, [patterns] if isinstance(patterns, str) else patterns)
    return transferred


def load_weights(network: nn.Module, text: str, outputs: str, data: DataSet) -> Transfer:
    """Loads the tensors of a run or file whose names and shapes are those of the network's.

    The head is loaded as a whole or not at all: not if a shape differs, or if the run's classes do. The embedding of
    a token goes to the token of the same name. Raises ConfigError if no tensor fits.
    """
    source = read(text, Path(outputs))
    here = {name: tensor for name, tensor in network.state_dict().items() if isinstance(tensor, Tensor)}
    predicts = data.examples.has_next_tokens and not source.classes
    there = align_tokens(source.weights, network, source.tokens, data.tokens, predicts)
    fitting = [name for name, tensor in here.items() if name in there and there[name].shape == tensor.shape]
    head = [name for name in here if name.startswith(HEAD)]
    if source.classes not in ((), data.classes) or not set(head) <= set(fitting):
        fitting = [name for name in fitting if name not in head]
    if not fitting:
        raise ConfigError(
            f"model.init_from={text}: no tensor has a name and shape of this network. It has {_listed(here)}; there "
            f"are {_listed(there)}."
        )
    network.load_state_dict({name: there[name] for name in fitting}, strict=False)
    return Transfer(source.name, _shapes(here), _shapes(there), frozenset(fitting))


def freeze(network: nn.Module, patterns: Sequence[str]) -> None:
    """Freezes the parameters whose names match a pattern, and the statistics of a batch norm with frozen weights.

    Raises ConfigError for a pattern that matches none, and if no parameter is left to train.
    """
    parameters = dict(network.named_parameters())
    for pattern in patterns:
        names = fnmatch.filter(parameters, pattern)
        if not names:
            raise ConfigError(f"model.freeze: no parameter matches {pattern}. Choices: {', '.join(parameters)}.")
        for name in names:
            parameters[name].requires_grad_(False)
    if not any(parameter.requires_grad for parameter in parameters.values()):
        raise ConfigError("model.freeze: nothing is left to train; leave out the head, as in model.freeze=blocks.*")
    for module in network.modules():
        own = list(module.parameters(recurse=False))
        if isinstance(module, _NormBase) and own and not any(parameter.requires_grad for parameter in own):
            module.eval()
            module.train = functools.partial(_ignore_mode, module)  # type: ignore[method-assign, assignment]


def _ignore_mode(module: nn.Module, mode: bool = True) -> nn.Module:
    """Replaces `train`: the module stays in evaluation mode."""
    return module


def _shapes(state: Mapping[str, Tensor]) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _size(shape: Shape | None) -> str:
    if shape is None:
        return "none"
    return "×".join(map(str, shape)) if shape else "a number"


def _listed(state: Mapping[str, Tensor]) -> str:
    return _shortened([f"{name} {_size(shape)}" for name, shape in _shapes(state).items()])


def _shortened(descriptions: list[str]) -> str:
    more = f" and {len(descriptions) - LISTED} more" if len(descriptions) > LISTED else ""
    return ", ".join(descriptions[:LISTED]) + more
