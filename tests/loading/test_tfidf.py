"""TF-IDF vectors: those of scikit-learn, fitted to the training texts."""

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from mlcli.data.bbc_news import read
from mlcli.data.bbc_vectors import bbc_vectors
from mlcli.loading.dataset import DataSet
from mlcli.loading.make_dataset import make_dataset, restored

WORDS = 300


@pytest.fixture(scope="module")
def data() -> DataSet:
    try:
        return make_dataset(bbc_vectors(words=WORDS), val=0.2, test=0.2, seed=0)
    except ValueError as error:
        pytest.skip(str(error))


def texts_of(data: DataSet, split: str) -> list[str]:
    texts = list(read())
    return [texts[row] for row in data.splits[split].tolist()]


def test_words_are_the_most_frequent_ones_of_the_training_texts(data: DataSet) -> None:
    counter = CountVectorizer(stop_words="english")
    counts = np.asarray(counter.fit_transform(texts_of(data, "train")).sum(0))[0]
    count = dict(zip(counter.get_feature_names_out(), counts, strict=True))
    own = data.prepared_features
    assert len(own) == WORDS and list(own) == sorted(own)
    assert min(count.pop(word) for word in own) >= max(count.values())


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_vectors_equal_those_of_scikit_learn(data: DataSet, split: str) -> None:
    theirs = TfidfVectorizer(vocabulary=data.prepared_features, sublinear_tf=True).fit(texts_of(data, "train"))
    expected = theirs.transform(texts_of(data, split)).toarray()
    values = data.standardise.values(data.examples.inputs[data.splits[split]])
    np.testing.assert_allclose(values.numpy(), expected, atol=1e-6)


def test_vectors_are_standardised_by_the_training_split(data: DataSet) -> None:
    vectors = data.preprocessing(data.examples.inputs[data.splits["train"]])
    torch.testing.assert_close(vectors.mean(0), torch.zeros(WORDS), atol=1e-5, rtol=0)
    torch.testing.assert_close(vectors.std(0, correction=0), torch.ones(WORDS), atol=1e-4, rtol=0)
    raw = make_dataset(data.examples, val=0.2, test=0.2, seed=0, normalise=False)
    lengths = raw.preprocessing(data.examples.inputs).norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones(len(data)), atol=1e-5, rtol=0)


def test_the_number_of_columns_is_that_of_every_split(data: DataSet) -> None:
    few = make_dataset(data.examples, val=0.2, test=0.2, seed=0, per_class=1)
    assert few.prepared_shape == (WORDS,) and len(few.prepared_features) == WORDS
    few = make_dataset(bbc_vectors(words=5000), val=0.2, test=0.2, seed=0, per_class=1)
    assert few.prepared_shape == (5000,) and len(set(few.prepared_features)) == 5000
    assert few.prepared_features[-1] == "unused 4999"
    assert few.preprocessing(few.examples.inputs)[:, -1].eq(0).all()


def test_buffers_of_other_texts_are_refused(data: DataSet) -> None:
    buffers = data.preprocessing.state_dict()
    again = restored(buffers, data.examples).state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in buffers.items())
    for name, wrong in [
        ("column", buffers["column"][1:]),
        ("column", buffers["column"] + 1),
        ("column", buffers["column"] - 1),
        ("idf", buffers["idf"][1:]),
    ]:
        with pytest.raises(ValueError, match="words of the vectors"):
            restored(buffers | {name: wrong}, data.examples)
