"""Synthetic documents with any number of topics: which words a document counts depends on all of its topics."""

from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples

SHARPNESS = 1.5  # standard deviation of a topic's log-odds of its words: 0 would make all topics alike


def multi_label_toy(
    examples: Annotated[int, Range(10)] = 1000,
    words: Annotated[int, Range(1)] = 30,
    labels: Annotated[int, Range(2)] = 5,
    mean_labels: Annotated[float, Range(0, low_open=True)] = 2.0,
    length: Annotated[float, Range(0, low_open=True)] = 50.0,
    seed: int = 0,
) -> Examples:
    """Counts of `words` words in documents of Poisson-many words, `length` on average.

    A document has each of the labels with probability mean_labels / labels, and draws its words from the mean of its
    labels' distributions; one without labels draws every word alike. Much as scikit-learn's
    make_multilabel_classification does.
    """
    generator = torch.Generator().manual_seed(seed)
    share = min(mean_labels / labels, 1.0)
    targets_NL = torch.rand(examples, labels, generator=generator).lt(share).float()
    topics_LW = (SHARPNESS * torch.randn(labels, words, generator=generator)).softmax(1)
    rates_NW = targets_NL @ topics_LW / targets_NL.sum(1, keepdim=True).clamp(min=1)
    rates_NW[targets_NL.sum(1) == 0] = 1 / words
    return Examples(
        name="multi_label_toy",
        kind="vector",
        inputs=torch.poisson(rates_NW * length, generator=generator),
        targets=targets_NL,
        classes=tuple(f"topic {i + 1}" for i in range(labels)),
        features=tuple(f"word {i + 1}" for i in range(words)),
        target="topics",
        source=f"synthetic, seed {seed}",
    )
