"""RealMLP: a multi-layer perceptron for tables with tuned defaults (Holzmüller et al. 2024, arXiv 2407.04491).

Numbers, scaled robustly and clipped smoothly before, enter by periodic embeddings, categories one-hot or by learnt
embeddings; a scaling layer learns which of these features matter. Linear layers have the NTK parametrisation, whose
weights are standard normal at first: W x / √inputs + b. Each unit has a share of its activation function. Parameters
learn at rates of their own. K independent networks, the members, are trained together as one computation and predict
the mean of their probabilities.

Shapes: B batch, K members, D numbers of a row, C codes of a row, F features, I inputs and O outputs of a layer.
"""

from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from mlcli.config.ranges import Range
from mlcli.model.layers import Count, Probability, dropout_of, named
from mlcli.model.table_layers import Categories, NTKLinear, Periodic, average
from mlcli.traits import ModelTraits

MOST_ONE_HOT = 9  # levels
CATEGORY_SIZE = 8  # of the embedding of a category with more levels
NUMBER_SIZE = 4  # of the periodic embedding of a number
REGRESSION_FACTOR = 5.0  # of the learning rate: 0.2 where it is 0.04 for classes


class ParametricActivation(nn.Module):
    """x + a · (f(x) − x) with a share a for each unit of each member, 1 at first."""

    def __init__(self, members: int, units: int, function: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.share = nn.Parameter(torch.ones(members, units))

    def forward(self, x_KBI: Tensor) -> Tensor:
        """K × B × I → the same."""
        return torch.lerp(x_KBI, self.function(x_KBI), self.share.unsqueeze(1))


class RealMLP(nn.Module):
    """`blocks` hidden layers of `width` units, each linear → activation → dropout, then a linear head.

    categories: of a table, the cardinalities (code 0 included) of the last columns of the inputs, which are codes.
    members: number of independent networks. activation: auto is SELU for classes and Mish for one number.
    frequencies, sigma: number and standard deviation of the frequencies of the periodic embedding of a number.
    """

    traits = ModelTraits(accepts=("table", "vector"))

    def __init__(
        self,
        input_shape: tuple[int, ...],
        outputs: int,
        categories: tuple[int, ...] = (),
        *,
        members: Count = 4,
        width: Count = 128,
        blocks: Count = 3,
        frequencies: Count = 16,
        sigma: Annotated[float, Range(0)] = 0.1,
        activation: Literal["auto", "selu", "mish"] = "auto",
        dropout: Probability = 0.15,
    ) -> None:
        super().__init__()
        self.size = input_shape[0] - len(categories)
        self.numbers = Periodic(members, self.size, frequencies, NUMBER_SIZE, sigma) if self.size else None
        self.categories = Categories(members, categories, CATEGORY_SIZE, MOST_ONE_HOT) if categories else None
        features = self.size * NUMBER_SIZE + (self.categories.features if self.categories else 0)
        self.scale = nn.Parameter(torch.ones(members, features))
        is_mish = activation == "mish" or (activation == "auto" and outputs == 1)
        self.blocks = nn.Sequential(
            *(
                named(
                    linear=NTKLinear(members, features if i == 0 else width, width),
                    activation=ParametricActivation(members, width, nn.Mish() if is_mish else nn.SELU()),
                    dropout=dropout_of(dropout),
                )
                for i in range(blocks)
            )
        )
        self.head = NTKLinear(members, width, outputs)
        own = {"scale": 6.0, "numbers.*": 0.1, "*.bias": 0.1, "*.share": 0.1, "*": 1.0}
        self.lr_scale = {name: factor * (REGRESSION_FACTOR if outputs == 1 else 1.0) for name, factor in own.items()}

    def members(self, inputs: Tensor) -> Tensor:
        """B × inputs → B × K × outputs."""
        parts = [] if self.numbers is None else [self.numbers(inputs[:, : self.size])]
        if self.categories is not None:
            parts.append(self.categories(inputs[:, self.size :]))
        features_KBF = torch.cat(parts, 2) * self.scale.unsqueeze(1)
        outputs_KBO: Tensor = self.head(self.blocks(features_KBF))
        return outputs_KBO.transpose(0, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × inputs → B × outputs."""
        return average(self.members(inputs))
