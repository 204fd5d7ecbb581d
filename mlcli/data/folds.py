"""The parts of a cross-validation, each of which is the test split once.

Indices are positions in what there is to divide, N of them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def dealt(strata: Sequence[Tensor], folds: int, fold: int, generator: torch.Generator) -> Tensor:
    """The test examples of a fold, where examples are dealt out like cards, class after class: every fold has its
    share of each class, and its size within one example."""
    shuffled = torch.cat([own[torch.randperm(len(own), generator=generator)] for own in strata])
    return shuffled[fold::folds]


def whole_groups(group_of: Tensor, folds: int, fold: int, generator: torch.Generator) -> Tensor:
    """The test examples of a fold that groups are given to as a whole, the largest first, always to the fold that is
    the smallest by then; equally large ones come by chance. As scikit-learn's GroupKFold does it.

    group_of: N indices. Raises ValueError for more folds than groups.
    """
    groups, sizes = torch.unique(group_of, return_counts=True)
    if folds > len(groups):
        raise ValueError(f"split.folds={folds}: there are {len(groups)} groups; type fewer folds.")
    order = torch.randperm(len(groups), generator=generator)
    order = order[sizes[order].sort(descending=True, stable=True).indices]
    held = [0] * folds
    own = []
    for place in order.tolist():
        smallest = held.index(min(held))
        held[smallest] += int(sizes[place])
        if smallest == fold:
            own.append(place)
    return torch.isin(group_of, groups[own]).nonzero().squeeze(1)


def forward(count: int, folds: int, fold: int) -> tuple[Tensor, Tensor]:
    """What is known by then, and the test examples of a fold, of `count` examples in the order of time: the first
    part is only trained on, and each of the `folds` equal parts after it is tested on what came before. As
    scikit-learn's TimeSeriesSplit does it, so the training splits grow from fold to fold."""
    size = count // (folds + 1)
    start = count - (folds - fold) * size
    return torch.arange(start), torch.arange(start, start + size)
