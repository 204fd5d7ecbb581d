"""TabM: an ensemble of K networks that share most of their weights (Gorishniy et al. 2025, arXiv 2410.24210).

Each layer has one weight matrix for all members, of which each scales the inputs and outputs and adds a bias. At
first members differ in the scaling of the first inputs alone, which is ±1 at random for each column, and in their
heads. They learn from the mean of their losses, and together predict the mean of their probabilities. Numbers enter
by piecewise-linear embeddings.

Shapes: B batch, K members.
"""

import torch
from torch import Tensor, nn

from mlcli.model.layers import ActivationName, Count, Probability, activation_of, dropout_of, named
from mlcli.model.table_layers import Categories, MemberLinear, PiecewiseLinear, SharedLinear, average
from mlcli.traits import ModelTraits


class TabM(nn.Module):
    """`blocks` hidden layers of `width` units, each shared linear → activation → dropout, then a head per member.

    categories: of a table, the cardinalities (code 0 included) of the last columns of the inputs, which are codes.
    bins, embedding: number of bins and size of the embedding of each number.
    """

    traits = ModelTraits(accepts=("table", "vector"))

    def __init__(
        self,
        input_shape: tuple[int, ...],
        outputs: int,
        categories: tuple[int, ...] = (),
        *,
        members: Count = 8,
        width: Count = 128,
        blocks: Count = 3,
        bins: Count = 48,
        embedding: Count = 16,
        activation: ActivationName = "relu",
        dropout: Probability = 0.1,
    ) -> None:
        super().__init__()
        self.size = input_shape[0] - len(categories)
        self.numbers = PiecewiseLinear(self.size, bins, embedding) if self.size else None
        self.categories = Categories(1, categories, embedding, most_one_hot=0) if categories else None
        features = input_shape[0] * embedding
        layers = [SharedLinear(members, features if i == 0 else width, width) for i in range(blocks)]
        with torch.no_grad():
            signs = torch.randint(0, 2, (members, input_shape[0])) * 2 - 1
            layers[0].scale_in.copy_(signs.repeat_interleave(embedding, 1))  # one for the embedding of each column
        self.blocks = nn.Sequential(
            *(
                named(linear=layer, activation=activation_of(activation), dropout=dropout_of(dropout))
                for layer in layers
            )
        )
        self.head = MemberLinear(members, width, outputs)

    def fit_inputs(self, inputs: Tensor) -> None:
        """Sets the bins of the embeddings to quantiles of the training rows, N × inputs."""
        if self.numbers is not None:
            self.numbers.fit(inputs[:, : self.size])

    def members(self, inputs: Tensor) -> Tensor:
        """B × inputs → B × K × outputs."""
        parts = [] if self.numbers is None else [self.numbers(inputs[:, : self.size])]
        if self.categories is not None:
            parts.append(self.categories(inputs[:, self.size :]).squeeze(0))
        outputs_KBO: Tensor = self.head(self.blocks(torch.cat(parts, 1).unsqueeze(0)))
        return outputs_KBO.transpose(0, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × inputs → B × outputs."""
        return average(self.members(inputs))
