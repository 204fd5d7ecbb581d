"""What networks read of texts is fitted to the training split: held-out texts change nothing of it."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from mlcli.config.compose import shipped_conf
from mlcli.config.locate import locate
from mlcli.data import bbc_news as bbc_module
from mlcli.data import bbc_vectors as vectors_module
from mlcli.data.bbc_news import bbc_news
from mlcli.data.bbc_vectors import bbc_vectors
from mlcli.data.characters import characters
from mlcli.data.movie_reviews import movie_reviews
from mlcli.loading.dataset import DataSet, Examples
from mlcli.loading.make_dataset import make_dataset, restored
from mlcli.loading.text_examples import text_examples
from mlcli.loading.tokenizer import PADDING, UNKNOWN
from mlcli.loading.vocabulary import with_vocabulary
from tests.loading.test_text_examples import archive

NEW = "zebra zebra quagga zebra ÿ"  # nowhere in the training split


DATA = Path(__file__).parents[2] / "mlcli" / "data"
TEXTS = sorted(file.stem for file in DATA.glob("*.py") if "tokenizer=" in file.read_text())


def split_of(examples: Examples, **more: object) -> DataSet:
    return make_dataset(examples, val=0.2, test=0.2, seed=0, **more)  # type: ignore[arg-type]


def held_out(data: DataSet) -> torch.Tensor:
    return torch.cat([data.splits["val"], data.splits["test"]])


@pytest.mark.parametrize("option", TEXTS)
def test_held_out_texts_change_no_fitted_buffer(option: str) -> None:
    settings = yaml.safe_load((shipped_conf() / "data" / f"{option}.yaml").read_text())
    function = locate(settings.pop("_target_"))
    try:
        examples = function(**settings)
    except ValueError as error:
        pytest.skip(str(error))
    data = split_of(examples)
    generator = torch.Generator().manual_seed(0)
    other = examples.inputs.clone()
    rows = held_out(data)
    other[rows] = torch.randint(1, len(examples.vocabulary), other[rows].shape, generator=generator)
    fitted, again = (each.preprocessing.state_dict() for each in (data, split_of(replace(examples, inputs=other))))
    assert fitted.keys() == again.keys() and all(torch.equal(fitted[name], again[name]) for name in fitted)


def sentences(count: int = 80) -> list[str]:
    chance = random.Random(0)
    words = [f"{a}{b}" for a in "bdfgk" for b in ("al", "en", "ot", "us")]
    return [" ".join(chance.choices(words, range(1, 21), k=12)) + f" no{n}" for n in range(count)]


Make = Callable[[list[str], Path, pytest.MonkeyPatch], Examples]


def news(texts: list[str], folder: Path, patch: pytest.MonkeyPatch) -> Examples:
    patch.setattr(bbc_module, "read", lambda: {text: "ab"[n % 2] for n, text in enumerate(texts)})
    return bbc_news(length=12, words=15)


def vectors(texts: list[str], folder: Path, patch: pytest.MonkeyPatch) -> Examples:
    patch.setattr(vectors_module, "read", lambda: {text: "ab"[n % 2] for n, text in enumerate(texts)})
    return bbc_vectors(words=15)


def reviews(texts: list[str], folder: Path, patch: pytest.MonkeyPatch) -> Examples:
    lines = [f"{n}\t{(-1) ** n}\t{text}" for n, text in enumerate(texts)]
    return movie_reviews(length=12, words=15, path=str(archive(folder / "v.zip", lines)))


def names(texts: list[str], folder: Path, patch: pytest.MonkeyPatch) -> Examples:
    labels = ["ab"[n % 2] for n in range(len(texts))]
    return text_examples(texts, labels, tokenizer="characters", length=40, name="names", target="t")


@pytest.mark.parametrize("make", [news, vectors, reviews, names])
def test_words_of_the_test_split_alone_are_unknown_to_the_network(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = sentences()
    data = split_of(make(texts, tmp_path, monkeypatch))
    changed = list(texts)
    for row in held_out(data).tolist():
        changed[row] = f"{NEW} {row}"
    other = split_of(make(changed, tmp_path, monkeypatch))
    assert set(other.vocabulary) - set(data.vocabulary)  # raw indices have them
    assert other.tokens[: len(data.tokens)] == data.tokens[: len(other.tokens)]
    assert other.prepared_features == data.prepared_features
    train = data.splits["train"]
    mine, theirs = (each.preprocessing(each.examples.inputs[train]) for each in (data, other))
    assert torch.equal(mine, theirs)
    unseen = other.preprocessing(other.encode(["zebra" if make is not names else "ÿ"]))
    if make is vectors:
        zero = -other.standardise.mean / other.standardise.std
        assert torch.equal(unseen[0], zero)
    else:
        assert unseen[0].tolist() == [1] + [0] * (len(unseen[0]) - 1)
        assert {*other.tokens[2:]}.isdisjoint(["zebra", "quagga", "ÿ", "z"])


def test_known_words_are_the_most_frequent_ones_of_the_training_split() -> None:
    data = split_of(text_examples(["b a b", "c b a"] * 10, ["x", "y"] * 10, tokenizer="words", length=3, name="made"))
    assert data.tokens == (PADDING, UNKNOWN, "b", "a", "c")
    two = text_examples(["b a b", "c b a"] * 10, ["x", "y"] * 10, tokenizer="words", length=3, vocabulary=4, name="m")
    few = split_of(two)
    assert few.tokens == (PADDING, UNKNOWN, "b", "a")
    assert few.preprocessing(few.encode(["c b"])).tolist() == [[1, 2, 0]]
    assert split_of(two, own_vocabulary=True).tokens == (PADDING, UNKNOWN, "a", "b", "c")


def test_the_number_of_tokens_is_that_of_every_split_and_unused_ones_are_unknown() -> None:
    texts = [f"w{n} w{n} same" for n in range(40)]
    examples = text_examples(texts, ["x", "y"] * 20, tokenizer="words", length=3, vocabulary=36, name="made")
    splits = [make_dataset(examples, val=0.2, test=0.2, seed=seed) for seed in range(3)]
    assert [len(each.tokens) for each in splits] == [36] * 3 and len({each.tokens for each in splits}) == 3
    assert splits[0].tokens[-9:] == (UNKNOWN,) * 9  # 24 texts have 25 words


def test_bytes_are_a_fixed_alphabet() -> None:
    data = split_of(text_examples(["ab", "cd"] * 10, ["x", "y"] * 10, tokenizer="bytes", length=3, name="made"))
    assert data.tokens == data.vocabulary and len(data.tokens) == 258
    assert torch.equal(data.preprocessing(data.examples.inputs), data.examples.inputs)


def test_characters_of_the_end_alone_are_unknown_as_inputs_and_targets(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("to be or not to be; " * 60 + "ÿ" * 60)
    data = split_of(characters(path=str(tmp_path / "text"), length=10))
    assert "ÿ" in data.vocabulary and "ÿ" not in data.tokens and len(data.tokens) == len(data.vocabulary)
    last = data.splits["test"][-1]
    assert data.preprocessing(data.examples.inputs[last]).tolist() == [1] * 10
    assert data.targets[last].tolist() == [1] * 10
    first = data.preprocessing(data.examples.inputs)
    assert torch.equal(first[:, 1:], data.targets[:, :-1])
    assert "".join(data.tokens[i] for i in first[0]) == "to be or n"


def test_what_is_restored_is_what_was_fitted_and_of_these_texts_alone() -> None:
    examples = text_examples(["b a b", "c b a"] * 10, ["x", "y"] * 10, tokenizer="words", length=3, name="made")
    buffers = split_of(examples).preprocessing.state_dict()
    again = restored(buffers, examples).state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in buffers.items())
    for name, wrong in [
        ("index", buffers["index"][:-1]),
        ("index", buffers["index"].float()),
        ("index", buffers["index"] + 1),
        ("index", buffers["index"] - 1),
        ("size", torch.tensor(3)),
        ("size", torch.tensor(99)),
        ("size", torch.ones(1, dtype=torch.int64)),
    ]:
        with pytest.raises(ValueError, match="vocabulary"):
            restored(buffers | {name: wrong}, examples)


def test_texts_with_the_vocabulary_of_another_run() -> None:
    examples = text_examples(["b a b", "c b a"] * 5, ["x", "y"] * 5, tokenizer="words", length=3, name="made")
    other = with_vocabulary(examples, (PADDING, UNKNOWN, "b", "z", "a"))
    assert other.inputs[:2].tolist() == [[2, 4, 2], [1, 2, 4]]
    with pytest.raises(ValueError, match="does not begin with <pad> and <unk>"):
        with_vocabulary(examples, ("b", "a"))
