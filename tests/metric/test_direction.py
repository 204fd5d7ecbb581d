import pytest

from mlcli.metric.direction import direction


@pytest.mark.parametrize(
    "name", ["loss", "val/loss", "train/loss", "test/log_loss", "rmse", "val/mae", "mse", "error", "val/triplet_loss"]
)
def test_losses_and_errors_are_better_when_small(name: str) -> None:
    assert direction(name) == "min"


@pytest.mark.parametrize("name", ["accuracy", "val/accuracy", "r2", "test/f1/loss", "roc_auc", "val/recall/error"])
def test_all_else_is_better_when_large(name: str) -> None:
    assert direction(name) == "max"
