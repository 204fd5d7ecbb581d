"""Weights of examples, from a column of a table, in training."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from mlcli.config.errors import ConfigError
from mlcli.run.build import Parts, build
from mlcli.run.stacked import stack_of
from mlcli.task.classification import cross_entropy
from tests.configs import run_config

TABLE = ["data=csv", "data.weight=w", "device=cpu", "device.threads=1", "trainer.batch_size=1000", "model=linear"]


@pytest.fixture
def table(tmp_path: Path) -> str:
    random = torch.Generator().manual_seed(0)
    rows = torch.randn(60, 3, generator=random)
    lines = [
        f"{a:.4f},{b:.4f},{1 + 3 * (i % 2)},{a + b + 0.1 * c:.4f},{'yn'[int(a > 0)]}"
        for i, (a, b, c) in enumerate(rows)
    ]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["a,b,w,y,label", *lines]) + "\n")
    return f"data.path={path}"


def parts_of(table: str, *overrides: str) -> Parts:
    return build(run_config(*TABLE, table, *overrides))


@pytest.mark.parametrize("target", ["y", "label"])
def test_a_row_counts_by_its_weight(table: str, target: str) -> None:
    parts = parts_of(table, f"data.target={target}")
    ((inputs, targets, rows),) = parts.task.batches(0)
    assert rows.mean().item() == pytest.approx(1, rel=1e-6) and rows.max() / rows.min() == pytest.approx(4)
    outputs = parts.model(inputs)
    if target == "y":
        errors = (outputs.squeeze(1) - (targets - parts.task.mean) / parts.task.std).square()
    else:
        errors = F.cross_entropy(outputs, targets, reduction="none")
    assert parts.task.loss(inputs, targets, rows).item() == pytest.approx((rows * errors).mean().item(), rel=1e-6)
    assert "w" not in parts.data.features


@pytest.mark.parametrize("model", ["linear", "tabm"])
def test_a_stack_weighs_as_its_trials_alone(table: str, model: str) -> None:
    small = ["model.width=8", "model.bins=4", "model.dropout=0"] if model == "tabm" else []
    trials = [["trainer.seed=0"], ["trainer.seed=1", "split.seed=3"]]
    made = [
        [parts_of(table, "data.target=label", f"model={model}", *small, *own) for own in trials] for _ in range(2)
    ]
    stack = stack_of(made[0])
    losses = stack.step(next(iter(stack.batches(0))))["loss"]
    alone = [parts.task.step(next(iter(parts.task.batches(0))))["loss"] for parts in made[1]]
    assert losses.tolist() == pytest.approx([float(loss) for loss in alone], rel=1e-5)


def test_weights_of_rows_and_classes_and_smoothing() -> None:
    logits, targets, rows = torch.randn(9, 3), torch.arange(9) % 3, torch.rand(9)
    weights = torch.tensor([1.0, 2.0, 0.5])
    each = [
        F.cross_entropy(logits[i : i + 1], targets[i : i + 1], weights, reduction="sum", label_smoothing=0.2)
        for i in range(9)
    ]
    expected = (torch.stack(each) * rows).mean().item()
    for smoothing in (0.2, torch.tensor(0.2)):
        assert cross_entropy(logits, targets, weights, smoothing, rows).item() == pytest.approx(expected, rel=1e-5)


def test_what_takes_no_weights_says_so(table: str) -> None:
    with pytest.raises(ConfigError, match=r"task\.mixup takes no weights of rows"):
        parts_of(table, "data.target=label", "task=classification", "task.mixup=0.2")
    with pytest.raises(ConfigError, match=r"takes no weights of rows: use data\.weight=null"):
        parts_of(table, "data.target=label", "model=knn")
