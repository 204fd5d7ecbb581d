"""A model and optimizers of a user that do not suit a stack, for tests of sweeps."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class Masked(nn.Module):
    """Features as a sequence for nn.TransformerEncoder, with a padding mask that differs from example to example."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.embed = nn.Linear(1, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.head = nn.Linear(8, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        place = torch.arange(inputs.shape[1])
        padding = place > 1 + (inputs[:, :1] > 0)  # 2 or 3 of 4
        states = self.encoder(self.embed(inputs.unsqueeze(-1)), src_key_padding_mask=padding)
        logits: Tensor = self.head(states.mean(1))
        return logits


class NoBatchingRule(nn.Module):
    """Evaluation, and not training, uses an operation that torch.vmap rejects."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.head = nn.Linear(input_shape[0], outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.training and inputs.sum().item() > torch.inf:
            return inputs
        logits: Tensor = self.head(inputs)
        return logits


class Scaled(nn.Module):
    """A linear layer with a factor for each output."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.head = nn.Linear(input_shape[0], outputs)
        self.factors = nn.Parameter(torch.ones(outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.head(inputs) * self.factors
        return logits


class FailsLate(torch.optim.SGD):
    """Raises at a step of the training."""

    def __init__(self, params: Any, lr: float = 0.1, *, fails_at: int = 7) -> None:
        super().__init__(params, lr)
        self.fails_at, self.count = fails_at, 0

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        self.count += 1
        if self.count == self.fails_at:
            raise RuntimeError(f"step {self.count}\nof many")
        return super().step(closure)


class Exits(torch.optim.SGD):
    """Calls sys.exit in its first step."""

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        raise SystemExit(3)
