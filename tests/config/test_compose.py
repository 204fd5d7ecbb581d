"""From command lines to configs, and what is said of those that cannot be."""

from pathlib import Path

import pytest

from mlcli.config.compose import TrialComposer, compose, hydra_session, parse, to_run
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
        ("model=lstmm", ["'lstmm'", "Did you mean lstm?", "linear"]),
        ("modell=lstm", ["modell", "Did you mean model?"]),
        ("trainer.epochs=abc", ["trainer.epochs=abc", "Integer"]),
        ("trainer.epochs=1,2", ["trainer.epochs=1,2", "add -m"]),
        ("trainer.max_time=soon", ["trainer.max_time=soon", "Float"]),
        ("name=a b#", ["quote"]),
        ("experiment=nothing", ["experiment", "nothing"]),
    ],
)
def test_mistakes_say_what_to_type(override: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        composed(override)
    for word in words:
        assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_flags_in_any_order() -> None:
    flags = parse(["model=lstm", "-m", "optimizer.lr=1,2", "--config-dir", "x", "seed=3"])
    assert flags.multirun
    assert flags.config_dir == "x"
    assert flags.overrides == ["model=lstm", "optimizer.lr=1,2", "seed=3"]


def test_unknown_flag_is_a_users_mistake() -> None:
    with pytest.raises(ConfigError, match="--multi-run"):
        parse(["--multi-run"])


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


TRIALS = [
    ["optimizer.lr=0.5", "trainer.seed=1"],
    ["optimizer.lr=0.5", "trainer.epochs=3"],
    ["model=mlp", "optimizer.lr=0.1", "trainer.seed=1"],
    ["model=lstm", "optimizer.lr=0.2", "trainer.seed=1"],
    ["model=mlp", "optimizer.lr=1e-5", "trainer.class_weights=balanced", "trainer.seed=2"],
    ["model=mlp", "model.width=8", "optimizer=sgd", "optimizer.lr=0.3"],
    ["model=mlp", "+optimizer.extra=1", "trainer.lr_scale={head: 2}", "split.classes=[a,b]", "trainer.max_time=1"],
    ["model=mlp", "optimizer.betas=[0.5,0.9]", "optimizer.betas=[0.6,0.9]", "name='a b'"],
    ["model=mlp", "split={val: 0.1}", "split.val=0.3"],
    ["model=mlp", "split.val=0.3", "split={val: 0.1}"],
    ["model=mlp", "~optimizer.betas", "++name=x"],
    ["model=mlp", "name=${data.shift}", "outputs=${oc.env:HOME}"],
]


@pytest.mark.parametrize(
    "typed", [["trainer.epochs=7", "split.val=0.4"], ["+optimizer.more=2", "~scheduler._target_"], []]
)
@pytest.mark.parametrize("interpolated", [False, True])
def test_trials_equal_composing_each_alone(tmp_path: Path, interpolated: bool, typed: list[str]) -> None:
    """The shortcut (one composition per choice of groups) gives what Hydra gives trial by trial, also where settings
    are made of others."""
    (tmp_path / "data").mkdir()
    rest = "sum: ${optimizer.lr}, ${trainer.seed}\n" if interpolated else ""
    (tmp_path / "data" / "own.yaml").write_text(f"# own\n_target_: own\nshift: 1\n{rest}")
    with hydra_session(str(tmp_path)) as hydra:
        sweep = compose(hydra, ["data=own", *typed, "optimizer.lr=1,2"], multirun=True)
        quick = TrialComposer(hydra.config_loader, sweep)
        for own in [*TRIALS, *TRIALS]:  # whatever one trial leaves behind must not reach the next
            overrides = ["data=own", *typed, *own]
            expected = hydra.config_loader.load_sweep_config(sweep, overrides)
            made = quick(overrides)
            assert made == to_run(expected)
            made.trainer.seed, made.split.classes = 99, None
        assert len(quick.composed) == 4  # the default, mlp, lstm, mlp with sgd


def test_a_trials_mistakes_are_told(tmp_path: Path) -> None:
    with hydra_session() as hydra:
        quick = TrialComposer(hydra.config_loader, compose(hydra, ["optimizer.lr=1,2"], multirun=True))
        for mistake in ("trainer.epochs=abc", "optimizer.lrr=1", "trainer.epochs.x=1"):
            for overrides in ([mistake], ["optimizer.lr=0.1", mistake]):
                with pytest.raises(ConfigError, match=mistake.partition("=")[0].rpartition(".")[2]):
                    quick(overrides)


def test_experiment_can_ask_for_a_sweep(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "rates.yaml").write_text(
        "# @package _global_\nhydra:\n  mode: MULTIRUN\n  sweeper:\n    params:\n      optimizer.lr: 0.1,0.2\n"
    )
    with hydra_session(str(tmp_path)) as hydra:
        cfg = compose(hydra, ["experiment=rates"])
        assert cfg.hydra.mode.name == "MULTIRUN"
        assert cfg.hydra.sweeper.params == {"optimizer.lr": "0.1,0.2"}
