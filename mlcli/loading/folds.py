"""The parts of a cross-validation, each of which is the test split once.

Indices are positions in what there is to divide, N of them.
"""

import numpy as np
import torch
from torch import Tensor


def stratified_fold(label_of: Tensor | None, count: int, folds: int, fold: int, seed: int) -> Tensor:
    """The test examples of a fold, drawn at random: every fold has its size within one example and, of N labels, its
    share of each within one. The same folds as scikit-learn draws with random_state=seed, number for number:
    StratifiedKFold where there are labels, else KFold, both with shuffle=True.
    """
    random = np.random.RandomState(seed)  # whose numbers NumPy has promised to keep
    if label_of is None:
        order = np.arange(count)
        random.shuffle(order)
        return torch.from_numpy(np.array_split(order, folds)[fold])
    labels = label_of.numpy()
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    appearance = np.argsort(np.argsort(first))[inverse]  # labels are numbered as they come
    # Sorted labels are dealt out like cards, which says how many of each a fold gets; which ones is drawn.
    hands = [np.bincount(np.sort(appearance)[start::folds], minlength=len(first)) for start in range(folds)]
    fold_of = np.empty(count, dtype=np.int64)
    for label in range(len(first)):
        own = np.arange(folds).repeat([hand[label] for hand in hands])
        random.shuffle(own)
        fold_of[appearance == label] = own
    return torch.from_numpy((fold_of == fold).nonzero()[0])


def group_fold(group_of: Tensor, folds: int, fold: int, generator: torch.Generator) -> Tensor:
    """The test examples of a fold that groups are given to as a whole, the largest first, always to the fold that is
    the smallest by then; equally large ones come by chance. As scikit-learn's GroupKFold does it.

    group_of: N indices. Raises ValueError for more folds than groups.
    """
    groups, sizes = torch.unique(group_of, return_counts=True)
    if folds > len(groups):
        raise ValueError(f"split.folds={folds}: there are {len(groups)} groups; use fewer folds.")
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


def forward_fold(count: int, folds: int, fold: int) -> tuple[Tensor, Tensor]:
    """What is known by then, and the test examples of a fold, of `count` examples in the order of time: the first
    part is only trained on, and each of the `folds` equal parts after it is tested on what came before. As
    scikit-learn's TimeSeriesSplit does it, so the training splits grow from fold to fold."""
    size = count // (folds + 1)
    start = count - (folds - fold) * size
    return torch.arange(start), torch.arange(start, start + size)
