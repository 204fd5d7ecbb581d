"""Copies of the best weights of the trials that train side by side."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mlcli.train.protocols import Trials


class BestWeights:
    """A copy of the best weights of each trial, in one tensor per parameter with a row per trial: copying many rows
    at once costs little more than copying one."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.tensors: dict[str, Tensor] = {}

    def keep(self, trials: Trials, live: list[int], rows: list[int], progress: Sequence[Any]) -> None:
        """Copies the current weights of the trials in these rows, and gives each Progress a view of its own."""
        if not rows:
            return
        weights = {name: tensor.detach() for name, tensor in trials.weights().items()}
        for name, tensor in weights.items():
            known = self.tensors.get(name)
            if known is None or known.shape[1:] != tensor.shape[1:]:  # a single trial may add weights (estimators)
                self.tensors[name] = tensor.new_empty((self.count, *tensor.shape[1:]))
            if len(rows) == self.count:
                self.tensors[name].copy_(tensor)
            else:
                at = torch.tensor([live[row] for row in rows], device=tensor.device)
                self.tensors[name][at] = tensor[torch.tensor(rows, device=tensor.device)]
        for row in rows:
            progress[live[row]].best_weights = {name: tensor[live[row]] for name, tensor in self.tensors.items()}
