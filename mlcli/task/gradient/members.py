"""The loss of an ensemble: the mean of its members' losses. Shapes: B batch, K members, C outputs."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mlcli.train.model_protocols import Ensemble

Loss = Callable[[Tensor, Tensor], Tensor]


def training_outputs(model: nn.Module, inputs: Tensor) -> Tensor:
    """What a task's loss is of: the outputs of a model, B × C, or of the members of an ensemble, B × K × C."""
    outputs: Tensor = model.members(inputs) if isinstance(model, Ensemble) else model(inputs)
    return outputs


def mean_loss(loss: Loss, outputs: Tensor, targets: Tensor) -> Tensor:
    """The loss of outputs B × C, or the mean of the members' losses of outputs B × K × C.

    loss: any function of outputs and targets, called once for each member.
    """
    if outputs.ndim == 2:
        return loss(outputs, targets)
    return torch.stack([loss(own, targets) for own in outputs.unbind(1)]).mean()


def as_examples(outputs: Tensor, targets: Tensor, rows: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor | None]:
    """Outputs B × K × C as (B · K) × C with the targets and weights of rows repeated, for losses that are means over
    examples; others unchanged."""
    if outputs.ndim == 2:
        return outputs, targets, rows
    targets, *more = (
        each.unsqueeze(1).expand(outputs.shape[:2]).flatten() for each in (targets, rows) if each is not None
    )
    return outputs.flatten(0, 1), targets, more[0] if more else None
