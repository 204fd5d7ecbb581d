"""From texts with a class each to examples of tokens."""

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
    """Examples of N texts: the first `length` tokens, out of a vocabulary of so many.

    The vocabulary is built before the split, from all texts but from no label. That a word of the test split has an
    index says nothing of its class; a word that train lacks keeps the random embedding it began with. So that
    test-only words stay few, a word must occur twice: most that occur once become <unk>, which train then knows too.
    """
    least = 2 if tokenizer == "words" else 1
    learnt = build_vocabulary(texts, tokenizer, length=length, most=vocabulary, least=least)
    classes = sorted(set(labels))
    return Examples(
        kind="tokens",
        inputs=encode(texts, tokenizer, learnt, length),
        targets=torch.tensor([classes.index(label) for label in labels]),
        classes=tuple(classes),
        vocabulary=learnt,
        tokenizer=tokenizer,
        padded=True,  # even if no text here is shorter than `length`: one that is predicted may be
        **described,
    )
