"""How models without trainable parameters are described when a run starts."""

import pytest
from torch import nn

from mlcli.model.kmeans import KMeans
from mlcli.model.pca import PCA
from mlcli.model.q_table import QTable
from mlcli.traits import model_traits


@pytest.mark.parametrize(
    ("model", "summary"),
    [
        (KMeans((4,), clusters=3), "3 centroids"),
        (PCA((64,), components=29), "29 principal components"),
        (QTable((1,), 4, 44), "44 states × 4 actions"),
    ],
)
def test_models_without_parameters_have_a_summary(model: nn.Module, summary: str) -> None:
    assert not list(model.parameters())
    assert model_traits(model).summary == summary
