"""Answers for each step: steps without one count for nothing, and what is told equals scikit-learn's numbers."""

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional as F

from mlcli.config.errors import ConfigError
from mlcli.metric import fast
from mlcli.run.build import Parts, build
from tests.configs import run_config

SMALL = ["task=sequence_labelling", "data.examples=120", "data.length=12", "model.hidden_size=8"]


def parts_of(*overrides: str) -> Parts:
    return build(run_config("device=cpu", *overrides))


def test_loss_is_torchs_over_the_answered_steps() -> None:
    task = parts_of(*SMALL).task
    inputs, targets = next(iter(task.batches(0)))
    assert (targets == -1).any()
    expected = F.cross_entropy(task.model(inputs).flatten(0, 1), targets.flatten(), ignore_index=-1)
    torch.testing.assert_close(task.loss(inputs, targets), expected)
    torch.testing.assert_close(task.loss(inputs, torch.full_like(targets, -1)), torch.tensor(0.0))


@pytest.mark.parametrize("weights", ["null", "balanced"])
def test_accumulate_changes_nothing_but_rounding(weights: str) -> None:
    """Sequences of very different lengths, in one part and in eight."""

    def trained(accumulate: int) -> tuple[list[torch.Tensor], float]:
        common = ["model=gru", "optimizer=sgd", f"trainer.class_weights={weights}"]
        task = parts_of(*SMALL, *common, f"trainer.accumulate={accumulate}").task
        losses = [float(task.step(batch)["loss"]) for epoch in range(3) for batch in task.batches(epoch)]
        return list(task.model.parameters()), sum(losses)

    (one, loss), (other, accumulated) = trained(1), trained(8)
    assert accumulated == pytest.approx(loss, rel=1e-6)
    for mine, theirs in zip(one, other, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-6)


def test_class_weights_weigh_each_answered_step() -> None:
    classes = len(parts_of(*SMALL).data.classes)
    weights = [1.0 + i for i in range(classes)]
    task = parts_of(*SMALL, f"trainer.class_weights={weights}").task
    inputs, targets = next(iter(task.batches(0)))
    each = F.cross_entropy(
        task.model(inputs).flatten(0, 1), targets.flatten(), torch.tensor(weights), ignore_index=-1, reduction="sum"
    )
    torch.testing.assert_close(task.loss(inputs, targets), each / (targets >= 0).sum())
    plain = parts_of(*SMALL).task
    assert plain.evaluate("val").metrics["loss"] == task.evaluate("val").metrics["loss"]


def test_balanced_class_weights_are_scikit_learns_over_the_answered_steps() -> None:
    parts = parts_of(*SMALL, "trainer.class_weights=balanced")
    targets = parts.data.examples.targets[parts.data.splits["train"]]
    answered = targets[targets >= 0].numpy()
    expected = compute_class_weight("balanced", classes=np.arange(len(parts.data.classes)), y=answered)
    assert parts.task.weights.tolist() == pytest.approx(expected, rel=1e-6)


def test_metrics_are_scikit_learns_over_the_answered_steps() -> None:
    draw = torch.Generator().manual_seed(0)
    logits, targets = torch.randn(9, 7, 4, generator=draw), torch.randint(-1, 4, (9, 7), generator=draw)
    answered = targets >= 0
    y, predicted = targets[answered].numpy(), logits.argmax(-1)[answered].numpy()
    got = {name: float(value) for name, value in fast.sequence_labelling(logits, targets).items()}
    assert got["accuracy"] == pytest.approx(sk.accuracy_score(y, predicted), abs=1e-12)
    assert got["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(y, predicted), abs=1e-12)
    assert got["f1_macro"] == pytest.approx(sk.f1_score(y, predicted, average="macro"), abs=1e-12)
    probabilities = logits.double().softmax(-1)[answered].numpy()
    assert got["loss"] == pytest.approx(sk.log_loss(y, probabilities, labels=range(4)), abs=1e-6)


def test_full_evaluation() -> None:
    parts = parts_of(*SMALL)
    evaluation = parts.task.evaluate("test", full=True)
    targets = parts.data.examples.targets[parts.data.splits["test"]].numpy()
    first, count = evaluation.columns["target"][0].split(), (targets[0] >= 0).sum()
    assert first[:count] == [str(t) for t in targets[0][:count]] and set(first[count:]) <= {"-"}
    assert len(evaluation.columns["prediction"][0].split()) == count
    right = sum(
        label == guess
        for row, guesses in zip(evaluation.columns["target"], evaluation.columns["prediction"], strict=True)
        for label, guess in zip(row.split(), guesses.split(), strict=False)
    )
    assert right / (targets >= 0).sum() == pytest.approx(evaluation.metrics["accuracy"])
    plots = {plot.name: plot for plot in evaluation.plots()}
    assert {"confusion_matrix", "accuracy_by_position"} <= set(plots)
    by_position = plots["accuracy_by_position"].data
    known = [value for value in by_position["values"] if value is not None]
    assert np.average(known, weights=[n for n in by_position["count"] if n]) == pytest.approx(by_position["overall"])


@pytest.mark.parametrize(
    ("overrides", "word"),
    [
        (["task=classification", "data=brackets", "model=gru"], "task=sequence_labelling"),
        (["task=classification", "data=multi_label_toy"], "task=multi_label"),
        (["task=regression", "data=characters", "model=gru"], "task=language_model"),
        (["task=sequence_labelling", "data=digits"], "no class for each step"),
        (["task=sequence_labelling", "data=multi_label_toy"], "no class for each step"),
        (["task=multi_label", "data=brackets", "model=gru"], "has no multi-label targets"),
        (["task=language_model", "data=brackets"], "is not a text to model"),
        (["task=sequence_labelling", "model=mlp"], r"use model=.*gru\|lstm"),
    ],
)
def test_what_does_not_fit_says_what_does(overrides: list[str], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        parts_of(*overrides)
