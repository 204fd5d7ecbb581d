"""Columns of texts: which they are, their counts and components against scikit-learn, and what these depend on."""

import random
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from threadpoolctl import threadpool_limits

from mlcli.data.table import table
from mlcli.loading.dataset import DataSet, Examples
from mlcli.loading.make_dataset import make_dataset, restored
from mlcli.loading.subset import keep_classes
from mlcli.loading.table import texts
from mlcli.loading.table.preprocessing import TablePreprocessing
from mlcli.loading.table.schema import Schema
from mlcli.loading.table.texts import BUCKETS, count_n_grams, fit_components
from mlcli.loading.table.types import Rules, type_column

csv = partial(table, "csv")
WORDS = "a box of green paper arrived with two large lamps and many small books about old towns"


def sentences(count: int, seed: int = 0) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS.split(), k=9)) for _ in range(count)]


def counted(values: list[str | None]) -> csr_array:
    return count_n_grams(pa.chunked_array([pa.array(values, pa.string())]))


@pytest.mark.parametrize("text", ["I'm", "Große  Häuser,\tan old one!", "a", "日本語 の本", "😀 İ", " \u00a0x y "])
def test_n_grams_are_those_of_scikit_learn(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "BUCKETS", 1 << 20)  # else two n-grams may share one
    split = CountVectorizer(analyzer="char_wb", ngram_range=(3, 4)).build_analyzer()
    wanted = Counter(split(text))
    assert sorted(counted([text, "other"])[[0]].data.tolist()) == sorted(wanted.values())


def test_equal_n_grams_share_a_bucket_and_rows_are_apart() -> None:
    rows = counted(["abc", None, "", "xabc abcx", "ABC abc", *["abc"] * texts.ROWS])
    first, empty, nothing, inner, twice = (rows[[place]].todense()[0] for place in range(5))
    assert first.sum() == 3 + 2 and empty.sum() == nothing.sum() == 0  # " ab", "abc", "bc " and " abc", "abc "
    assert (twice == 2 * first).all() and (inner > 0).sum() > (first * inner > 0).sum() > 0
    assert (rows[[-1]].todense()[0] == first).all() and rows.shape == (5 + texts.ROWS, BUCKETS)
    assert rows.dtype == np.float32 and rows.indices.dtype == np.int32


def test_components_are_those_of_scikit_learn() -> None:
    counts = counted([*sentences(300), None])
    fitted = fit_components(counts, np.arange(301))
    weights = TfidfTransformer(sublinear_tf=True).fit_transform(counts.astype(np.float64))
    wanted = TruncatedSVD(30, random_state=0).fit(weights).transform(weights)
    wanted /= np.sqrt(wanted.var(0).sum())
    np.testing.assert_allclose(fitted(counts).numpy(), wanted, atol=1e-5)
    assert fitted(counts)[-1].count_nonzero() == 0


def test_a_row_has_the_same_components_in_any_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = counted([str(text) for text in sentences(50)])
    fitted = fit_components(counts, np.arange(50))
    whole = fitted(counts)
    monkeypatch.setattr(texts, "BATCH", 7)
    assert torch.equal(fitted(counts), whole) and torch.equal(fitted(counts[[49]]), whole[49:])
    assert fitted(counts[:0]).shape == (0, 30)


@pytest.mark.parametrize("values", [[None] * 6, ["same text"] * 6, ["one", "two words", None], ["alone"]])
def test_fewer_texts_than_components(values: list[str | None]) -> None:
    fitted = fit_components(counted(values), np.arange(len(values)))
    found = fitted(counted([*values, "a new text"]))
    assert found.isfinite().all()
    assert (found.count_nonzero(1) <= len(set(values) - {None})).all()


def test_at_most_so_many_rows_are_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = counted(sentences(90))
    monkeypatch.setattr(texts, "MOST_ROWS", 45)
    few = fit_components(counts, np.arange(90))
    chosen = np.round(np.linspace(0, 89, 45)).astype(int)
    assert torch.equal(few.idf, fit_components(counts[chosen], np.arange(45)).idf)


def test_components_are_the_same_on_any_number_of_threads() -> None:
    counts = counted(sentences(2000))
    fitted = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            fitted.append(fit_components(counts, np.arange(2000)).components)
    assert torch.equal(*fitted)


def written(folder: Path, reviews: list[str], name: str = "t.csv") -> str:
    """A table whose last third is the test split."""
    parts = ["train"] * (len(reviews) * 2 // 3) + ["test"] * (len(reviews) - len(reviews) * 2 // 3)
    rows = [
        f"{place % 5},{text},{part},{'abc'[place % 3]}"
        for place, (text, part) in enumerate(zip(reviews, parts, strict=True))
    ]
    path = folder / name
    path.write_text("\n".join(["n,review,part,y", *rows]) + "\n")
    return str(path)


def made(path: str, **settings: int) -> DataSet:
    return make_dataset(csv(path, "y", split_column="part"), **{"val": 0.2, "test": 0.2, "seed": 0} | settings)


def test_components_are_fitted_on_the_training_split_only(tmp_path: Path) -> None:
    reviews = sentences(90)
    first = made(written(tmp_path, reviews))
    changed = made(written(tmp_path, reviews[:60] + sentences(30, seed=9)))
    buffers = [each.preprocessing.state_dict() for each in (first, changed)]
    assert all(torch.equal(own, buffers[1][name]) for name, own in buffers[0].items())
    assert torch.equal(first.examples.inputs[:60], changed.examples.inputs[:60])
    assert not torch.equal(first.examples.inputs[60:], changed.examples.inputs[60:])
    other = made(written(tmp_path, sentences(30, seed=9) + reviews[30:]))
    assert not torch.equal(buffers[0]["texts.0.idf"], other.preprocessing.state_dict()["texts.0.idf"])


def test_the_digest_is_that_of_the_texts_and_not_of_the_split(tmp_path: Path) -> None:
    reviews = sentences(90)
    path = written(tmp_path, reviews)
    first, second = made(path), made(path, seed=1)
    assert first.features[:2] == ("n", "review:text1") and first.shape == (31,)
    assert not torch.equal(first.examples.inputs, second.examples.inputs)
    assert first.digest == second.digest == csv(path, "y", split_column="part").digest
    reviews[70] += " new"
    assert made(written(tmp_path, reviews)).digest != first.digest


def test_the_digest_of_a_table_without_texts_is_as_before(tmp_path: Path) -> None:
    rows = [
        f"{i % 7},{'uvw'[i % 3]},{'yes' if i % 2 else 'no'},2024-01-{i % 28 + 1:02},{'ab'[i % 2]}" for i in range(40)
    ]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["n,c,b,d,y", *rows]) + "\n")
    assert csv(str(path), "y").digest == "de6e167d76097f84"  # before texts were inputs


def test_classes_that_are_kept_keep_their_texts(tmp_path: Path) -> None:
    examples = csv(written(tmp_path, sentences(90)), "y", split_column="part")
    few = keep_classes(examples, ["a", "c"])
    assert (few.texts[0] != examples.texts[0][[i for i in range(90) if i % 3 != 1]]).nnz == 0


def test_rows_in_order_of_time_keep_their_texts(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    reviews = sentences(40)
    path.write_text("t,review,y\n" + "".join(f"{-i},{text},{i % 2}\n" for i, text in enumerate(reviews)))
    found = csv(str(path), "y", time="t")
    assert (found.texts[0] != counted(list(reversed(reviews)))).nnz == 0


def test_it_is_restored_from_its_buffers(tmp_path: Path) -> None:
    data = made(written(tmp_path, sentences(90)))
    schema = Schema.from_json(data.examples.schema.to_json()) if data.examples.schema else None
    again = restored(data.preprocessing.state_dict(), replace(data.examples, schema=schema))
    assert isinstance(again, TablePreprocessing) and schema == data.examples.schema
    filled = again.filled(data.examples.inputs, data.examples.texts)
    assert torch.equal(filled, data.examples.inputs) and torch.equal(again(filled), data.preprocessing(filled))


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("idf", torch.ones(5)),
        ("idf", torch.zeros(BUCKETS)),
        ("idf", torch.full((BUCKETS,), float("inf"))),
        ("idf", torch.ones(BUCKETS).double()),
        ("components", torch.zeros(BUCKETS, 29)),
        ("components", torch.full((BUCKETS, 30), float("nan"))),
        ("components", None),
    ],
)
def test_buffers_of_another_table_are_refused(tmp_path: Path, name: str, tensor: torch.Tensor | None) -> None:
    data = made(written(tmp_path, sentences(90)))
    buffers = {key: own for key, own in data.preprocessing.state_dict().items() if key != f"texts.0.{name}"}
    with pytest.raises(ValueError, match="not of this table" if tensor is not None else "lacks texts.0.components"):
        restored(buffers | ({} if tensor is None else {f"texts.0.{name}": tensor}), data.examples)


def test_counts_of_no_column_are_refused() -> None:
    more = counted(["a", "b"])
    examples = Examples("own", "vector", torch.ones(2, 1), torch.tensor([0, 1]), ("a", "b"), texts=(more,))
    with pytest.raises(ValueError, match="data=own: each column of texts, and nothing else, has counts"):
        make_dataset(examples, val=0, test=0, seed=0)


NAMES = [f"{color} {what} {size}" for color in ("Red", "Blue") for what in ("chair", "lamp") for size in range(30)]
COLUMNS = {
    "reviews": (sentences(100), "text", ""),
    "short reviews": ([f"{text[:12]} {place % 83}" for place, text in enumerate(sentences(100))], "text", ""),
    "addresses": ([f"{place} Main Street, {place % 9 + 1}2345 Town" for place in range(200)], "text", ""),
    "names of products": (NAMES * 3, "category", ""),
    "a category of many levels": ([f"level {place % 18_210}" for place in range(60_000)], "category", ""),
    "letters": ([f"Dear customer, thank you for your letter {i % 30} of the third" for i in range(90)], "text", ""),
    "ids": ([f"r{place:x}" for place in range(100)], "text", "id"),
    "ids that repeat": ([f"r{place % 95:x}" for place in range(100)], "text", "id"),
    "addresses of mail": ([f"a{place}@b.org" for place in range(100)], "text", "id"),
    "texts without spaces": ([f"箱は{chr(0x4E00 + place)}日に届いた" for place in range(100)], "text", ""),
}  # fmt: skip


@pytest.mark.parametrize(("values", "kind", "format"), COLUMNS.values(), ids=COLUMNS)
def test_which_columns_are_texts(values: list[str], kind: str, format: str) -> None:
    column, note = type_column("c", pa.chunked_array([values]), Rules({}))
    assert (column.kind, column.format) == (kind, format)
    assert ("of 18,210 levels the 254 most frequent have codes" in note) == (len(column.levels) == 18_210)


@pytest.mark.parametrize("values", [["1", "2", "1"], ["r1", "r2", "r3"], ["yes", "no", None], ["2024-01-01"] * 3])
def test_any_column_is_text_if_the_user_says_so(values: list[str | None]) -> None:
    chunked = pa.chunked_array([pa.array(values, pa.string())])
    column, _ = type_column("c", chunked, Rules({"c": "text"}))
    assert column.kind == "text" and len(column.features) == 30
    encoded = Schema((column,)).encode(pa.table({"c": chunked}))
    assert encoded.texts[0].sum() > 0 and encoded.values.isnan().all() and encoded.values.shape == (3, 30)
    assert encoded.missing == ({"c": 1} if None in values else {})


def test_numbers_of_a_typed_file_as_texts() -> None:
    column, _ = type_column("c", pa.chunked_array([[10, 200, 3000]]), Rules({"c": "text"}))
    encoded = Schema((column,)).encode(pa.table({"c": [10, 200, None]}))
    assert (encoded.texts[0] != counted(["10", "200", None])).nnz == 0


@pytest.mark.parametrize("kind", ["category", "ignored"])
def test_a_text_is_what_the_user_says(kind: str) -> None:
    column, _ = type_column("c", pa.chunked_array([sentences(100)]), Rules({"c": kind}))
    assert column.kind == kind and len(column.features) == (kind == "category")


def test_ids_are_left_out_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,review,y\n" + "".join(f"r{i},{text},{i % 2}\n" for i, text in enumerate(sentences(60))))
    found = csv(str(path), "y")
    assert found.notes == ("column id (ids: every row has its own text) is left out",)
    assert found.features == tuple(f"review:text{place}" for place in range(1, 31))
