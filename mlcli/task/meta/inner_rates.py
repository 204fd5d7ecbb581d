"""Which parameters of a network adapt to a task, at which inner rates, and which networks cannot."""

from typing import Any

import torch
from torch import Tensor, nn

from mlcli.train.model_protocols import Samples

HEAD, RATES = "head.", "inner_rate"
Rates = dict[str, Tensor | float]


def adapted_names(model: nn.Module, head_only: bool) -> list[str]:
    """The parameters that inner steps change: those that are not frozen, or of them the head's.

    Raises ValueError where there are none.
    """
    own = [name for name, each in model.named_parameters() if each.requires_grad and not name.startswith(RATES)]
    chosen = [name for name in own if name.startswith(HEAD)] if head_only else own
    if not chosen:
        what = "no head that learns: use task.method=maml" if head_only else "nothing that learns"
        raise ValueError(f"This model has {what}, or another model.")
    return chosen


def add_rates(model: nn.Module, names: list[str], rate: float) -> None:
    """Gives every number of these parameters an inner rate that is learnt and saved with the weights (Meta-SGD)."""
    parameters = dict(model.named_parameters())
    rates = {_key(name): nn.Parameter(torch.full_like(parameters[name], rate)) for name in names}
    model.add_module(RATES, nn.ParameterDict(rates))


def learnt_rates(model: Any, names: list[str]) -> Rates:
    """Those that `add_rates` has added, as they are now."""
    rates = getattr(model, RATES)
    return {name: rates[_key(name)] for name in names}


def initial_weights(model: nn.Module) -> dict[str, Tensor]:
    """All parameters but the inner rates."""
    return {name: each for name, each in model.named_parameters() if not name.startswith(RATES)}


def require_adaptable(model: nn.Module) -> None:
    """Raises ValueError for layers that do not run for many tasks with weights of their own at once."""
    for layer in model.modules():
        if isinstance(layer, nn.modules.batchnorm._NormBase):
            raise ValueError(
                "Batch normalisation would mix the statistics of all tasks in its running means: use "
                "model.norm=layer_norm, or none."
            )
        if (isinstance(layer, nn.Dropout) and layer.p) or isinstance(layer, Samples):
            raise ValueError("Inner steps take the network as it is, without dropout or noise: use model.dropout=0.")
        if isinstance(layer, nn.RNNBase):
            raise ValueError("Recurrent layers cannot be differentiated twice for many tasks: use model=mlp|cnn.")


def _key(name: str) -> str:
    """A name without dots, which no name of a single parameter may have."""
    return name.replace(".", "/")
