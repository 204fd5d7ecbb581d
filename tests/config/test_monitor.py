"""trainer.monitor=auto: the metric that chooses the best epoch, by task and data."""

from pathlib import Path

import pytest

from mlcli.config.check import check
from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.config.errors import ConfigError
from mlcli.config.trials import TrialComposer


@pytest.fixture
def table(tmp_path: Path) -> str:
    rows = [f"{i},{i % 7},{i * 1.5}" for i in range(60)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["a,b,y", *rows]))
    return str(path)


def monitor(*typed: str) -> str:
    with hydra_session() as hydra:
        return str(to_run(compose(hydra, list(typed))).trainer.monitor)


def test_numbers_of_a_table_of_ones_own_are_chosen_without_the_largest_errors(table: str) -> None:
    own = ("data=csv", f"data.path={table}", "data.target=y")
    assert monitor(*own) == monitor(*own, "model=mlp") == "val/trimmed_rmse"
    assert monitor(*own, "task.loss._target_=torch.nn.HuberLoss") == "val/loss"  # it is the user's choice
    assert monitor(*own, "trainer.monitor=val/rmse") == "val/rmse"
    assert monitor("data=csv", f"data.path={table}", "data.target=b", "task=classification") == "val/loss"


def test_others_are_chosen_by_the_loss() -> None:
    assert monitor() == monitor("data=diabetes", "task=regression") == "val/loss"
    assert monitor("task=control", "data=gridworld", "model=q_table") == "train/return"


def test_each_trial_of_a_sweep_has_its_own(table: str) -> None:
    own = ["data=csv", f"data.path={table}"]
    with hydra_session() as hydra:
        trials = TrialComposer(hydra.config_loader, compose(hydra, [*own, "data.target=b,y"], multirun=True))
        found = [trials([*own, f"data.target={target}"]).trainer.monitor for target in ("b", "y")]
        again = trials([*own, "data.target=y", "task.loss._target_=torch.nn.L1Loss"]).trainer.monitor
    assert (*found, again) == ("val/loss", "val/trimmed_rmse", "val/loss")


def test_without_a_validation_split_it_says_what_to_use() -> None:
    expected = r"split\.val=0 leaves no examples for val/loss: use"
    with hydra_session() as hydra, pytest.raises(ConfigError, match=expected):
        check(to_run(compose(hydra, ["split.val=0"])))
