"""Examples for text classification."""

from collections.abc import Sequence
from typing import Any

import torch

from mlcli.loading.dataset import Examples
from mlcli.loading.tokenizer import Tokenizer, build_vocabulary, encode


def text_examples(
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    tokenizer: Tokenizer,
    length: int,
    vocabulary: int | None = None,
    **described: Any,
) -> Examples:
    """N texts as tokens N × `length`, with a vocabulary of at most `vocabulary` tokens.

    The vocabulary is built before the split, from all texts but no labels. This leaks nothing about the classes of
    the test split: a word that occurs there only keeps its random initial embedding. Words must occur twice, so that
    most rare words become <unk>, whose embedding is trained.
    """
    least = 2 if tokenizer == "words" else 1
    tokens = build_vocabulary(texts, tokenizer, length=length, most=vocabulary, least=least)
    classes = sorted(set(labels))
    return Examples(
        kind="tokens",
        inputs=encode(texts, tokenizer, tokens, length),
        targets=torch.tensor([classes.index(label) for label in labels]),
        classes=tuple(classes),
        vocabulary=tokens,
        tokenizer=tokenizer,
        padded=True,  # a text to predict may be shorter than `length` even if none here is
        **described,
    )
