"""Runs on texts: prediction from text equals evaluation, runs from before vocabularies were fitted can be evaluated,
and embeddings follow their words to another vocabulary."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from mlcli.cli.training import main
from mlcli.config.errors import ConfigError
from mlcli.data import bbc_vectors as vectors_module
from mlcli.data import surnames as surnames_module
from mlcli.loading.dataset import Examples
from mlcli.loading.make_dataset import make_dataset
from mlcli.loading.text_examples import text_examples
from mlcli.loading.tokenizer import PADDING, UNKNOWN
from mlcli.loading.vocabulary import with_vocabulary
from mlcli.run.build import build
from mlcli.run.evaluate import evaluate_run
from mlcli.run.load import load_run, stored_config
from mlcli.serve.predictor import Predictor
from mlcli.store.folder import RunFolder
from tests.configs import run_config

QUICK = ["-q", "trainer.epochs=1", "tracking=none", "tracking.figures=false", "device=cpu"]
GRU = ["model=gru", "model.hidden_size=8", "model.embedding=8"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(*overrides: str) -> Path:
    main([*QUICK, *overrides])
    return max(Path("outputs/runs").iterdir(), key=lambda path: path.stat().st_mtime_ns)


def metrics(run: Path) -> dict[str, float]:
    return dict(json.loads((run / "result.json").read_text())["metrics"])


def assert_evaluated_alike(run: Path) -> None:
    stored = {name: value for name, value in metrics(run).items() if name.startswith("test/")}
    found = evaluate_run(str(run), Path("outputs"), [], "test", None)
    assert {name: found[name] for name in stored} == pytest.approx(stored, rel=1e-6)


@pytest.mark.parametrize(
    "overrides",
    [
        ["data=surnames", *GRU],
        ["data=bbc_vectors", "data.words=60", "model=mlp", "model.width=8"],
        ["data=bbc_vectors", "data.words=60", "task=reconstruction", "model=autoencoder", "model.width=8"],
    ],
    ids=["characters", "vectors", "reconstruction"],
)
def test_prediction_from_text_equals_evaluation(overrides: list[str]) -> None:
    run = train(*overrides)
    data = load_run(RunFolder(run), stored_config(RunFolder(run))).data
    stored = pd.read_csv(run / "predictions" / "test.csv", keep_default_na=False)
    texts = [data.decode(data.examples.inputs[row].tolist()) for row in stored["index"]]
    found = Predictor(run / "model").predict(pd.DataFrame({"text": texts}))
    shared = [name for name in found if name in stored]
    assert len(shared) >= 2
    pd.testing.assert_frame_equal(found[shared], stored[shared], check_dtype=False, rtol=1e-4, atol=1e-6)
    if "task=reconstruction" in overrides:
        named = [name.removeprefix("reconstruction/") for name in found if name.startswith("reconstruction/")]
        assert tuple(named) == data.prepared_features and len(named) == 60
    assert_evaluated_alike(run)
    example = json.loads((run / "model" / "example.json").read_text())
    assert example["inputs"]["columns"] == ["text"]


def before(texts: list[str], labels: list[str], **described: Any) -> Examples:
    """Examples of earlier versions, which chose tokens by all texts."""
    made = text_examples(texts, labels, **described)
    counts = Counter("".join(text[: described["length"]] for text in texts))
    known = sorted(counts, key=lambda token: (-counts[token], token))[:40]
    old = with_vocabulary(made, (PADDING, UNKNOWN, *known))
    return Examples(**{**vars(old), "fit": None})


def test_a_run_whose_vocabulary_was_not_fitted_is_evaluated_with_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(surnames_module, "text_examples", before)
        run = train("data=surnames", *GRU)
    described = json.loads((run / "data.json").read_text())
    assert len(described["vocabulary"]) == 42
    assert_evaluated_alike(run)
    assert len(Predictor(run / "model").predict(["Schmidt", "Øy"])) == 2


def test_a_run_whose_vectors_were_made_before_the_split_predicts_but_must_be_trained_again() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors_module, "bbc_vectors", vectors_before)
        run = train("data=bbc_vectors", "data.words=2", "model=linear")
    table = pd.DataFrame({"market": [0.5], "film": [0.1]})
    assert len(Predictor(run / "model").predict(table)) == 1
    with pytest.raises(ConfigError, match=r"was kind vector .* train it again to evaluate it") as error:
        evaluate_run(str(run), Path("outputs"), [], "test", None)
    assert "\n" not in str(error.value)


def vectors_before(*, words: int = 2) -> Examples:
    inputs = torch.rand(60, words, generator=torch.Generator().manual_seed(0))
    return Examples("bbc_vectors", "vector", inputs, torch.arange(60) % 2, ("a", "b"), features=("market", "film"))


def test_embeddings_follow_their_tokens_to_the_vocabulary_of_another_split() -> None:
    first = train("data=surnames", *GRU)
    source = load_run(RunFolder(first), stored_config(RunFolder(first)))
    parts = build(run_config("device=cpu", "data=surnames", *GRU, "split.seed=5", f"model.init_from={first}"))
    here, there = parts.data.tokens, source.data.tokens
    assert here != there and set(here) & set(there) > {PADDING, UNKNOWN}
    mine, theirs = (each.model.state_dict()["steps.embedding.weight"] for each in (parts, source))
    for row, name in enumerate(here):
        if name in there and name != UNKNOWN:
            assert torch.equal(mine[row], theirs[there.index(name)]), name
    text = parts.data.encode(["Schmidt"])
    torch.testing.assert_close(*(torch.tensor(each.predict(text)["probability/Italy"]) for each in (parts, source)))


def test_a_language_model_follows_its_tokens_too(folder: Path) -> None:
    (folder / "a.txt").write_text("to be or not to be; " * 60)
    (folder / "b.txt").write_text("the ruby ox bent one boot; " * 60)
    common = ["task=language_model", "data.length=10", "model=gru", "model.hidden_size=8", "model.embedding=8"]
    first = train(*common, "data.path=a.txt", "task.sample=5")
    source = load_run(RunFolder(first), stored_config(RunFolder(first)))
    parts = build(run_config("device=cpu", *common, "data.path=b.txt", f"model.init_from={first}"))
    names = [name for name in parts.data.tokens if name in source.data.tokens]
    rows, others = ([each.data.tokens.index(name) for name in names] for each in (parts, source))
    assert {*"tobern "} <= {*names} and rows != others
    for tensor in ("steps.embedding.weight", "head.weight", "head.bias"):
        mine, theirs = (each.model.state_dict()[tensor] for each in (parts, source))
        assert torch.equal(mine[rows], theirs[others])


def test_a_language_model_is_evaluated_on_another_text(folder: Path) -> None:
    (folder / "a.txt").write_text("to be or not to be; " * 60)
    (folder / "b.txt").write_text("zzzzzzzzzz" * 120)  # one character, unknown to the run
    common = ["task=language_model", "data.length=10", "model=gru", "model.hidden_size=8", "task.sample=0"]
    run = train(*common, "data.path=a.txt", "trainer.epochs=20", "optimizer.lr=0.01")
    found = evaluate_run(str(run), Path("outputs"), ["data.path=b.txt"], "test", None)
    assert found["test/perplexity"] > metrics(run)["test/perplexity"] and found["test/accuracy"] == 0


@pytest.mark.parametrize("option", ["bbc_news"])
def test_a_model_with_a_vocabulary_of_its_own_reads_all_words(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlcli.model.gru import GRU as Model
    from mlcli.run.data import build_data
    from mlcli.traits import ModelTraits

    fitted = build_data(run_config(f"data={option}", "model=gru", "split.per_class=5"))
    assert len(fitted.tokens) == 5000 and UNKNOWN in fitted.tokens[2:]
    monkeypatch.setattr(Model, "traits", ModelTraits(accepts=("tokens",), own_vocabulary=True))
    data = build_data(run_config(f"data={option}", "model=gru", "split.per_class=5"))
    assert data.tokens == data.vocabulary and len(data.tokens) > 10_000
    assert torch.equal(data.preprocessing(data.examples.inputs), data.examples.inputs)


def test_the_fit_is_of_the_training_split_of_each_fold() -> None:
    examples = surnames_module.surnames()
    folds = [make_dataset(examples, val=0, test=0.2, seed=0, folds=5, fold=fold) for fold in range(5)]
    assert len({each.tokens for each in folds}) == 5 and len({len(each.tokens) for each in folds}) == 1
