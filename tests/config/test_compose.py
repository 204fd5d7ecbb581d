"""From command lines to configs, and what is said of those that cannot be."""

from pathlib import Path

import pytest

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.config.errors import ConfigError


def composed(*overrides: str, config_dir: str | None = None):
    with hydra_session(config_dir) as hydra:
        return to_run(compose(hydra, list(overrides)))


def test_defaults_compose_and_resolve() -> None:
    cfg = composed()
    assert cfg.trainer.epochs == 20
    assert cfg.optimizer._target_ == "torch.optim.Adam"
    assert "???" not in str(cfg)


def test_a_task_brings_its_data_and_the_command_line_wins() -> None:
    assert "house_prices" in composed("task=regression").data._target_
    assert "diabetes" in composed("task=regression", "data=diabetes").data._target_
    assert "MLP" in composed("task=regression", "model=mlp").model._target_


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("optimizer.lrr=1", ["optimizer.lrr", "Did you mean optimizer.lr?"]),
        ("trainer.epoch=3", ["Did you mean trainer.epochs?"]),
        ("epochs=3", ["Did you mean trainer.epochs?"]),
        ("trainer.watchh=true", ["Did you mean trainer.layer_statistics?"]),
        ("trainer.xyz=1", ["Keys here: trainer.epochs"]),
        ("model=lstmm", ["'lstmm'", "Did you mean lstm?", "linear"]),
        ("modell=lstm", ["modell", "Did you mean model?"]),
        ("trainer.epochs=abc", ["trainer.epochs=abc", "whole number"]),
        ("trainer.epochs=1,2", ["trainer.epochs=1,2", "add -m"]),
        ("trainer.max_time=soon", ["trainer.max_time=soon", "must be a number"]),
        ("model=a b#", ["quote"]),
        ("optimizer.lr=log(1,2)", ["no function log"]),
        ("experiment=nothing", ["experiment", "nothing"]),
    ],
)
def test_mistakes_say_what_to_type(override: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        composed(override)
    for word in words:
        assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_own_config_folder_adds_and_shadows(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.yaml").write_text(
        "# mine\n_target_: torch.nn.Linear\nin_features: 64\nout_features: 10\n"
    )
    (tmp_path / "model" / "mlp.yaml").write_text("# other\n_target_: mlcli.model.mlp.MLP\nwidth: 7\n")
    assert composed("model=mine", config_dir=str(tmp_path)).model.in_features == 64
    assert composed("model=mlp", config_dir=str(tmp_path)).model.width == 7
    assert "LSTM" in composed("model=lstm", config_dir=str(tmp_path)).model._target_


def test_conf_in_the_current_folder_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conf" / "optimizer").mkdir(parents=True)
    (tmp_path / "conf" / "optimizer" / "slow.yaml").write_text("# slow\n_target_: torch.optim.SGD\nlr: 1e-9\n")
    monkeypatch.chdir(tmp_path)
    assert composed("optimizer=slow").optimizer.lr == 1e-9


def test_missing_config_folder() -> None:
    with pytest.raises(ConfigError, match="there is no such folder"):
        composed(config_dir="/nowhere/at/all")


def test_experiment_can_ask_for_a_sweep(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "rates.yaml").write_text(
        "# @package _global_\nhydra:\n  mode: MULTIRUN\n  sweeper:\n    params:\n      optimizer.lr: 0.1,0.2\n"
    )
    with hydra_session(str(tmp_path)) as hydra:
        cfg = compose(hydra, ["experiment=rates"])
        assert cfg.hydra.mode.name == "MULTIRUN"
        assert cfg.hydra.sweeper.params == {"optimizer.lr": "0.1,0.2"}
