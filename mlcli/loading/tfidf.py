"""TF-IDF vectors of texts: word frequencies weighted by inverse document frequency, fitted to the training split.

Shapes: B texts, N texts of the training split, T tokens of a text, R tokens of the vocabulary of the data set, W
words that the vectors count.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mlcli.loading.preprocessing import Standardise
from mlcli.loading.statistics import statistics


class TfIdf(Standardise):
    """Tokens B × T → standardised TF-IDF vectors B × W. A word that occurs n times in a text counts (1 + ln n) · idf,
    and vectors are scaled to length 1 before they are standardised (Manning et al. 2008, Introduction to Information
    Retrieval, section 6.4.1); that of a text without any of the words is 0.
    """

    column: Tensor  # R, int64: the column of each token, W for those that are not counted
    idf: Tensor  # W, float32

    def __init__(self, column: Tensor, idf: Tensor, mean: Tensor, std: Tensor, tokens: int) -> None:
        """tokens: R. Raises ValueError for buffers of other texts."""
        super().__init__(mean, std)
        if column.dtype != torch.int64 or column.shape != (tokens,) or idf.ndim != 1 or mean.shape != idf.shape:
            raise ValueError(f"the words of the vectors are not of this data set, which has {tokens:,} tokens")
        if not ((column >= 0) & (column <= len(idf))).all() or column[0] != len(idf):
            raise ValueError("the words of the vectors have columns beyond their number")
        self.register_buffer("column", column)
        self.register_buffer("idf", idf)

    def kind(self, raw: str) -> str:
        return "vector"

    def shape(self, raw: tuple[int, ...]) -> tuple[int, ...]:
        return (len(self.idf),)

    def names(self, raw: Sequence[str]) -> tuple[str, ...]:
        names = [f"unused {column}" for column in range(len(self.idf) + 1)]
        for name, column in zip(raw, self.column.tolist(), strict=True):
            names[column] = name
        return tuple(names[:-1])

    def values(self, inputs: Tensor) -> Tensor:
        """B × T → vectors of length 1, B × W."""
        counts = word_counts(self.column[inputs], len(self.idf))
        weighted = torch.where(counts > 0, 1 + counts.clamp(min=1).log(), 0.0) * self.idf
        return F.normalize(weighted)


def word_counts(columns: Tensor, words: int) -> Tensor:
    """Columns of words B × T → how often each occurs, B × W, float32. Column W is not counted."""
    counts = torch.zeros(len(columns), words + 1, device=columns.device)
    return counts.scatter_add(1, columns, torch.ones_like(columns, dtype=counts.dtype))[:, :-1]


def fit(inputs: Tensor, normalise: bool, *, vocabulary: Sequence[str], words: int) -> TfIdf:
    """Fits it to the texts of the training split, N × T: the most frequent `words` words without English stop words,
    in their order, with idf = ln((1 + N) / (1 + n)) + 1 for a word of n texts. normalise: whether the vectors are
    standardised.

    The number of columns does not depend on the split: if the training split has fewer words, the last are 0.
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    is_word = torch.tensor([place > 1 and name not in ENGLISH_STOP_WORDS for place, name in enumerate(vocabulary)])
    width = min(words, int(is_word.sum()))
    counts = torch.bincount(inputs.flatten(), minlength=len(vocabulary)) * is_word
    order = torch.argsort(-counts, stable=True)
    chosen = order[counts[order] > 0][:width].sort().values
    column = torch.full((len(vocabulary),), width)
    column[chosen] = torch.arange(len(chosen))
    texts = (word_counts(column[inputs], width) > 0).sum(0)
    idf = ((1 + len(inputs)) / (1 + texts.double())).log() + 1
    zero, one = torch.zeros(width), torch.ones(width)
    fitted = TfIdf(column, idf.float(), zero, one, len(vocabulary))
    if normalise:
        fitted.mean, fitted.std = statistics(fitted.values(inputs), "vector")
    return fitted
