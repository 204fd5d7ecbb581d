"""What the tasks that train one network by gradient share."""

from typing import Any

import torch
from torch import Tensor, nn

from mlcli.data.dataset import DataSet
from mlcli.data.loader import Loader
from mlcli.train.step import Update


@torch.inference_mode()
def forward_split(model: nn.Module, loader: Loader, split: str) -> tuple[Tensor, Tensor]:
    """Outputs and targets of a whole split, N × outputs and N, or N × T × outputs and N × T. The model comes back in
    the mode it was in."""
    was_training = model.training
    model.eval()
    outputs, targets = zip(*((model(inputs), target) for inputs, target in loader.split(split)), strict=True)
    model.train(was_training)
    return torch.cat(outputs), torch.cat(targets)


def require_one_answer(data: DataSet) -> None:
    """Raises ValueError with the task to choose for data that has several answers for each example."""
    targets = data.examples.targets
    if targets.ndim == 1:
        return
    if targets.is_floating_point():
        raise ValueError(
            f"data={data.name} has any number of labels an example: type task=multi_label, or other data."
        )
    task = "sequence_labelling" if data.classes else "language_model"
    raise ValueError(f"data={data.name} has an answer for each step: type task={task}, or other data.")


def state_of(model: nn.Module, update: Update) -> dict[str, Any]:
    """Weights and optimizer; batches follow from seed and epoch and need no state."""
    return {"model": model.state_dict(), "update": update.state_dict()}


def restore(model: nn.Module, update: Update, state: dict[str, Any]) -> None:
    model.load_state_dict(state["model"])
    if "update" in state:
        update.load_state_dict(state["update"])
