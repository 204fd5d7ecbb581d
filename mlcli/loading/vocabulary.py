"""The vocabulary of a network that reads texts: tokens of the training split, fitted to it and saved with the run.

Shapes: B texts, T tokens of a text, R tokens of the vocabulary of the data set.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mlcli.loading.dataset import Examples
from mlcli.loading.preprocessing import Preprocessing
from mlcli.loading.tokenizer import PADDING, UNKNOWN


class Vocabulary(Preprocessing):
    """Indices of the vocabulary of the data set, which has the tokens of all texts → indices of a vocabulary of
    `size` tokens, B × T both: padding 0, unknown 1, then the known tokens by decreasing frequency.

    The size does not depend on the split. If the training split has fewer tokens, the last indices are not used.
    """

    index: Tensor  # R, int64: the new index of each token
    size: Tensor  # int64

    def __init__(self, index: Tensor, size: Tensor, tokens: int) -> None:
        """tokens: R. Raises ValueError for buffers of another vocabulary."""
        super().__init__()
        if index.dtype != torch.int64 or index.shape != (tokens,) or size.dtype != torch.int64 or size.shape != ():
            raise ValueError(f"the vocabulary is not of this data set, which has {tokens:,} tokens")
        if not 2 <= size <= tokens or not ((index >= 0) & (index < size)).all() or index[0] != 0:
            raise ValueError("the vocabulary has indices beyond its size")
        self.register_buffer("index", index)
        self.register_buffer("size", size)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.index[inputs]

    def names(self, raw: Sequence[str]) -> tuple[str, ...]:
        names = [PADDING] + [UNKNOWN] * (int(self.size) - 1)
        for name, place in zip(raw, self.index.tolist(), strict=True):
            if place > 1:
                names[place] = name
        return tuple(names)


def fit(inputs: Tensor, normalise: bool, *, tokens: int, most: int | None, least: int) -> Vocabulary:
    """Fits it to the texts of the training split, N × T: the most frequent tokens, which occur at least `least`
    times; those that are equally frequent in their order. normalise: not used.

    tokens: R; most: maximum size of the vocabulary, with padding and unknown.
    """
    size = tokens if most is None else min(most, tokens)
    counts = torch.bincount(inputs.flatten(), minlength=tokens)
    counts[:2] = 0
    order = torch.argsort(-counts, stable=True)
    known = order[counts[order] >= max(least, 1)][: size - 2]
    index = torch.ones(tokens, dtype=torch.int64)
    index[0] = 0
    index[known] = torch.arange(2, len(known) + 2)
    return Vocabulary(index, torch.tensor(size), tokens)


def with_vocabulary(examples: Examples, vocabulary: Sequence[str]) -> Examples:
    """The same texts as indices of another vocabulary, that of a stored run; tokens that it lacks become unknown.
    Raises ValueError if it does not begin with padding and the unknown token."""
    if tuple(vocabulary[:2]) != (PADDING, UNKNOWN):
        raise ValueError(f"the vocabulary of the run does not begin with {PADDING} and {UNKNOWN}")
    place = {name: index for index, name in enumerate(vocabulary)}
    index = torch.tensor([place.get(name, 1) for name in examples.vocabulary])
    targets = examples.targets
    if examples.has_next_tokens:
        targets = torch.where(targets < 0, targets, index[targets.clamp(min=0)])
    return replace(examples, inputs=index[examples.inputs], targets=targets, vocabulary=tuple(vocabulary))
