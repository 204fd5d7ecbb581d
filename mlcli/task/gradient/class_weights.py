"""Class weights of a loss. Shapes: N training examples, C classes."""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from mlcli.loading.loader import Loader

ClassWeights = Literal["balanced"] | Sequence[float] | Callable[[list[int]], Sequence[float]] | None


def class_weight_tensor(spec: ClassWeights, loader: Loader, classes: int) -> Tensor | None:
    """A weight for each of C classes, on the loader's device; None for no weights.

    "balanced" is N / (C · count of the class), as in scikit-learn, where N counts the training targets without those
    of -1, which are missing. A function takes the number of training examples of each class. Raises ValueError for
    anything that is neither "balanced" nor C numbers ≥ 0, and for whatever the function raises.
    """
    if spec is None:
        return None
    targets = loader.all_targets("train")
    known = targets[targets >= 0]
    if callable(spec):
        spec = _from_counts(spec, known.bincount(minlength=classes).tolist())
    if spec == "balanced":
        return len(known) / (classes * known.bincount(minlength=classes).clamp(min=1).float())
    if isinstance(spec, str) or len(spec) != classes or min(spec) < 0:
        raise ValueError(f"trainer.class_weights={spec}: use balanced, or {classes} numbers ≥ 0 in brackets")
    return torch.tensor(spec, dtype=torch.float32, device=loader.device)


def _from_counts(function: Callable[[list[int]], Sequence[float]], counts: list[int]) -> list[float]:
    try:
        return [float(weight) for weight in function(counts)]
    except Exception as error:  # the function of a user
        line = (str(error).strip().splitlines() or [""])[0]
        raise ValueError(f"trainer.class_weights: {type(error).__name__}: {line}") from error
