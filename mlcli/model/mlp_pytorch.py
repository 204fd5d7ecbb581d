"""A minimal multi-layer perceptron with its own training step in PyTorch, to compare with mlp_numpy and mlp_keras."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.model.layers import Count, named
from mlcli.model.mlp_numpy import LearningRate, require_classes
from mlcli.traits import ModelTraits


class MLPPyTorch(nn.Module):
    """`depth` hidden layers of `width` ReLU units and a linear head, trained by SGD with a constant learning rate.

    Weight names and initialisation are those of model=mlp with norm=none. Raises ValueError for a single output.
    """

    traits = ModelTraits(accepts=("vector",), fitted=True)

    def __init__(
        self,
        input_shape: tuple[int, ...],
        outputs: int,
        *,
        width: Count = 128,
        depth: Count = 2,
        lr: LearningRate = 0.1,
    ) -> None:
        super().__init__()
        require_classes(outputs)
        self.hidden, self.head = network(input_shape, outputs, width, depth)
        self.optimizer = torch.optim.SGD(self.parameters(), lr)

    def fit(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """One SGD step on B × D inputs and B class indices. Returns the loss before the step."""
        return sgd_step(self, self.optimizer, inputs, targets)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × D → B × C logits."""
        logits: Tensor = self.head(self.hidden(inputs))
        return logits


def network(input_shape: tuple[int, ...], outputs: int, width: int, depth: int) -> tuple[nn.Sequential, nn.Linear]:
    """The hidden layers, B × D → B × width, and the head, B × width → B × C logits."""
    layers = [nn.Linear(*sizes) for sizes in pairwise([*input_shape, *[width] * depth])]
    return nn.Sequential(*(named(linear=layer, activation=nn.ReLU()) for layer in layers)), nn.Linear(width, outputs)


@torch.enable_grad()
def sgd_step(model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor, targets: Tensor) -> Tensor:
    """One update by cross-entropy. Returns the loss before it."""
    loss = F.cross_entropy(model(inputs), targets)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach()
