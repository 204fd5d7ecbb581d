"""K-means: as many centres as there should be clusters, each the mean of the examples that are nearest to it.

MacQueen (1967); Lloyd (1982), "Least squares quantization in PCM". Shapes: B examples of D features, K clusters.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from mlcli.model.layers import Count
from mlcli.precise import squared_distances
from mlcli.traits import ModelTraits


class KMeans(nn.Module):
    """Squared distances B × K to the centres, which task=clustering finds.

    clusters: K. init: how the search begins, with centres that are far apart (k-means++) or with any examples.
    starts: searches from different beginnings; the best is kept.
    """

    traits = ModelTraits(accepts=("vector",), trained_by="clustering", per_trial=("clusters",))

    def __init__(
        self,
        input_shape: tuple[int, ...],
        *,
        clusters: Count = 8,
        init: Literal["k-means++", "random"] = "k-means++",
        starts: Count = 10,
    ) -> None:
        super().__init__()
        self.clusters, self.init, self.starts = clusters, init, starts
        self.centroids: Tensor
        self.register_buffer("centroids", torch.zeros(clusters, input_shape[0]))

    def forward(self, inputs: Tensor) -> Tensor:
        return squared_distances(inputs, self.centroids)
