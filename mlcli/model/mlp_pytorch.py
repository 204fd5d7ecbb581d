"""A multi-layer perceptron that takes its own steps in PyTorch: what is left of model=mlp and its training without
all that can be added, to be laid beside mlp_numpy and mlp_keras."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.model.layers import Count, named
from mlcli.model.mlp_numpy import Rate, check_classes
from mlcli.traits import ModelTraits


class MLPPyTorch(nn.Module):
    """`depth` hidden layers of `width` ReLU units, then a linear one, trained by gradient descent of constant rate.

    Weights are named and begin as those of model=mlp with norm=none. Raises ValueError for a single output.
    """

    traits = ModelTraits(accepts=("vector",))

    def __init__(
        self, input_shape: tuple[int, ...], outputs: int, *, width: Count = 128, depth: Count = 2, lr: Rate = 0.1
    ) -> None:
        super().__init__()
        check_classes(outputs)
        self.hidden, self.head = network(input_shape, outputs, width, depth)
        self.optimizer = torch.optim.SGD(self.parameters(), lr)

    def fit(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """One step on B × D inputs and B class indices. Returns their loss before it."""
        return step(self, self.optimizer, inputs, targets)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × D → B × C logits."""
        logits: Tensor = self.head(self.hidden(inputs))
        return logits


def network(input_shape: tuple[int, ...], outputs: int, width: int, depth: int) -> tuple[nn.Sequential, nn.Linear]:
    """B × D → B × width, and from there to B × C logits."""
    layers = [nn.Linear(*sizes) for sizes in pairwise([*input_shape, *[width] * depth])]
    return nn.Sequential(*(named(linear=layer, activation=nn.ReLU()) for layer in layers)), nn.Linear(width, outputs)


@torch.enable_grad()
def step(model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor, targets: Tensor) -> Tensor:
    """One update. Returns the loss before it."""
    loss = F.cross_entropy(model(inputs), targets)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach()
