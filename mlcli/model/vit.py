"""Vision transformer (Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", arXiv 2010.11929).

Shapes: B batch, N patches, D = d_model numbers a patch.
"""

import torch
from torch import Tensor, nn

from mlcli.model.layers import Count, Probability
from mlcli.model.transformer_layers import Block
from mlcli.traits import ModelTraits


class ViT(nn.Module):
    """An image as a sequence of square patches, behind a class token, through `layers` of a transformer encoder.

    The linear head reads what has become of the token. Dropout is on the embedded patches and on what each part of
    a layer adds. Raises ValueError where the image cannot be cut into such patches, or heads cannot share d_model.
    """

    traits = ModelTraits(accepts=("image",))

    def __init__(
        self,
        input_shape: tuple[int, ...],
        outputs: int,
        *,
        patch: Count = 4,
        d_model: Count = 64,
        heads: Count = 4,
        layers: Count = 4,
        feed_forward: Count = 2,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        channels, height, width = input_shape
        _check(height, width, patch)
        # A kernel that moves by its own size is one linear map of each patch.
        self.patches = nn.Conv2d(channels, d_model, patch, stride=patch)
        self.token = nn.Parameter(torch.zeros(1, 1, d_model))
        count = (height // patch) * (width // patch)
        self.positions = nn.Parameter(0.02 * torch.randn(1, count + 1, d_model))
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            Block(d_model, heads, feed_forward * d_model, dropout=dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × channels × height × width → B × outputs."""
        states = self._begin(inputs)
        for block in self.blocks:
            states = block(states)
        logits: Tensor = self.head(self.norm(states[:, 0]))
        return logits

    def attention(self, inputs: Tensor) -> Tensor:
        """The weights B × layers × heads × N + 1 × N + 1: how much each patch (fourth) takes from each (fifth), row
        by row of the image; the class token is the first."""
        states, seen = self._begin(inputs), []
        for block in self.blocks:
            assert isinstance(block, Block)
            seen.append(block.attention(states))
            states = block(states)
        return torch.stack(seen, 1)

    def _begin(self, inputs: Tensor) -> Tensor:
        """The class token and the embedded patches with their positions, B × N + 1 × D."""
        patches_BND = self.patches(inputs).flatten(2).mT
        states = torch.cat([self.token.expand(len(inputs), 1, -1), patches_BND], 1) + self.positions
        dropped: Tensor = self.dropout(states)
        return dropped


def _check(height: int, width: int, patch: int) -> None:
    if height % patch or width % patch:
        fitting = [str(n) for n in range(1, min(height, width) + 1) if height % n == 0 and width % n == 0]
        raise ValueError(
            f"model.patch={patch}: images of {height}×{width} pixels cannot be cut into squares of {patch}×{patch}; "
            f"use model.patch={'|'.join(fitting)}."
        )
