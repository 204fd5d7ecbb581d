"""Synthetic documents for multi-label classification: word counts depend on all topics of a document."""

from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples

SHARPNESS = 1.5  # standard deviation of the logits of a topic's words; with 0 all topics are alike


def multi_label_toy(
    examples: Annotated[int, Range(10)] = 1000,
    words: Annotated[int, Range(1)] = 30,
    labels: Annotated[int, Range(2)] = 5,
    mean_labels: Annotated[float, Range(0, low_open=True)] = 2.0,
    length: Annotated[float, Range(0, low_open=True)] = 50.0,
    seed: int = 0,
) -> Examples:
    """Counts N × words; the length of a document has a Poisson distribution with mean `length`.

    A document has each label with probability mean_labels / labels. Its words are sampled from the mean of the word
    distributions of its labels, or uniformly if it has none. Similar to scikit-learn's
    make_multilabel_classification.
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
