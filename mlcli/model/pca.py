"""Principal components: the directions in which examples vary most, and what is left of an example that is told by
them alone.

Pearson (1901), "On lines and planes of closest fit to systems of points in space"; Hotelling (1933). Shapes: B
examples of D features, K components.
"""

import torch
from torch import Tensor, nn

from mlcli.model.layers import Count
from mlcli.traits import ModelTraits


class PCA(nn.Module):
    """Examples B × D through K numbers and back, by axes which task=reduction finds.

    Buffers: mean D; components K × D, orthonormal and the most important first; variances D, of the examples along
    all components as far as they are known; total, the variance of all features together.
    """

    traits = ModelTraits(accepts=("vector",), reconstructs=True, trained_by="reduction")

    def __init__(self, input_shape: tuple[int, ...], *, components: Count = 2) -> None:
        super().__init__()
        (features,) = input_shape
        if components > features:
            raise ValueError(f"model.components={components}: there are {features} features; use at most {features}.")
        self.mean: Tensor
        self.components: Tensor
        self.variances: Tensor
        self.total: Tensor
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("components", torch.zeros(components, features))
        self.register_buffer("variances", torch.zeros(features))
        self.register_buffer("total", torch.zeros(()))

    def encode(self, inputs: Tensor) -> Tensor:
        """B × D → B × K, uncorrelated over the examples that the axes were found for."""
        return (inputs - self.mean) @ self.components.T

    def forward(self, inputs: Tensor) -> Tensor:
        """B × D → B × D: the nearest points that K components can tell."""
        return self.mean + self.encode(inputs) @ self.components
