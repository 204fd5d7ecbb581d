"""The counterpart of `Update` for models with a `fit` of their own, such as scikit-learn's estimators."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

Examples = tuple[Tensor, Tensor, Tensor | None]  # inputs, targets, and a weight for each


class EstimatorUpdate:
    """Called like an `Update`, with a loss function and a batch, it calls the model's `fit`. Returns the loss that
    `fit` returns, or else the loss after it. It has no state besides the model's."""

    settings: dict[str, float] = {}  # noqa: RUF012  # nothing is logged besides the loss

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
        """Ignored: there is no learning-rate schedule."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """There is no state."""
