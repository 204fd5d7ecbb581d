"""What comes next: losses in their units, no look at the future, and text that goes on."""

from math import exp, log
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from mlcli.config.errors import ConfigError
from mlcli.run.build import Parts, build
from tests.configs import run_config

VERSE = "round and round the ragged rock the ragged rascal ran; " * 40


@pytest.fixture
def overrides(tmp_path: Path) -> list[str]:
    (tmp_path / "verse.txt").write_text(VERSE)
    small = [
        "model.width=32",
        "model.heads=2",
        "data.length=20",
        "task.sample=30",
        "optimizer.lr=0.01",
        "trainer.batch_size=8",
    ]
    return ["task=language_model", f"data.path={tmp_path / 'verse.txt'}", *small]


def parts_of(*overrides: str) -> Parts:
    return build(run_config("device=cpu", *overrides))


def trained(overrides: list[str], epochs: int = 25) -> Parts:
    parts = parts_of(*overrides)
    for epoch in range(epochs):
        for batch in parts.task.batches(epoch):
            parts.task.step(batch)
    return parts


def test_loss_is_torchs_and_comes_in_three_units(overrides: list[str]) -> None:
    task = parts_of(*overrides).task
    inputs, targets = next(iter(task.batches(0)))
    expected = F.cross_entropy(task.model(inputs).flatten(0, 1), targets.flatten())
    torch.testing.assert_close(task.loss(inputs, targets), expected)
    metrics = {name: float(value) for name, value in task.evaluate("test").metrics.items()}
    assert metrics["perplexity"] == pytest.approx(exp(metrics["loss"]))
    assert metrics["bits_per_character"] == pytest.approx(metrics["loss"] / log(2))
    (inputs, targets), *rest = task.loader.split("test")
    assert not rest
    with torch.no_grad():
        alone = {name: float(value) for name, value in task.metrics(task.model(inputs), targets).items()}
    assert alone == pytest.approx(metrics, rel=1e-6)


def test_a_verse_is_learnt_by_heart(overrides: list[str]) -> None:
    parts = trained(overrides)
    text = parts.task.generate("round and round the ", 40, temperature=0, seed=0)
    assert text == VERSE[20:60]
    drawn = [parts.task.generate("r", 60, temperature=3.0, seed=seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert set(drawn[0]) <= set(VERSE)
    columns = parts.predict(parts.data.encode(["ragged rasc", "round and round the"]))
    assert columns["prediction"].tolist() == ["a", " "]


def test_full_evaluation_shows_what_it_writes_and_what_surprises_it(overrides: list[str]) -> None:
    parts = trained(overrides, epochs=2)
    state = torch.get_rng_state()
    evaluation = parts.task.evaluate("test", full=True)
    plots = {plot.name: plot.data for plot in evaluation.plots()}
    assert torch.equal(torch.get_rng_state(), state)
    assert len(plots["sample"]["text"]) == 30 and VERSE.find(plots["sample"]["prompt"]) >= 0
    assert len(plots["surprise"]["bits"]) == len(plots["loss_by_position"]["values"]) == 20
    metrics, columns = evaluation.metrics, evaluation.columns
    assert plots["loss_by_position"]["overall"] == pytest.approx(float(metrics["bits_per_character"]), rel=1e-5)
    assert columns["loss"].mean() == pytest.approx(float(metrics["loss"]), rel=1e-5)


@pytest.mark.parametrize(("prompt", "word"), [("", "is empty"), ("Ωround", "vocabulary: R? ?Ω")])
def test_prompts_that_say_nothing(overrides: list[str], prompt: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        parts_of(*overrides).task.generate(prompt, 5, 1.0, 0)


@pytest.mark.parametrize("model", ["gru", "lstm", "rnn"])
def test_what_reads_backwards_is_refused(overrides: list[str], model: str) -> None:
    common = [each for each in overrides if not each.startswith("model.")] + [f"model={model}"]
    parts_of(*common)
    with pytest.raises(ConfigError, match="bidirectional=false"):
        parts_of(*common, "model.bidirectional=true")
