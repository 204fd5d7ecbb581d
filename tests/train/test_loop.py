"""The loop on a task of a few lines: what it records, what it keeps, and when it stops."""

import math
from typing import Any

import pytest
import torch

from mlcli.train.epoch_values import Diverged
from mlcli.train.loop import Epoch, Plan, Progress, fit
from mlcli.train.protocols import Evaluation


class Countdown:
    """Three steps an epoch; validation scores are given beforehand. Satisfies the Task protocol."""

    def __init__(self, scores: list[float], losses: dict[int, float] | None = None) -> None:
        self.scores = scores
        self.losses = losses or {}
        self.weight = torch.zeros(1)
        self.epochs_seen: list[int] = []
        self.observed: list[float] = []

    def batches(self, epoch: int) -> list[int]:
        self.epochs_seen.append(epoch)
        return [0, 1, 2]

    def step(self, batch: int) -> dict[str, Any]:
        self.weight += 1
        number = int(self.weight.item())
        return {"loss": torch.tensor(self.losses.get(number, float(number))), "lr": 0.1 * number}

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        assert split == "val"
        score = self.scores[len(self.epochs_seen) - 1]
        slow = {"slow": score} if full else {}
        return Evaluation({"score": torch.tensor(score), **slow})

    def observe(self, score: float) -> None:
        self.observed.append(score)

    def predict(self, inputs: torch.Tensor) -> dict[str, Any]:
        return {}

    def state_dict(self) -> dict[str, Any]:
        return {"model": {"weight": self.weight}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.weight = state["model"]["weight"].clone()


def run(task: Countdown, **plan: Any) -> tuple[list[Epoch], Progress]:
    progress = Progress()
    settings = {"epochs": len(task.scores), "monitor": "val/score", "higher": True} | plan
    return [event for event in fit(task, Plan(**settings), progress) if isinstance(event, Epoch)], progress


def test_records_means_of_tensors_and_last_of_numbers() -> None:
    epochs, progress = run(Countdown([0.5, 0.7]))
    assert [epoch.metrics["train/loss"] for epoch in epochs] == [2.0, 5.0]
    assert [epoch.metrics["lr"] for epoch in epochs] == pytest.approx([0.3, 0.6])
    assert [(epoch.epoch, epoch.step) for epoch in epochs] == [(1, 3), (2, 6)]
    assert progress.seconds > 0


def test_keeps_the_weights_of_the_best_epoch() -> None:
    task = Countdown([0.5, 0.9, 0.7])
    epochs, progress = run(task)
    assert progress.best_epoch == 2
    assert progress.best_weights["weight"].item() == 6  # after its three steps, untouched by later ones
    assert [epoch.improved for epoch in epochs] == [True, True, False]
    assert task.observed == pytest.approx([0.5, 0.9, 0.7])


def test_min_delta_is_for_patience_alone() -> None:
    """The best weights are the best, however little better; patience counts from the last clear improvement."""
    epochs, progress = run(Countdown([0.5, 0.504, 0.508, 0.512, 0.516, 0.9]), min_delta=0.01, patience=2)
    assert [epoch.improved for epoch in epochs] == [True, True, True]
    assert progress.best_epoch == 3 and progress.best_weights["weight"].item() == 9
    assert progress.best_score == pytest.approx(0.508) and "patience" not in progress.stopped
    _, progress = run(Countdown([0.5, 0.508, 0.516, 0.524]), min_delta=0.01, patience=3)
    assert progress.best_epoch == 4 and not progress.stopped


def test_means_are_weighted_by_examples() -> None:
    """32 examples with the loss 0.5 and one with 2.5."""

    class Uneven(Countdown):
        def batches(self, epoch: int) -> Any:
            super().batches(epoch)
            return [(torch.zeros(32, 3), torch.zeros(32)), (torch.zeros(1, 3), torch.zeros(1))]

    epochs, _ = run(Uneven([0.1], {1: 0.5, 2: 2.5}))
    assert epochs[0].metrics["train/loss"] == pytest.approx((32 * 0.5 + 2.5) / 33, rel=1e-12)


def test_means_are_weighted_by_what_the_task_says() -> None:
    class Counted(Countdown):
        def batches(self, epoch: int) -> Any:
            super().batches(epoch)
            return [(torch.tensor([1, 1, -1]),), (torch.tensor([-1, -1, -1]),), (torch.tensor([1, -1, -1]),)]

        def batch_weight(self, targets: torch.Tensor) -> torch.Tensor:
            return (targets >= 0).sum()

    epochs, _ = run(Counted([0.1], {1: 3.0, 2: 0.0, 3: 9.0}))
    assert epochs[0].metrics["train/loss"] == pytest.approx(5.0, rel=1e-12)


def test_lower_is_better_for_losses() -> None:
    _, progress = run(Countdown([0.5, 0.9, 0.4]), higher=False)
    assert progress.best_epoch == 3


def test_stops_when_patience_is_spent() -> None:
    epochs, progress = run(Countdown([0.5, 0.6, 0.6, 0.6, 0.9]), patience=2)
    assert len(epochs) == 4
    assert "2 epochs" in progress.stopped


def test_small_gains_do_not_count() -> None:
    _, progress = run(Countdown([0.5, 0.505, 0.52]), min_delta=0.01)
    assert progress.best_epoch == 3


@pytest.mark.parametrize(("limit", "steps"), [({"max_steps": 4}, 4), ({"max_time": 1e-9}, 1)])
def test_limits_end_training_within_an_epoch(limit: dict[str, float], steps: int) -> None:
    epochs, progress = run(Countdown([0.5] * 5), **limit)
    assert progress.step == steps
    assert epochs[-1].step == steps
    assert next(iter(limit)) in progress.stopped


def test_divergence_names_its_step() -> None:
    with pytest.raises(Diverged, match="loss is nan at step 5"):
        run(Countdown([0.5] * 5, losses={5: math.nan}))


def test_a_slow_metric_is_computed_when_it_decides() -> None:
    epochs, progress = run(Countdown([0.1, 0.3]), monitor="val/slow")
    assert progress.best_score == pytest.approx(0.3)
    assert all("val/slow" in epoch.metrics for epoch in epochs)


def test_unknown_monitor_lists_the_metrics() -> None:
    with pytest.raises(ValueError, match=r"val/accurcy.*val/score"):
        run(Countdown([0.1]), monitor="val/accurcy")


def test_a_monitored_metric_that_is_no_number_ends_training() -> None:
    with pytest.raises(Diverged, match="val/score is nan after step 6"):
        run(Countdown([0.5, math.nan, 0.9]))
