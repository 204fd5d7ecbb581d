"""Buffers of a network that follow from the training rows, such as the bins of a piecewise-linear embedding."""

from torch import nn

from mlcli.loading.loader import Loader
from mlcli.run.transfer import Transfer
from mlcli.train.model_protocols import FitsInputs


def fit_inputs(model: nn.Module, loader: Loader | None, transferred: Transfer | None) -> None:
    """Sets them, unless they were loaded with the weights. Other networks stay as they are."""
    buffers = {name for name, _ in model.named_buffers()} & model.state_dict().keys()
    if isinstance(model, FitsInputs) and loader and not (transferred and buffers <= transferred.loaded):
        model.fit_inputs(loader.at(loader.indices["train"])[0])
