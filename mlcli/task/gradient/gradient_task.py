"""What the tasks that train one network by gradient share."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.train.modes import evaluating
from mlcli.train.update import Update

ClassWeights = Literal["balanced"] | Sequence[float] | None


@torch.inference_mode()
def forward_split(model: nn.Module, loader: Loader, split: str) -> tuple[Tensor, Tensor]:
    """Outputs and targets of a whole split, N × outputs and N, or N × T × outputs and N × T. The model comes back in
    the mode it was in."""
    with evaluating(model):
        outputs, targets = zip(*((model(inputs), target) for inputs, target in loader.split(split)), strict=True)
    return torch.cat(outputs), torch.cat(targets)


def require_one_answer(data: DataSet) -> None:
    """Raises ValueError with the task to choose for data without one answer for each example."""
    targets = data.examples.targets
    if data.kind == "vector" and data.examples.world is not None:
        raise ValueError(f"data={data.name} is an environment to act in: use task=dqn, or other data.")
    if targets.ndim == 1:
        return
    if targets.is_floating_point():
        raise ValueError(
            f"data={data.name} has any number of labels an example: use task=multi_label, or other data."
        )
    task = "sequence_labelling" if data.classes else "language_model"
    raise ValueError(f"data={data.name} has an answer for each step: use task={task}, or other data.")


def weights_of_classes(spec: ClassWeights, loader: Loader, classes: int) -> Tensor | None:
    """One weight a class, on the loader's device. balanced: N / (C · count of the class), as scikit-learn has it, for
    the N targets of train without those of -1, which are no answer. Raises ValueError for what is neither that nor
    C numbers."""
    if spec is None:
        return None
    if spec == "balanced":
        targets = loader.all_targets("train")
        answered = targets[targets >= 0]
        return len(answered) / (classes * answered.bincount(minlength=classes).clamp(min=1).float())
    if isinstance(spec, str) or len(spec) != classes or min(spec) < 0:
        raise ValueError(f"trainer.class_weights={spec}: use balanced, or {classes} numbers ≥ 0 in brackets.")
    return torch.tensor(spec, dtype=torch.float32, device=loader.device)


def state_of(model: nn.Module, update: Update) -> dict[str, Any]:
    """Weights and optimizer; batches follow from seed and epoch and need no state."""
    return {"model": model.state_dict(), "update": update.state_dict()}


def restore(model: nn.Module, update: Update, state: dict[str, Any]) -> None:
    model.load_state_dict(state["model"])
    if "update" in state:
        update.load_state_dict(state["update"])
