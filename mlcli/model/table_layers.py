"""Layers of networks for tables: embeddings of numbers and of categories, linear layers of many members, averages.

A network for tables is an ensemble: K members, computed together, of which each predicts for every row.

Shapes: B batch, K members, D numbers of a row, C codes of a row, T bins, H frequencies, E size of an embedding,
I inputs and O outputs of a layer. A name like x_KBI states the shape of a tensor.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SAMPLED = 100_000  # rows, at most, of which quantiles are computed


def average(outputs_BKO: Tensor) -> Tensor:
    """The outputs B × O of an ensemble from those of its members: for one output the mean, for more, which are
    logits, the logarithm of the mean probabilities."""
    if outputs_BKO.shape[2] == 1:
        return outputs_BKO.mean(1)
    return outputs_BKO.log_softmax(2).logsumexp(1) - math.log(outputs_BKO.shape[1])


class MemberLinear(nn.Module):
    """A linear layer for each of K members, with weights of its own."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = inputs**-0.5
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, outputs).uniform_(-bound, bound))

    def forward(self, x_KBI: Tensor) -> Tensor:
        """K × B × I → K × B × O."""
        return torch.baddbmm(self.bias.unsqueeze(1), x_KBI, self.weight)


class NTKLinear(MemberLinear):
    """A linear layer of K members in the NTK parametrisation (Jacot et al. 2018, arXiv 1806.07572)."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__(members, inputs, outputs)
        nn.init.normal_(self.weight)
        nn.init.normal_(self.bias)

    def forward(self, x_KBI: Tensor) -> Tensor:
        """K × B × I → K × B × O."""
        return super().forward(x_KBI * self.weight.shape[1] ** -0.5)


class SharedLinear(nn.Module):
    """A linear layer with one weight matrix W for K members, of which member k scales its inputs by r_k and its
    outputs by s_k and adds a bias b_k: ((x ∘ r_k) W) ∘ s_k + b_k (BatchEnsemble, Wen et al. 2020, arXiv 2002.06715).
    """

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = inputs**-0.5
        self.weight = nn.Parameter(torch.empty(inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(outputs).uniform_(-bound, bound).repeat(members, 1))
        self.scale_in = nn.Parameter(torch.ones(members, inputs))
        self.scale_out = nn.Parameter(torch.ones(members, outputs))

    def forward(self, x_KBI: Tensor) -> Tensor:
        """K × B × I, or 1 × B × I for equal inputs of all members → K × B × O."""
        # Scaling the weights is less work than scaling the inputs and outputs of a batch.
        weight_KIO = self.scale_in.unsqueeze(2) * self.weight * self.scale_out.unsqueeze(1)
        return torch.baddbmm(self.bias.unsqueeze(1), x_KBI.expand(len(self.bias), -1, -1), weight_KIO)


class PiecewiseLinear(nn.Module):
    """Piecewise-linear embeddings of numbers (Gorishniy et al. 2022, arXiv 2203.05556), with the linear part of
    Gorishniy et al. 2025 (arXiv 2410.24210): number x becomes w · x + b + Σ_t V_t · e_t(x), where e_t rises from 0 to
    1 within bin t. The first bin goes on below its left edge and the last one above its right edge. V begins at 0.

    edges: D × (T + 1), ascending, set by `fit` to quantiles. A number with fewer distinct values has fewer bins; the
    rest have no width, and e_t = 0.
    """

    def __init__(self, numbers: int, bins: int, size: int) -> None:
        super().__init__()
        self.edges: Tensor
        self.register_buffer("edges", torch.linspace(-2, 2, bins + 1).repeat(numbers, 1))
        self.weight = nn.Parameter(torch.empty(numbers, size).uniform_(-(size**-0.5), size**-0.5))
        self.bias = nn.Parameter(torch.empty(numbers, size).uniform_(-(size**-0.5), size**-0.5))
        self.bin_weight = nn.Parameter(torch.zeros(numbers, bins, size))

    @torch.no_grad()
    def fit(self, x_ND: Tensor) -> None:
        """Sets the edges to quantiles of these rows, without repetitions."""
        bins = self.edges.shape[1] - 1
        rows = x_ND[:: -(-len(x_ND) // SAMPLED)].double().cpu()
        shares = torch.linspace(0, 1, bins + 1, dtype=torch.float64)
        for column, edges in zip(rows.T, self.edges, strict=True):
            ordered = column.sort().values
            # As NumPy's quantiles: torch.quantile has a limit of 16 million numbers.
            place = shares * (len(ordered) - 1)
            low = place.long()
            high = (low + 1).clamp(max=len(ordered) - 1)
            quantiles = torch.unique_consecutive(torch.lerp(ordered[low], ordered[high], place - low).to(edges.dtype))
            edges[: len(quantiles)] = quantiles
            edges[len(quantiles) :] = quantiles[-1]

    def encode(self, x_BD: Tensor) -> Tensor:
        """e_t of each number: B × D → B × D × T."""
        left_DT, right_DT = self.edges[:, :-1], self.edges[:, 1:]
        width_DT = right_DT - left_DT
        has_width = width_DT > 0
        slope_DT = torch.where(has_width, 1 / torch.where(has_width, width_DT, 1), 0)
        is_last = has_width & (right_DT == self.edges[:, -1:])
        low_DT = torch.zeros_like(width_DT)
        low_DT = torch.where(torch.arange(width_DT.shape[1], device=width_DT.device) == 0, -math.inf, low_DT)
        high_DT = torch.where(is_last, math.inf, 1.0)
        return ((x_BD.unsqueeze(2) - left_DT) * slope_DT).clamp(low_DT, high_DT)

    def forward(self, x_BD: Tensor) -> Tensor:
        """B × D → B × D · E."""
        bins_DBE = self.encode(x_BD).transpose(0, 1) @ self.bin_weight
        linear_BDE = x_BD.unsqueeze(2) * self.weight + self.bias
        return (linear_BDE + bins_DBE.transpose(0, 1)).flatten(1)


class Periodic(nn.Module):
    """Periodic embeddings of numbers, for each member its own (PBLD in Holzmüller et al. 2024, arXiv 2407.04491):
    number x becomes x itself and E − 1 linear combinations of cos(2π · w_h · x + b_h), h = 1 … H."""

    def __init__(self, members: int, numbers: int, frequencies: int, size: int, sigma: float) -> None:
        """sigma: the standard deviation of the frequencies w."""
        super().__init__()
        shape = (members, numbers, frequencies)
        bound = frequencies**-0.5
        self.frequency = nn.Parameter(sigma * torch.randn(shape))
        self.phase = nn.Parameter(torch.empty(shape).uniform_(-math.pi, math.pi))
        self.weight = nn.Parameter(torch.empty(*shape, size - 1).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, numbers, size - 1).uniform_(-bound, bound))

    def forward(self, x_BD: Tensor) -> Tensor:
        """B × D → K × B × D · E."""
        x_DB1 = x_BD.T.unsqueeze(2)
        waves_KDBH = (2 * math.pi * x_DB1 * self.frequency.unsqueeze(2) + self.phase.unsqueeze(2)).cos()
        mixed_KDBE = waves_KDBH @ self.weight + self.bias.unsqueeze(2)
        plain_KDB1 = x_DB1.expand(len(mixed_KDBE), -1, -1, -1)
        return torch.cat([plain_KDB1, mixed_KDBE], 3).transpose(1, 2).flatten(2)


class Categories(nn.Module):
    """Codes of categories as vectors, for each member its own: one-hot up to a number of levels, learnt embeddings
    beyond. Code 0, missing or unseen, is all zeros where one-hot.

    cardinalities: of each code, code 0 included. most_one_hot: levels, without code 0. `features`: numbers that a row
    becomes.
    """

    def __init__(self, members: int, cardinalities: Sequence[int], size: int, most_one_hot: int) -> None:
        super().__init__()
        short = [place for place, count in enumerate(cardinalities) if count - 1 <= most_one_hot]
        long = [place for place, count in enumerate(cardinalities) if count - 1 > most_one_hot]
        pairs = [(place, level) for place in short for level in range(1, cardinalities[place])]
        starts = [sum(cardinalities[place] for place in long[:number]) for number in range(len(long))]
        self.features = len(pairs) + len(long) * size
        self.hot_place: Tensor
        self.hot_level: Tensor
        self.places: Tensor
        self.starts: Tensor
        indices = {"places": long, "starts": starts}
        indices |= {"hot_place": [place for place, _ in pairs], "hot_level": [level for _, level in pairs]}
        for name, values in indices.items():
            self.register_buffer(name, torch.tensor(values, dtype=torch.int64), persistent=False)
        # One table for all codes, each with its rows from `starts` on.
        rows = sum(cardinalities[place] for place in long)
        self.table = nn.Parameter(torch.randn(members, rows, size) * size**-0.5) if long else None
        self.members = members

    def forward(self, codes_BC: Tensor) -> Tensor:
        """B × C whole numbers of a floating-point type → K × B × `features` of this type."""
        whole_BC = codes_BC.long()
        hot_BF = whole_BC.index_select(1, self.hot_place) == self.hot_level
        hot_KBF = hot_BF.to(codes_BC.dtype).expand(self.members, -1, -1)
        if self.table is None:
            return hot_KBF
        rows_BC = whole_BC.index_select(1, self.places) + self.starts
        first_K11 = torch.arange(self.members, device=rows_BC.device).view(-1, 1, 1) * self.table.shape[1]
        return torch.cat([hot_KBF, F.embedding(rows_BC + first_K11, self.table.flatten(0, 1)).flatten(2)], 2)
