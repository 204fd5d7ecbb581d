"""Principal component analysis: the directions of largest variance, and the projection onto them.

Pearson (1901), "On lines and planes of closest fit to systems of points in space"; Hotelling (1933). Shapes: B
examples of D features, K components.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from mlcli.model.layers import Count
from mlcli.traits import ModelTraits


class PCA(nn.Module):
    """Projects examples B × D onto K components and back. task=reduction computes the components.

    Buffers: mean D; components K × D, orthonormal, by decreasing variance; variances D, along all components that
    are known, then zeros; total, the sum of the variances of the features.
    """

    traits = ModelTraits(accepts=("vector",), reconstructs=True, trained_by="reduction")

    def __init__(self, input_shape: tuple[int, ...], *, components: Count = 2) -> None:
        super().__init__()
        (features,) = input_shape
        if components > features:
            raise ValueError(f"model.components={components}: there are {features} features; use at most {features}.")
        self.traits = replace(self.traits, summary=f"{components:,} principal components")
        self.mean: Tensor
        self.components: Tensor
        self.variances: Tensor
        self.total: Tensor
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("components", torch.zeros(components, features))
        self.register_buffer("variances", torch.zeros(features))
        self.register_buffer("total", torch.zeros(()))

    def encode(self, inputs: Tensor) -> Tensor:
        """B × D → B × K, uncorrelated on the training split."""
        return (inputs - self.mean) @ self.components.T

    def forward(self, inputs: Tensor) -> Tensor:
        """B × D → B × D: the nearest points in the space of the K components."""
        return self.mean + self.encode(inputs) @ self.components
