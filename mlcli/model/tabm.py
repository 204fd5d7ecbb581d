"""TabM: an ensemble of K networks that share most of their weights (Gorishniy et al. 2025, arXiv 2410.24210).

Each layer has one weight matrix W for all members; member k scales its inputs by r_k and its outputs by s_k, and adds
a bias b_k of its own: ((x ∘ r_k) W) ∘ s_k + b_k (BatchEnsemble, Wen et al. 2020, arXiv 2002.06715). At first members
differ in the r of the first layer alone, which is ±1 at random, and in their heads. They learn from the mean of their
losses, and together predict the mean of their probabilities. Numbers enter by piecewise-linear embeddings.

Shapes: B batch, K members, D numbers of a row, C codes of a row, I inputs and O outputs of a layer.
"""

import torch
from torch import Tensor, nn

from mlcli.model.layers import ActivationName, Count, Probability, activation_of, dropout_of, named
from mlcli.model.table_layers import Categories, MemberLinear, PiecewiseLinear, average
from mlcli.traits import ModelTraits


class SharedLinear(nn.Module):
    """A linear layer whose weights K members share, with a scaling of inputs and outputs and a bias of their own."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=False)
        self.scale_in = nn.Parameter(torch.ones(members, inputs))
        self.scale_out = nn.Parameter(torch.ones(members, outputs))
        bound = inputs**-0.5
        self.bias = nn.Parameter(torch.empty(outputs).uniform_(-bound, bound).repeat(members, 1))

    def forward(self, x_KBI: Tensor) -> Tensor:
        """K × B × I, or 1 × B × I for equal inputs of all members → K × B × O."""
        y_KBO: Tensor = self.linear(x_KBI * self.scale_in.unsqueeze(1))
        return torch.addcmul(self.bias.unsqueeze(1), y_KBO, self.scale_out.unsqueeze(1))


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
        blocks: Count = 2,
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
            layers[0].scale_in.copy_(torch.randint(0, 2, (members, features)) * 2 - 1)
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
