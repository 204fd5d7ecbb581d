"""Folds of a cross-validation; each is the test split once. Indices are positions among the N examples to divide."""

import numpy as np
import torch
from torch import Tensor


def stratified_fold(label_of: Tensor | None, count: int, folds: int, fold: int, seed: int) -> Tensor:
    """The test examples of a random fold, stratified by label if there are labels. Fold sizes, and the numbers of
    examples per label, differ by at most one between folds.

    Equal to the folds of scikit-learn with shuffle=True and random_state=seed: StratifiedKFold with labels, else
    KFold.
    """
    random = np.random.RandomState(seed)  # NumPy guarantees its stream not to change
    if label_of is None:
        order = np.arange(count)
        random.shuffle(order)
        return torch.from_numpy(np.array_split(order, folds)[fold])
    labels = label_of.numpy()
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    appearance = np.argsort(np.argsort(first))[inverse]  # numbers the labels by first appearance
    # Dealing out the sorted labels in turn gives the number of examples per label and fold; which ones is random.
    counts = [np.bincount(np.sort(appearance)[start::folds], minlength=len(first)) for start in range(folds)]
    fold_of = np.empty(count, dtype=np.int64)
    for label in range(len(first)):
        own = np.arange(folds).repeat([each[label] for each in counts])
        random.shuffle(own)
        fold_of[appearance == label] = own
    return torch.from_numpy((fold_of == fold).nonzero()[0])


def group_fold(group_of: Tensor, folds: int, fold: int, generator: torch.Generator) -> Tensor:
    """The test examples of a fold of whole groups. Groups are assigned in order of decreasing size, each to the fold
    that is smallest so far; the order of equally large groups is random. As in scikit-learn's GroupKFold.

    group_of: N group indices. Raises ValueError for more folds than groups.
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
    """Training and test examples of a fold of `count` examples in temporal order. Each of `folds` equal parts at the
    end is tested after training on everything before it, so training splits grow from fold to fold. As in
    scikit-learn's TimeSeriesSplit."""
    size = count // (folds + 1)
    start = count - (folds - fold) * size
    return torch.arange(start), torch.arange(start, start + size)
