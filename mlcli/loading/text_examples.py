"""Examples for text classification."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch

from mlcli.loading.dataset import Examples
from mlcli.loading.tokenizer import Tokenizer, build_vocabulary, encode
from mlcli.loading.vocabulary import fit


def text_examples(
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    tokenizer: Tokenizer,
    length: int,
    vocabulary: int | None = None,
    **described: Any,
) -> Examples:
    """N texts as tokens N × `length`, from which networks get those of the training split, at most `vocabulary` with
    padding and unknown; all others are unknown.

    Words must occur twice in the training split, so that some of its words are unknown too and the embedding of <unk>
    is trained. Nothing is fitted for bytes, of which there are always 256.
    """
    tokens = build_vocabulary(texts, tokenizer, length)
    least = 2 if tokenizer == "words" else 1
    known = None if tokenizer == "bytes" else partial(fit, tokens=len(tokens), most=vocabulary, least=least)
    classes = sorted(set(labels))
    return Examples(
        kind="tokens",
        inputs=encode(texts, tokenizer, tokens, length),
        targets=torch.tensor([classes.index(label) for label in labels]),
        classes=tuple(classes),
        vocabulary=tokens,
        tokenizer=tokenizer,
        fit=known,
        padded=True,  # a text to predict may be shorter than `length` even if none here is
        **described,
    )
