"""Refuses batches of one example for batch normalisation, which has no variance to normalise a single vector by."""

import copy

import torch
from torch import nn

from mlcli.batch_sizes import batch_sizes
from mlcli.config.errors import ConfigError
from mlcli.config.settings import Settings
from mlcli.loading.loader import Loader
from mlcli.train.update import micro_batch_sizes

Norm = nn.modules.batchnorm._BatchNorm


def require_batches(model: nn.Module, loader: Loader, examples: int, trainer: Settings) -> None:
    """Raises ConfigError if a batch or micro-batch of the epoch would have one example and the network cannot be
    trained on it. (Normalisation of images can: its statistics are also over positions.)"""
    train = loader.indices["train"]
    if not len(train) or not any(isinstance(module, Norm) for module in model.modules()):
        return
    if _smallest_part(examples, trainer.batch_size, trainer.accumulate) > 1:
        return
    inputs, _ = loader.at(train[:1])
    try:
        with torch.no_grad():
            copy.deepcopy(model).train()(inputs)
    except ValueError as error:
        settings = f"trainer.batch_size={trainer.batch_size} trainer.accumulate={trainer.accumulate}"
        cause = "a training split of one example" if examples == 1 else settings
        raise ConfigError(
            f"batch normalisation cannot be trained on batches of one example, which result from {cause}; use "
            "larger batches, or another model.norm"
        ) from error


def _smallest_part(examples: int, batch_size: int, accumulate: int) -> int:
    batches = set(batch_sizes(examples, batch_size))
    return min(min(micro_batch_sizes(size, accumulate, batch_size)) for size in batches)
