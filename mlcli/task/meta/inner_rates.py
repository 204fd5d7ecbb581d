"""The parameters of a network that adapt to a task, and their inner learning rates."""

from typing import Any

import torch
from torch import Tensor, nn

from mlcli.train.model_protocols import samples

HEAD, RATES = "head.", "inner_rate"
Rates = dict[str, Tensor | float]


def adapted_names(model: nn.Module, head_only: bool) -> list[str]:
    """The parameters that inner steps change: all that are not frozen, or those of the head.

    Raises ValueError if there are none.
    """
    own = [name for name, each in model.named_parameters() if each.requires_grad and not name.startswith(RATES)]
    chosen = [name for name in own if name.startswith(HEAD)] if head_only else own
    if not chosen:
        what = "head: use task.method=maml, or" if head_only else "parameters: use"
        raise ValueError(f"the model has no trainable {what} another model")
    return chosen


def add_rates(model: nn.Module, names: list[str], rate: float) -> None:
    """Adds an inner learning rate for every number of these parameters, itself a parameter (Meta-SGD)."""
    parameters = dict(model.named_parameters())
    rates = {_key(name): nn.Parameter(torch.full_like(parameters[name], rate)) for name in names}
    model.add_module(RATES, nn.ParameterDict(rates))


def learnt_rates(model: Any, names: list[str]) -> Rates:
    """The current values of the rates that `add_rates` has added."""
    rates = getattr(model, RATES)
    return {name: rates[_key(name)] for name in names}


def initial_weights(model: nn.Module) -> dict[str, Tensor]:
    """All parameters but the inner learning rates."""
    return {name: each for name, each in model.named_parameters() if not name.startswith(RATES)}


def require_adaptable(model: nn.Module) -> None:
    """Raises ValueError for layers that cannot be batched over tasks, or differentiated twice."""
    for layer in model.modules():
        if isinstance(layer, nn.modules.batchnorm._NormBase):
            raise ValueError(
                "batch normalisation mixes the statistics of all tasks in its running means: use "
                "model.norm=layer_norm, or none"
            )
        if (isinstance(layer, nn.Dropout) and layer.p) or samples(layer):
            raise ValueError("inner steps do not support dropout or noise: use model.dropout=0")
        if isinstance(layer, nn.RNNBase):
            raise ValueError("recurrent layers cannot be differentiated twice for many tasks: use model=mlp|cnn")


def _key(name: str) -> str:
    """The name without dots, which a parameter's own name must not contain."""
    return name.replace(".", "/")
