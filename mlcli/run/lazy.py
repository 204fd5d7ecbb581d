"""Gives lazy modules (nn.LazyLinear, …) their shapes, before parameters are counted or an optimizer is built."""

from itertools import chain

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from mlcli.config.errors import ConfigError
from mlcli.loading.adapter import Adapter
from mlcli.loading.dataset import INDEX_KINDS


def materialise(model: nn.Module, adapter: Adapter) -> None:
    """Runs a lazy model on an example of zeros, or of the index 1, in evaluation mode. Its weights are initialised
    from torch's global generator, in the order of its forward. Other models stay as they are.

    Raises ConfigError if forward fails, or does not reach all lazy modules.
    """
    if not _lazy_names(model):
        return
    shape = (2, *adapter.shape)
    example = torch.ones(shape, dtype=torch.int64) if adapter.kind in INDEX_KINDS else torch.zeros(shape)
    name = type(model).__name__
    model.eval()
    try:
        with torch.no_grad():
            model(example)
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        where = " × ".join(map(str, shape))
        raise ConfigError(f"{name}: lazy modules need a forward on inputs {where}, which fails ({reason})") from error
    model.train()
    if left := _lazy_names(model):
        raise ConfigError(f"{name}: forward does not reach the lazy {', '.join(left)}; state their shapes")


def _lazy_names(model: nn.Module) -> list[str]:
    return [name for name, tensor in chain(model.named_parameters(), model.named_buffers()) if is_lazy(tensor)]
