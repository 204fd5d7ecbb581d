"""What takes the place of a gradient update for a model that is fitted: scikit-learn's estimators, or one that does
its own steps."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

Examples = tuple[Tensor, Tensor, Tensor | None]  # inputs, targets, and a weight for each


class EstimatorUpdate:
    """Called like an Update, with a loss function and a batch: the model's own `fit`. Returns the loss that it gives,
    else that after it.

    The model's state is all the state there is.
    """

    settings: dict[str, float] = {}  # noqa: RUF012  # nothing to tell beside the loss

    def __init__(self, model: nn.Module) -> None:
        self.model: Any = model
        self.fit_arguments: Callable[..., Examples] | None = None  # the task's

    @torch.no_grad()
    def __call__(self, loss_of: Callable[..., Tensor], *batch: Tensor) -> Tensor:
        assert self.fit_arguments is not None
        inputs, targets, weights = self.fit_arguments(*batch)
        given = () if weights is None else (weights,)
        loss: Tensor | None = self.model.fit(inputs, targets, *given)
        return loss_of(*batch) if loss is None else loss

    def averaged(self) -> AbstractContextManager[None]:
        return nullcontext()

    def observe(self, score: float) -> None:
        """No schedule reacts to it."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """There is none."""
