"""The loss of an ensemble is the mean of its members' losses, whatever the loss is."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mlcli.config.errors import ConfigError
from mlcli.run.build import build
from tests.configs import run_config

TABM = ("model=tabm", "model.members=3", "model.width=4", "model.bins=4", "model.embedding=2", "model.dropout=0")


def task_of(*overrides: str):
    task = build(run_config("device=cpu", *TABM, *overrides)).task
    return task, next(iter(task.batches(0)))


def mean(losses: list[Tensor]) -> Tensor:
    return torch.stack(losses).mean()


def test_cross_entropy_with_smoothing_and_class_weights() -> None:
    task, (inputs, targets) = task_of("data=iris", "task.label_smoothing=0.2", "trainer.class_weights=[1,2,3]")
    losses = []
    for logits in task.model.members(inputs).unbind(1):
        weighted = logits.log_softmax(1) * torch.tensor([1.0, 2, 3])
        smooth = 0.8 * F.one_hot(targets, 3) + 0.2 / 3
        losses.append(-(smooth * weighted).sum(1).mean())
    torch.testing.assert_close(task.loss(inputs, targets), mean(losses))


def test_mixup() -> None:
    task, (inputs, targets) = task_of("data=iris", "task.mixup=0.5")
    torch.manual_seed(5)
    loss = task.loss(inputs, targets)
    torch.manual_seed(5)
    mixed, others, weight = task.mixup(inputs, targets)
    each = [
        weight * F.cross_entropy(logits, targets) + (1 - weight) * F.cross_entropy(logits, others)
        for logits in task.model.members(mixed).unbind(1)
    ]
    torch.testing.assert_close(loss, mean(each))


def test_a_loss_of_ones_own_is_called_for_each_member() -> None:
    """As it need not be a mean over examples."""
    own = ("task.loss._target_=torch.nn.CrossEntropyLoss", "+task.loss.weight=[1.0,2.0,3.0]")
    task, (inputs, targets) = task_of("data=iris", *own)
    weights = torch.tensor([1.0, 2, 3])
    losses = [F.cross_entropy(logits, targets, weights) for logits in task.model.members(inputs).unbind(1)]
    torch.testing.assert_close(task.loss(inputs, targets), mean(losses))


@pytest.mark.parametrize(
    ("own", "loss"), [((), F.mse_loss), (("task.loss._target_=torch.nn.L1Loss",), F.l1_loss)], ids=["squared", "own"]
)
def test_regression(own: tuple[str, ...], loss) -> None:
    task, (inputs, targets) = task_of("task=regression", "data=diabetes", *own)
    scaled = (targets - task.mean) / task.std
    losses = [loss(outputs.squeeze(1), scaled) for outputs in task.model.members(inputs).unbind(1)]
    torch.testing.assert_close(task.loss(inputs, targets), mean(losses))


def test_metrics_are_of_the_averaged_probabilities() -> None:
    task, _ = task_of("data=iris")
    inputs, targets = next(iter(task.loader.split("val")))
    probabilities = task.model.members(inputs).softmax(2).mean(1)
    expected = float(F.nll_loss(probabilities.log(), targets).detach())
    assert float(task.evaluate("val").metrics["loss"]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("task", ["multi_label", "few_shot", "dqn", "reconstruction"])
def test_other_tasks_take_no_ensembles(task: str) -> None:
    with pytest.raises(ConfigError, match=r"an ensemble.*task=classification\|regression"):
        build(run_config(f"task={task}", "model=tabm"))


def test_the_inputs_are_fitted_to_the_training_split() -> None:
    parts = build(run_config("device=cpu", "data=iris", *TABM))
    expected = torch.quantile(parts.loader.inputs[parts.data.splits["train"]], torch.linspace(0, 1, 5), 0).T
    torch.testing.assert_close(parts.model.numbers.edges, expected)
    other = build(run_config("device=cpu", "data=iris", "split.seed=1", *TABM))
    assert not torch.equal(other.model.numbers.edges, parts.model.numbers.edges)
    later = build(run_config("device=cpu", "data=iris", *TABM), weights_later=True)
    assert later.model.numbers.edges[0].tolist() == [-2, -1, 0, 1, 2]
