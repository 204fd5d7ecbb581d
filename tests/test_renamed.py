"""Old words work wherever they did, and are answered once by a line with the new one."""

import importlib
import json
from pathlib import Path

import pytest

from mlcli import renamed
from mlcli.config.compose import compose, hydra_session, to_run, to_yaml
from mlcli.config.index import groups, options
from mlcli.config.locate import locate
from mlcli.config.settings import Settings
from mlcli.config.trials import TrialComposer
from mlcli.store.folder import RunFolder
from mlcli.store.query import query
from mlcli.traits import TaskTraits

LINE = "{} is now {}; the old name works until the next release\n"


@pytest.fixture(autouse=True)
def tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words of these tests besides those that have changed."""
    monkeypatch.setattr(renamed, "_announced", set())
    monkeypatch.setitem(renamed.KEYS, "trainer.rounds", "trainer.epochs")
    monkeypatch.setitem(renamed.KEYS, "divide", "split")
    monkeypatch.setitem(renamed.OPTIONS, "model", {"feedforward": "mlp", "memory": "lstm"})
    monkeypatch.setitem(renamed.METRICS, "hits", "accuracy")
    monkeypatch.setitem(renamed.TARGETS, "mlcli.model.mlp.Perceptron", "mlcli.model.mlp.MLP")


def composed(*overrides: str, config_dir: Path | None = None) -> Settings:
    with hydra_session(str(config_dir) if config_dir else None) as hydra:
        return to_run(compose(hydra, list(overrides)))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("trainer.rounds=3", "trainer.epochs=3"),
        ("+trainer.rounds=3", "+trainer.epochs=3"),
        ("++trainer.rounds=1,2", "++trainer.epochs=1,2"),
        ("~trainer.rounds", "~trainer.epochs"),
        ("divide.val=0.1", "split.val=0.1"),
        ("model=feedforward", "model=mlp"),
        ("model=feedforward,lstm", "model=mlp,lstm"),
        ("model=choice(gru, 'feedforward')", "model=choice(gru, 'mlp')"),
        ("+model@other=feedforward", "+model@other=mlp"),
        ("model=my_feedforward", "model=my_feedforward"),
        ("name='${trainer.rounds} of ${divide.val}'", "name='${trainer.epochs} of ${split.val}'"),
        ("trainer.roundsman=3", "trainer.roundsman=3"),
        ("name=feedforward", "name=feedforward"),
        ("nothing", "nothing"),
        ("", ""),
    ],
)
def test_overrides(typed: str, meant: str) -> None:
    assert renamed.override(typed) == meant


def test_a_word_is_answered_once(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        renamed.override("trainer.rounds=3")
        renamed.override("trainer.rounds=4")
    assert capsys.readouterr().err == LINE.format("trainer.rounds", "trainer.epochs")


def test_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    cfg = composed("trainer.rounds=3", "model=memory", "trainer.monitor=val/hits")
    assert (cfg.trainer.epochs, cfg.trainer.monitor) == (3, "val/accuracy")
    assert cfg.model._target_ == "mlcli.model.lstm.LSTM"
    lines = [("trainer.rounds", "trainer.epochs"), ("model=memory", "model=lstm"), ("val/hits", "val/accuracy")]
    assert capsys.readouterr().err == "".join(LINE.format(*line) for line in lines)


def test_new_words_are_answered_by_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    composed("trainer.epochs=3", "model=lstm", "trainer.monitor=val/accuracy")
    assert capsys.readouterr().err == ""


def test_an_option_of_the_users_own_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "memory.yaml").write_text("_target_: mlcli.model.gru.GRU\n")
    assert composed("model=memory", config_dir=tmp_path).model._target_ == "mlcli.model.gru.GRU"


def test_config_files_of_the_user(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Keys below a package of their own, keys of a whole experiment, defaults lists, targets and interpolations."""
    for group in ("trainer", "experiment", "model"):
        (tmp_path / group).mkdir()
    (tmp_path / "trainer" / "short.yaml").write_text("defaults: [default]\nrounds: 2\n")
    (tmp_path / "model" / "own.yaml").write_text("_target_: mlcli.model.mlp.Perceptron\n")
    experiment = (
        "# @package _global_\ndefaults: [override /model: memory]\ntrainer: {rounds: 5}\nname: r${trainer.rounds}"
    )
    (tmp_path / "experiment" / "mine.yaml").write_text(f"{experiment}\ndivide:\n  val: 0.1\n")
    assert composed("trainer=short", "model=own", config_dir=tmp_path).trainer.epochs == 2
    assert composed("model=own", config_dir=tmp_path).model._target_ == "mlcli.model.mlp.MLP"
    cfg = composed("experiment=mine", config_dir=tmp_path)
    assert (cfg.trainer.epochs, cfg.split.val, cfg.name) == (5, 0.1, "r5")
    assert cfg.model._target_ == "mlcli.model.lstm.LSTM"
    told = capsys.readouterr().err
    assert told.count("\n") == 4 and LINE.format("trainer.rounds", "trainer.epochs") in told


def test_trials_of_a_sweep(tmp_path: Path) -> None:
    """Typed, and in the params and variants of an experiment, whose keys are overrides."""
    (tmp_path / "experiment").mkdir()
    sweeper = "params: {trainer.rounds: '1,2'}\n    variants: {a: trainer.rounds=7 model=memory}"
    text = f"# @package _global_\nhydra:\n  mode: MULTIRUN\n  sweeper:\n    {sweeper}\n"
    (tmp_path / "experiment" / "mine.yaml").write_text(text)
    with hydra_session(str(tmp_path)) as hydra:
        cfg = compose(hydra, ["experiment=mine"], multirun=True)
        assert dict(cfg.hydra.sweeper.params) == {"trainer.epochs": "1,2"}
        assert dict(cfg.hydra.sweeper.variants) == {"a": "trainer.epochs=7 model=lstm"}
        sweep = compose(hydra, ["trainer.rounds=1,2", "trainer.monitor=val/loss,val/hits"], multirun=True)
        assert list(sweep.hydra.overrides.task) == ["trainer.epochs=1,2", "trainer.monitor=val/loss,val/hits"]
        trial = TrialComposer(hydra.config_loader, sweep)(["trainer.epochs=2", "trainer.monitor=val/hits"])
        assert (trial.trainer.epochs, trial.trainer.monitor) == (2, "val/accuracy")


def test_the_config_that_is_shown() -> None:
    with hydra_session() as hydra:
        cfg = compose(hydra, ["trainer.rounds=3", "trainer.monitor=val/hits"])
        shown = to_yaml(hydra, cfg, "job", None, resolve=False)
    assert "epochs: 3" in shown and "rounds" not in shown and "monitor: val/accuracy" in shown


def test_a_metric_of_the_task_itself_keeps_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    task = locate("mlcli.task.classification.Classification")
    monkeypatch.setattr(task, "traits", TaskTraits(directions={"hits": "max"}))
    assert composed("trainer.monitor=val/hits").trainer.monitor == "val/hits"


def test_records() -> None:
    stored = {
        "monitor": "val/hits",
        "metrics": {"val/hits": 1.0, "hits/cat": 0.5, "train/loss": 2.0},
        "trials": [{"swept": {"trainer.rounds": 3}, "metrics": {"test/hits/dog": 1.0}}],
        "name": "hits",
    }
    assert renamed.record(stored) == {
        "monitor": "val/accuracy",
        "metrics": {"val/accuracy": 1.0, "accuracy/cat": 0.5, "train/loss": 2.0},
        "trials": [{"swept": {"trainer.epochs": 3}, "metrics": {"test/accuracy/dog": 1.0}}],
        "name": "hits",
    }
    assert renamed.record(stored, own=lambda name: True)["metrics"] == stored["metrics"]


def test_filters_and_sorting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, accuracy in (("one", 0.25), ("two", 0.75)):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        record = {"id": name, "name": name, "status": "FINISHED", "started": 1.0, "command": "", "host": "", "pid": 1}
        (folder / "run.json").write_text(json.dumps(record))
        result = {"best_epoch": 1, "seconds": 1.0, "metrics": {"test/accuracy": accuracy}}
        (folder / "result.json").write_text(json.dumps(result))
        (folder / "config.yaml").write_text(f"trainer: {{rounds: {len(name)}, monitor: val/accuracy}}\n")
    assert [row["name"] for row in query(tmp_path, [], "test/hits")] == ["two", "one"]
    assert capsys.readouterr().err == LINE.format("test/hits", "test/accuracy")
    assert len(query(tmp_path, ["trainer.rounds=3", "trainer.monitor=val/hits"], "started")) == 2
    assert capsys.readouterr().err.count("\n") == 2
    monitored = tmp_path / "runs" / "one" / "config.yaml"
    monitored.write_text("trainer: {monitor: val/hits}\n")  # as an earlier version stored it
    assert RunFolder(monitored.parent).config().trainer.monitor == "val/accuracy"
    for name in ("val/hits", "val/accuracy"):
        assert len(query(tmp_path, [f"trainer.monitor={name}"], "started")) == 2
    record = json.loads((monitored.parent / "run.json").read_text())
    own = record | {"directions": {"hits": "max"}}  # of the task of the user
    (monitored.parent / "run.json").write_text(json.dumps(own))
    (tmp_path / "runs" / "two" / "config.yaml").write_text("trainer: {monitor: val/loss}\n")
    renamed._announced.clear()
    (row,) = query(tmp_path, ["trainer.monitor=val/hits"], "started")
    assert row["name"] == "one" and RunFolder(monitored.parent).config().trainer.monitor == "val/hits"
    assert capsys.readouterr().err == ""  # nothing is renamed


def test_stored_configs() -> None:
    stored = {"trainer": {"rounds": 3}, "model": {"_target_": "mlcli.model.mlp.Perceptron"}, "divide": None}
    new = {"trainer": {"epochs": 3}, "model": {"_target_": "mlcli.model.mlp.MLP"}, "split": None}
    assert renamed.config(stored) == new
    assert renamed.config({"answer": None, "trainer": {"watch": True}}) == {
        "conclusion": None,
        "trainer": {"layer_statistics": True},
    }


def test_what_the_tables_hold() -> None:
    """New words are there, keys stay in their group, and no old word is a new one too."""
    for old, new in renamed.KEYS.items():
        assert old.rpartition(".")[0] == new.rpartition(".")[0]
    for group, names in renamed.OPTIONS.items():
        assert (
            group in groups() and set(names.values()) <= set(options(group)) and not set(names) & set(options(group))
        )
    for target in renamed.TARGETS.values():
        module, _, name = target.rpartition(".")
        assert hasattr(importlib.import_module(module), name), target
    for table in (renamed.KEYS, renamed.METRICS, renamed.TARGETS, *renamed.OPTIONS.values()):
        assert not set(table) & set(table.values())


@pytest.mark.parametrize("source", ["command line", "file"])
def test_the_strategy_of_a_launcher(source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "experiment").mkdir()
    file = "# @package _global_\nhydra:\n  launcher:\n    way: serial\n"
    (tmp_path / "experiment" / "own.yaml").write_text(file)
    override = "hydra.launcher.way=serial" if source == "command line" else "experiment=own"
    with hydra_session(str(tmp_path)) as hydra:
        cfg = compose(hydra, [override, "trainer.seed=1,2"], True)
    assert cfg.hydra.launcher.strategy == "serial"
    assert capsys.readouterr().err == LINE.format("hydra.launcher.way", "hydra.launcher.strategy")
