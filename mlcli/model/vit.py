"""Vision transformer (Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", arXiv 2010.11929).

Shapes: B batch, N patches, D = d_model numbers a patch.
"""

import torch
from torch import Tensor, nn

from mlcli.model.layers import Count, Probability
from mlcli.model.transformer_layers import Block
from mlcli.traits import ModelTraits


class ViT(nn.Module):
    """A transformer encoder of `layers` blocks on a class token and the square patches of an image.

    The linear head takes the output at the class token. Dropout is on the embedded patches and on residual branches.
    Raises ValueError where the image cannot be divided into such patches, or d_model is not a multiple of heads.
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
        # With stride = kernel size, a convolution is one linear map of each patch.
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
        states = self._embed(inputs)
        for block in self.blocks:
            states = block(states)
        logits: Tensor = self.head(self.norm(states[:, 0]))
        return logits

    def attention(self, inputs: Tensor) -> Tensor:
        """Attention weights B × layers × heads × N + 1 × N + 1, from each query patch (fourth axis) to each key patch
        (fifth). The class token is the first; patches follow row by row."""
        states, weights = self._embed(inputs), []
        for block in self.blocks:
            assert isinstance(block, Block)
            weights.append(block.attention(states))
            states = block(states)
        return torch.stack(weights, 1)

    def _embed(self, inputs: Tensor) -> Tensor:
        """The class token and the embedded patches with their positions, B × N + 1 × D."""
        patches_BND = self.patches(inputs).flatten(2).mT
        states = torch.cat([self.token.expand(len(inputs), 1, -1), patches_BND], 1) + self.positions
        dropped: Tensor = self.dropout(states)
        return dropped


def _check(height: int, width: int, patch: int) -> None:
    if height % patch or width % patch:
        fitting = [str(n) for n in range(1, min(height, width) + 1) if height % n == 0 and width % n == 0]
        raise ValueError(
            f"model.patch={patch}: images of {height}×{width} pixels cannot be divided into patches of "
            f"{patch}×{patch}; use model.patch={'|'.join(fitting)}."
        )
