"""A run judged again: on its own examples only where they are still the same, and by values that make sense."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from mlcli.cli.training import main
from mlcli.config.errors import ConfigError
from mlcli.data.blobs import blobs
from mlcli.loading.dataset import Examples
from mlcli.loading.make_dataset import make_dataset
from mlcli.run import data as run_data
from mlcli.run.evaluate import evaluate_run
from mlcli.store.records import read_json, write_json

Change = Callable[[Examples], Examples]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outputs = tmp_path_factory.mktemp("evaluate") / "outputs"
    main(["-q", "data=blobs", "data.examples=25_000", "model=linear", "trainer.epochs=1", "trainer.batch_size=512",
          "device=cpu", "tracking=none", f"outputs={outputs}", "name=first"])  # fmt: skip
    return outputs


def evaluate(outputs: Path, *overrides: str, **more: Any) -> dict[str, float]:
    return evaluate_run("first", outputs, list(overrides), None, None, **more)


def with_data(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    monkeypatch.setattr(
        run_data, "make_dataset", lambda examples, **settings: make_dataset(change(examples), **settings)
    )


def one_number(examples: Examples) -> Examples:
    examples.inputs[12_345, 0] += 1e-3
    return examples


def one_label(examples: Examples) -> Examples:
    examples.targets[777] = (examples.targets[777] + 1) % len(examples.classes)
    return examples


def rolled(examples: Examples) -> Examples:
    return replace(examples, inputs=examples.inputs.roll(1, 0), targets=examples.targets.roll(1, 0))


def grouped(examples: Examples) -> Examples:
    return replace(examples, groups=torch.arange(len(examples.inputs)) % 7)


def test_what_has_not_changed_is_evaluated(trained: Path) -> None:
    result = read_json(next(trained.glob("runs/*/result.json")))["metrics"]
    assert evaluate(trained)["test/accuracy"] == result["test/accuracy"]


@pytest.mark.parametrize("change", [one_number, one_label, rolled, grouped])
def test_examples_that_have_changed_are_refused_unless_one_says_so(
    trained: Path, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_data(monkeypatch, change)
    with pytest.raises(ConfigError, match=r"data=blobs has changed since the run was trained: .* use --changed-data"):
        evaluate(trained)
    assert evaluate(trained, changed_data=True)["test/accuracy"] > 0


def test_a_run_of_an_older_version_is_compared_by_the_digest_of_its_time(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = next(trained.glob("runs/*/data.json"))
    content = read_json(path)
    old = {name: value for name, value in content.items() if name != "digest_version"}
    try:
        examples = blobs(examples=25_000)
        sha = hashlib.sha256(repr((examples.inputs.shape, examples.targets.shape)).encode())
        sha.update(examples.inputs[::2].numpy().tobytes() + examples.targets[::2].numpy().tobytes())
        write_json(path, old | {"digest": sha.hexdigest()[:16]})
        assert evaluate(trained)["test/accuracy"] > 0
        with_data(monkeypatch, rolled)
        with pytest.raises(ConfigError, match="has changed"):
            evaluate(trained)
    finally:
        write_json(path, content)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["split.val=0.95"], r"split\.val=0\.95"),
        (["split.folds=3", "split.fold=7"], r"split\.fold=7"),
        (["split.classes=[a,b]"], r"split\.classes"),
        (["split.classes=[a"], r"split\.classes=\[a: cannot be read"),
        (["split.per_class=100000", "data.seed=1"], r"split\.per_class"),
        (["data.examples=abc"], r"data\.examples"),
        (["data=characters", "data.path=nowhere.txt"], "nowhere.txt"),
        (["split=3"], "split"),
        (["data="], "data"),
    ],
)
def test_wrong_values_are_told_in_a_sentence(trained: Path, overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        evaluate(trained, *overrides)
