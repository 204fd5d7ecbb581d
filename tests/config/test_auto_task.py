"""Options that a data set states, and task=auto, in runs and in trials."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from mlcli.config import index
from mlcli.config.auto_task import command_with_task
from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.config.errors import ConfigError
from mlcli.config.job import as_typed, chosen_options
from mlcli.config.settings import Settings
from mlcli.config.trials import TrialComposer

HOUSES = "Größe,kind,Sale price\n" + "".join(
    f"{30 + i},{'flat' if i % 3 else 'house'},{i * 1.5}\n" for i in range(30)
)


@pytest.fixture(autouse=True)
def _in_a_folder_with_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("houses.csv").write_text(HOUSES)


def composed(*overrides: str) -> tuple[Settings, dict[str, str], list[str]]:
    with hydra_session() as hydra:
        cfg = compose(hydra, list(overrides))
        options, typed = chosen_options(cfg.hydra), as_typed(cfg.hydra.overrides.task)
        assert index.chosen(_choices(typed)).items() >= options.items()
        return to_run(cfg), options, typed


def _choices(overrides: Iterable[str]) -> dict[str, str]:
    pairs = [text.partition("=")[::2] for text in overrides]
    return {key: value for key, value in pairs if "." not in key}


TABLE = ("data=csv", "data.path=houses.csv")


@pytest.mark.parametrize(("target", "task"), [("Sale price", "regression"), ("kind", "classification")])
def test_the_target_decides(target: str, task: str) -> None:
    cfg, options, overrides = composed(*TABLE, f"data.target={target}")
    assert cfg.task._target_.startswith(f"mlcli.task.{task}.")
    assert (options["task"], options["model"], cfg.data.target) == (task, "tabm", target)
    assert overrides[-1] == f"task={task}" and "task=auto" not in overrides
    again, *_ = composed(*overrides)
    assert again == cfg


def test_settings_of_the_task_that_auto_becomes() -> None:
    cfg, *_ = composed(*TABLE, "data.target=kind", "task.label_smoothing=0.1")
    assert cfg.task.label_smoothing == 0.1
    with pytest.raises(ConfigError, match=r"task\.label_smoothing"):
        composed(*TABLE, "data.target=Größe", "task.label_smoothing=0.1")


@pytest.mark.parametrize(
    ("overrides", "task", "model"),
    [
        (("data=csv",), "auto", "tabm"),
        (("data=csv", "task=regression"), "regression", "tabm"),  # linear is for its own data
        (("data=csv", "task=classification"), "classification", "tabm"),
        (("data=csv", "task=clustering"), "clustering", "kmeans"),
        (("data=csv", "model=mlp"), "auto", "mlp"),
        (("data=csv", "experiment=mine"), "regression", "linear"),
        (("experiment=mine",), "regression", "linear"),
        (("experiment=mine", "task=classification"), "classification", "linear"),
        (("task=mine",), "mine", "gru"),  # which names the data
        (("data=houses",), "auto", "mlp"),  # extends csv
        (("task=regression",), "regression", "linear"),
        ((), "classification", "mlp"),
    ],
)
def test_precedence(overrides: tuple[str, ...], task: str, model: str) -> None:
    """Command line > experiment > task > data > config."""
    for name, text in {
        "experiment": "# @package _global_\n# Mine\ndefaults:\n  - override /data: csv\n"
        "  - override /task: regression\n  - override /model: linear\n",
        "task": "# Mine\ndefaults:\n  - override /data@_global_.data: csv\n"
        "  - override /model@_global_.model: gru\n\n_target_: mlcli.task.regression.Regression\n",
    }.items():
        Path(f"conf/{name}").mkdir(parents=True)
        Path(f"conf/{name}/mine.yaml").write_text(text)
    Path("conf/data").mkdir()
    own = "# Houses\ndefaults:\n  - csv\n  - override /model@_global_.model: mlp\n\npath: houses.csv\ntarget: kind\n"
    Path("conf/data/houses.yaml").write_text(own)
    with hydra_session() as hydra:
        choices = compose(hydra, overrides, resolve=False).hydra.runtime.choices
        found = index.chosen(_choices(overrides))
        assert (choices.task, choices.model) == (found["task"], found["model"]) == (task, model)
        if task == "auto" and "data=houses" in overrides:
            assert compose(hydra, overrides).hydra.runtime.choices.task == "classification"


def test_auto_with_other_data() -> None:
    assert composed("task=auto")[1]["task"] == "classification"
    assert composed("task=auto", "data=house_prices")[1]["task"] == "regression"
    with pytest.raises(ConfigError, match="task=auto: data=multi_label_toy has neither a class nor a number"):
        composed("task=auto", "data=multi_label_toy", "data.examples=50")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("data=csv",), r"data\.path is not given"),
        (TABLE, r"data\.target is not given"),
        ((*TABLE, "data.target=Größ"), "Did you mean Größe"),
        ((*TABLE, "data.target=kind", "data.types=zip"), r"data\.types=zip: must be"),
        ((*TABLE, "data.target=kind", "data.pth=1"), r"data\.pth"),
        (("data=csv", "data.path=house.csv", "data.target=kind"), "there is no file .*house.csv"),
    ],
)
def test_mistakes_in_the_data(overrides: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        composed(*overrides)


def test_each_trial_has_its_task() -> None:
    with hydra_session() as hydra:
        sweep = compose(hydra, [*TABLE, "data.target=kind,Größe", "task.metrics=null"], multirun=True)
        assert sweep.hydra.overrides.task[2] == "data.target='kind','Größe'"
        composer = TrialComposer(hydra.config_loader, sweep)
        for target, task in (("kind", "classification"), ("'Größe'", "regression"), ("kind", "classification")):
            overrides = composer.resolved([*TABLE, f"data.target={target}", "model=tabm", "task=auto"])
            assert overrides[-1] == f"task={task}" and composer.resolved(overrides) == overrides
            made = composer(overrides)
            assert made == to_run(compose(hydra, overrides))
            assert composer.options[composer.groups(overrides)]["task"] == task
        assert len(composer.tasks) == 2


def test_a_sweep_over_data_has_the_options_of_each() -> None:
    with hydra_session() as hydra:
        sweep = compose(hydra, ["data=csv,iris", "data.path=houses.csv", "data.target=kind"], multirun=True)
        composer = TrialComposer(hydra.config_loader, sweep)
        table = composer.resolved([*TABLE, "data.target=kind"])
        assert [*table[-2:]] == ["model=tabm", "task=classification"]
        assert "TabM" in composer(table).model._target_
        other = composer.resolved(["data=iris"])
        assert other == ["data=iris"] and "MLP" in composer(other).model._target_


def test_the_command_names_the_task() -> None:
    assert command_with_task("mlcli train data=csv 'name=a b'", ["data=csv", "model=tabm", "task=regression"]) == (
        "mlcli train data=csv 'name=a b' task=regression"
    )
    assert command_with_task("mlcli train task=auto", ["task=classification"]) == "mlcli train task=classification"
    assert command_with_task("mlcli train task=mine x", ["task=mine"]) == "mlcli train task=mine x"
    assert command_with_task("mlcli train", []) == "mlcli train"


def test_a_password_is_refused_unread() -> None:
    for overrides in (["data=csv", "data.url=postgresql://me:secret@host/db"], ["+data.url='x://me:secret@host'"]):
        with pytest.raises(ConfigError, match=r"use data\.url=env:NAME") as error:
            composed(*overrides)
        assert "secret" not in str(error.value)
