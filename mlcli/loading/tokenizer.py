"""Text to tokens and back: words, terms, characters or bytes, each with its index in the vocabulary."""

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Literal

import torch
from torch import Tensor

Tokenizer = Literal["words", "terms", "characters", "bytes"]
PADDING, UNKNOWN = "<pad>", "<unk>"  # of indices 0 and 1
TEXT = "text"  # name of the column with texts in a table
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]|_")  # a word with apostrophes, or a punctuation mark
TERM = re.compile(r"\b\w\w+\b")  # as of scikit-learn's vectorizers
PATTERNS = {"words": WORD, "terms": TERM}


def tokenize(text: str, tokenizer: str, most: int | None = None) -> list[str]:
    """The first `most` tokens. words: lower case, each punctuation mark a token of its own. terms: lower case, only
    words of two or more letters or digits. characters: unchanged. bytes: of UTF-8, each as the character with that
    code."""
    if tokenizer in PATTERNS:
        return [found.group() for found in islice(PATTERNS[tokenizer].finditer(text.lower()), most)]
    if tokenizer == "characters":
        return list(text[:most])
    return list(text[:most].encode()[:most].decode("latin-1"))


def build_vocabulary(texts: Iterable[str], tokenizer: str, length: int | None = None) -> tuple[str, ...]:
    """All tokens of these texts, sorted, after padding and unknown. For bytes always all 256. `Vocabulary` chooses
    those that a network gets by the training split.

    length: maximum number of tokens per text.
    """
    if tokenizer == "bytes":
        return PADDING, UNKNOWN, *map(chr, range(256))
    return PADDING, UNKNOWN, *sorted({token for text in texts for token in tokenize(text, tokenizer, length)})


def encode(texts: Sequence[str], tokenizer: str, vocabulary: Sequence[str], length: int) -> Tensor:
    """N texts → N × length indices (int64): the first `length` tokens of each, padded with 0.

    Raises ValueError for an unknown token if the vocabulary has no UNKNOWN.
    """
    index = {token: place for place, token in enumerate(vocabulary)}
    unknown = index.get(UNKNOWN)
    encoded = torch.zeros(len(texts), length, dtype=torch.int64)
    for row, text in zip(encoded, texts, strict=True):
        tokens = tokenize(text, tokenizer, length)
        indices = [index.get(token, unknown) for token in tokens]
        if None in indices:
            raise ValueError(f"{tokens[indices.index(None)]!r} is not in the vocabulary of {len(index)} tokens.")
        row[: len(indices)] = torch.tensor(indices, dtype=torch.int64)
    return encoded


def decode(indices: Iterable[int], tokenizer: str, vocabulary: Sequence[str]) -> str:
    """Indices → text without padding. Words are in lower case and separated by spaces."""
    tokens = [vocabulary[index] for index in indices if index]
    if tokenizer in PATTERNS:
        return " ".join(tokens)
    text = "".join(tokens)
    return text.encode("latin-1", errors="replace").decode(errors="replace") if tokenizer == "bytes" else text
