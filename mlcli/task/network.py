"""What the tasks that train one network by gradient share."""

from typing import Any

import torch
from torch import Tensor, nn

from mlcli.data.loader import Loader
from mlcli.train.step import Update


@torch.inference_mode()
def forward_split(model: nn.Module, loader: Loader, split: str) -> tuple[Tensor, Tensor]:
    """Outputs and targets of a whole split, N × outputs and N. The model comes back in the mode it was in."""
    was_training = model.training
    model.eval()
    outputs, targets = zip(*((model(inputs), target) for inputs, target in loader.split(split)), strict=True)
    model.train(was_training)
    return torch.cat(outputs), torch.cat(targets)


def state_of(model: nn.Module, update: Update) -> dict[str, Any]:
    """Weights and optimizer; batches follow from seed and epoch and need no state."""
    return {"model": model.state_dict(), "update": update.state_dict()}


def restore(model: nn.Module, update: Update, state: dict[str, Any]) -> None:
    model.load_state_dict(state["model"])
    if "update" in state:
        update.load_state_dict(state["update"])
