"""A loss, metrics and class weights of the user's own, by `_target_`: alone, stacked, stored and refused."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import cohen_kappa_score, log_loss, roc_auc_score
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.cannot_stack import CannotStack
from mlcli.cli.training import main
from mlcli.config.check import check
from mlcli.config.errors import ConfigError
from mlcli.metric.own import OwnMetric
from mlcli.run.build import Parts, build
from mlcli.run.evaluate import evaluate_run
from mlcli.run.metrics import check_monitor
from mlcli.run.stacked import stack_of
from mlcli.store.find import find_run
from tests.commands import refusal
from tests.configs import run_config

HERE = __name__
COMMON = ["data=iris", "model=linear", "device=cpu", "trainer.epochs=2", "tracking=none"]


def focal(logits: Tensor, targets: Tensor, gamma: float = 2.0) -> Tensor:
    """A value for each example."""
    log_p = logits.log_softmax(1).gather(1, targets.unsqueeze(1)).squeeze(1)
    return -((1 - log_p.exp()) ** gamma * log_p)


def half_right(predictions: Tensor, targets: Tensor) -> Tensor:
    return (predictions == targets).float().mean() / 2


def constant(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return torch.zeros(())


def unnamed(a: Tensor, b: Tensor) -> Tensor:
    return (a.argmax(1) == b).float().mean()


def raises(outputs: Tensor, targets: Tensor) -> float:
    raise KeyError("no\nsuch luck")


def inverse(counts: list[int], power: float) -> list[float]:
    return [count**-power for count in counts]


def two(counts: list[int]) -> list[float]:
    return [1.0, 2.0]


class Learned(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(self.scale * outputs, targets)


class Counts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        self.calls += 1
        return -outputs.log_softmax(1).gather(1, targets.unsqueeze(1)).mean() / self.calls


def parts_of(*overrides: str) -> Parts:
    cfg = run_config(*COMMON, *overrides)
    check(cfg)
    parts = build(cfg)
    check_monitor(cfg, parts)
    return parts


def losses(parts: Parts) -> tuple[float, float]:
    """Of the first batch, and of the validation split before it."""
    before = float(parts.task.evaluate("val").metrics["loss"])
    return float(parts.task.step(next(iter(parts.task.batches(0))))["loss"]), before


def expected(parts: Parts, loss: Any) -> tuple[float, float]:
    parts.model.eval()
    task: Any = parts.task
    values = []
    for inputs, targets in (next(iter(task.batches(0))), next(iter(task.loader.split("val")))):
        values.append(loss(parts.model(inputs), targets).item())
    return values[0], values[1]


CROSS_ENTROPY = "task.loss._target_=torch.nn.CrossEntropyLoss"
LOSSES: dict[str, tuple[Sequence[str], Any]] = {
    "smoothing": ([CROSS_ENTROPY, "task.loss.label_smoothing=0.1"], nn.CrossEntropyLoss(label_smoothing=0.1)),
    "weights": ([CROSS_ENTROPY, "task.loss.weight=[1,2,3]"], nn.CrossEntropyLoss(torch.tensor([1.0, 2, 3]))),
    "sum": ([CROSS_ENTROPY, "task.loss.reduction=sum"], nn.CrossEntropyLoss(reduction="sum")),
    "none": ([CROSS_ENTROPY, "task.loss.reduction=none"], nn.CrossEntropyLoss()),
    "function": ([f"task.loss._target_={HERE}.focal", "task.loss.gamma=1"], lambda o, t: focal(o, t, 1.0).mean()),
    "class weights": (
        [CROSS_ENTROPY, "trainer.class_weights=[1,2,3]"],
        nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 3.0])),
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_that_of_the_batch_and_of_the_validation_split(name: str) -> None:
    overrides, reference = LOSSES[name]
    assert losses(parts_of(*overrides)) == pytest.approx(expected(parts_of(*overrides), reference), rel=1e-6)


def test_losses_of_other_tasks() -> None:
    parts = parts_of("task=regression", "data=diabetes", "task.loss._target_=torch.nn.HuberLoss")
    task: Any = parts.task
    inputs, targets = next(iter(task.loader.split("val")))
    value = F.huber_loss(parts.model(inputs).squeeze(1), (targets - task.mean) / task.std)
    assert float(task.evaluate("val").metrics["loss"]) == pytest.approx(value.item(), rel=1e-6)
    parts = parts_of(
        "task=multi_label",
        "data=multi_label_toy",
        "model=mlp",
        "task.loss._target_=torch.nn.MultiLabelSoftMarginLoss",
    )
    task = parts.task
    inputs, targets = next(iter(task.loader.split("val")))
    value = nn.MultiLabelSoftMarginLoss()(parts.model(inputs), targets)
    assert float(task.evaluate("val").metrics["loss"]) == pytest.approx(value.item(), rel=1e-6)


METRICS = [
    "metrics.kappa._target_=sklearn.metrics.cohen_kappa_score",
    "metrics.auc._target_=sklearn.metrics.roc_auc_score",
    "metrics.auc.multi_class=ovr",
    "metrics.nats._target_=sklearn.metrics.log_loss",
    f"metrics.half._target_={HERE}.half_right",
    f"metrics.named._target_={HERE}.unnamed",
    "metrics.named.input=outputs",
]
NAMES = ("kappa", "auc", "nats", "half", "named")


def test_metrics_equal_their_functions() -> None:
    parts = parts_of(*METRICS, "trainer.monitor=val/kappa")
    task: Any = parts.task
    inputs, targets = next(iter(task.loader.split("val")))
    logits = parts.model(inputs).detach()
    y, p = targets.numpy(), logits.softmax(1).numpy()
    accuracy = float((p.argmax(1) == y).mean())
    values = task.evaluate("val").metrics
    wanted = [cohen_kappa_score(y, p.argmax(1)), roc_auc_score(y, p, multi_class="ovr"), log_loss(y, p)]
    assert [values[name] for name in NAMES] == pytest.approx([*wanted, accuracy / 2, accuracy])


def test_metrics_of_an_estimator_are_those_of_its_own_predictions() -> None:
    parts = parts_of("model=svm", "data=digits", "metrics.kappa._target_=sklearn.metrics.cohen_kappa_score")
    task: Any = parts.task
    task.step(next(iter(task.batches(0))))
    inputs, targets = next(iter(task.loader.split("val")))
    predicted = task.model.estimator.predict(inputs.numpy().astype(float))
    for full in (False, True):
        assert task.evaluate("val", full).metrics["kappa"] == cohen_kappa_score(targets.numpy(), predicted)


@pytest.mark.parametrize("loss", [[], [f"task.loss._target_={HERE}.focal"]])
def test_a_stack_has_the_losses_and_metrics_of_its_trials(loss: list[str]) -> None:
    trials = [[*METRICS, *loss, "optimizer.lr=0.01"], [*METRICS, *loss, "optimizer.lr=0.1", "trainer.seed=1"]]
    together, alone = [parts_of(*each) for each in trials], [parts_of(*each) for each in trials]
    stack = stack_of(together)
    for batch in stack.batches(0):
        stack.step(batch)
    found = stack.evaluate("val", full=False)
    for row, parts in enumerate(alone):
        for one in parts.task.batches(0):
            parts.task.step(one)
        values = {name: float(value) for name, value in parts.task.evaluate("val").metrics.items()}
        assert {name: column[row] for name, column in found.items()} == pytest.approx(values, rel=1e-4)


def test_a_stack_does_not_share_what_a_loss_keeps() -> None:
    parts = [parts_of(f"task.loss._target_={HERE}.Counts", f"trainer.seed={seed}") for seed in (0, 1)]
    stack = stack_of(parts)
    with pytest.raises(CannotStack, match="calls, of which a stack has one"):
        stack.step(next(iter(stack.batches(0))))
    weighted = [CROSS_ENTROPY, "trainer.class_weights=balanced", "data=wine"]
    parts = [parts_of(*weighted, f"split.seed={seed}", "split.val=0.3") for seed in (0, 1)]
    parts[1].task.own_loss.loss.weight += 1  # type: ignore[attr-defined]
    with pytest.raises(CannotStack, match="differ in class weights"):
        stack_of(parts)


def test_class_weights_are_a_function_of_the_counts() -> None:
    task: Any = parts_of(f"trainer.class_weights._target_={HERE}.inverse", "trainer.class_weights.power=1").task
    counts = task.loader.all_targets("train").bincount()
    torch.testing.assert_close(task.weights, 1 / counts.float())


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([f"task.loss._target_={HERE}.Learned"], "task.loss has parameters"),
        ([CROSS_ENTROPY, "task.label_smoothing=0.1"], r"use task\.loss\.label_smoothing"),
        ([CROSS_ENTROPY, "task.loss.label_smothing=0.1"], "Did you mean label_smoothing"),
        ([CROSS_ENTROPY, "task.loss.weight=[1,2,3]", "trainer.accumulate=2"], "not a mean over examples"),
        ([CROSS_ENTROPY, "task.loss.reduction=sum", "trainer.accumulate=2"], "not a mean over examples"),
        ([f"task.loss._target_={HERE}.focal", "trainer.class_weights=balanced"], "takes no weight"),
        (["task.loss._target_=torch.nn.MSELoss"], r"MSELoss does not take outputs \(\d+, 3\) and int64 targets"),
        (["task.loss._target_=torch.nn.CosineEmbeddingLoss"], r"does not take .* missing 1 required"),
        ([f"task.loss._target_={HERE}.constant"], "does not depend on the outputs"),
        (["+task.loss=focal"], r"task\.loss=focal: must be a class or function"),
        (["task=clustering", "model=kmeans", CROSS_ENTROPY, "split.val=0.2"], "has a loss of its own"),
        ([f"metrics.m._target_={HERE}.raises"], r"metrics\.m: KeyError: 'no"),
        ([f"metrics.m._target_={HERE}.unnamed"], r"use metrics\.m\.input=outputs"),
        ([f"metrics.accuracy._target_={HERE}.half_right"], "the task has a metric of this name"),
        ([f"metrics.m._target_={HERE}.half_right", "trainer.monitor=val/m"], r"Use metrics\.m\.direction=min"),
        ([f"metrics.m._target_={HERE}.half_right", "metrics.m.direction=up"], "must be min or max"),
        ([f"metrics.m._target_={HERE}.half_right", "metrics.m.beta=1"], r"no metrics\.m\.beta"),
        (["metrics=m"], "metrics=m: must be functions by name"),
        (["metrics.m._target_=sklearn.metrics.silhouette_score"], "are not called outputs"),
        (["metrics.m._target_=sklearn.metrics.confusion_matrix"], r"metrics\.m: TypeError"),
        ([f"trainer.class_weights._target_={HERE}.two"], "use balanced, or 3 numbers"),
        (["task=reconstruction", "data=digits", "model=autoencoder", *METRICS], "takes no metrics of your own"),
    ],
)
def test_what_cannot_work_is_one_line(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        parts_of(*overrides)
    assert "\n" not in str(error.value)


def test_functions_say_what_they_take() -> None:
    binary = {"probabilities": torch.tensor([[0.8, 0.2], [0.4, 0.6]]), "targets": torch.tensor([0, 1])}
    assert OwnMetric("auc", roc_auc_score)(binary) == 1.0
    assert OwnMetric("mean", lambda y_true, y_score: float(np.mean(y_score)))(binary) == pytest.approx(0.4)
    with pytest.raises(ValueError, match=r"metrics\.kappa: this task has no predictions; use probab"):
        OwnMetric("kappa", cohen_kappa_score)(binary)


def test_a_run_records_selects_and_is_evaluated_by_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    typed = [*COMMON, "trainer.monitor=val/half", "metrics.half.direction=max", CROSS_ENTROPY, METRICS[0], METRICS[4]]
    main([*typed, "-q", f"trainer.class_weights._target_={HERE}.inverse", "trainer.class_weights.power=0"])
    found = find_run("last", Path("outputs"))
    result = json.loads((found.folder.path / "result.json").read_text())
    history = [line["metrics"]["val/half"] for line in found.folder.history()]
    assert result["best_epoch"] == 1 + history.index(max(history))
    assert {"test/kappa", "test/half"} <= result["metrics"].keys()
    assert found.folder.read("run.json")["directions"] == {"kappa": "max", "half": "max"}
    with pytest.raises(ConfigError, match=r"metrics\.half\._target_=.*half_right: not trusted"):
        evaluate_run("last", Path("outputs"), [], "test", None)
    monkeypatch.setenv("MLCLI_TRUST", HERE.partition(".")[0])
    assert evaluate_run("last", Path("outputs"), [], "test", None)["test/kappa"] == result["metrics"]["test/kappa"]
    assert "unknown.loss: cannot be imported" in refusal([*COMMON, "task.loss._target_=unknown.loss"], capsys)
