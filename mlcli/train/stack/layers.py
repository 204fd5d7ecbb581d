"""Adapts the layers of a network so that torch.vmap can run them for many trials at once. B batch, C channels."""

from functools import partial

import torch
from torch import Tensor, nn

from mlcli.cannot_stack import CannotStack
from mlcli.train.model_protocols import samples
from mlcli.train.stack.recurrent import has_forward_of, make_recurrent_stackable
from mlcli.train.stack.sampling import Sample, random


def make_stackable(model: nn.Module, sample: Sample) -> None:
    """Adapts a model in place. Modules that sample by an attribute `random` take the random numbers of each trial
    from `sample`; recurrent layers get a forward that torch.vmap can batch; batch norm becomes independent of the
    number of threads, bit for bit. A subclass with a forward of its own keeps it. Raises CannotStack."""
    for module in model.modules():
        if isinstance(module, torch.jit.ScriptModule):
            raise CannotStack("a part of the network is compiled by TorchScript")
        if isinstance(module, nn.Embedding | nn.EmbeddingBag) and module.sparse:
            raise CannotStack("the gradient of an embedding is sparse")
        if samples(module):
            module.random = partial(random, sample)
        elif isinstance(module, nn.BatchNorm1d) and has_forward_of(module, nn.BatchNorm1d):
            module.forward = partial(_batch_norm, module)  # type: ignore[method-assign]
    make_recurrent_stackable(model)


def _batch_norm(layer: nn.BatchNorm1d, inputs: Tensor) -> Tensor:
    """Batch norm of vectors B × C as of one sequence C × B. torch sums over vectors in as many parts as there are
    threads, but over the positions of a channel in one, so the result does not depend on the number of threads. It
    is contiguous, as alone: dropout samples in the order of the elements in memory."""
    if inputs.ndim == 3:
        return nn.BatchNorm1d.forward(layer, inputs)
    return nn.BatchNorm1d.forward(layer, inputs.T.unsqueeze(0)).squeeze(0).T.contiguous()
