"""Completion: its candidates, compared with those of Hydra's own plugin."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from hydra._internal.utils import get_args_parser
from hydra.plugins.completion_plugin import DefaultCompletionPlugin

from mlcli.cli import run_names
from mlcli.cli.app import load_command
from mlcli.cli.command_line import split
from mlcli.cli.commands import (
    COMMANDS,
    FILTERS,
    FLAG_VALUES,
    FLAGS,
    HYDRA_FLAGS,
    RESUMED,
    SETTINGS,
    SHORT,
    TABLE_SETTINGS,
)
from mlcli.cli.complete import FILES_STATUS, complete, script
from mlcli.config import index
from mlcli.config.compose import hydra_session
from mlcli.config.schema import Config
from mlcli.run.resume import ALLOWED
from mlcli.store.record_schemas import STATUSES
from mlcli.store.stored_run import DAMAGED, NEWER

Ask = Callable[..., list[str]]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Candidates for a line, in an empty folder; for zsh and fish without their descriptions."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLCLI_OUTPUTS", raising=False)

    def candidates(line: str, shell: str = "zsh") -> list[str]:
        monkeypatch.setenv("_MLCLI_COMPLETE", shell)
        monkeypatch.setenv("_MLCLI_LINE", line)
        assert complete() == 0
        return [text.partition("\t")[0] for text in capsys.readouterr().out.splitlines()]

    return candidates


def test_commands(ask: Ask) -> None:
    assert ask("mlcli ") == list(COMMANDS)
    assert ask("mlcli tr") == ["train"]
    assert ask("MLCLI_OUTPUTS=here /usr/bin/mlcli c") == ["crossval", "compare", "completion"]
    assert ask("mlcli completion ") == ["bash", "zsh", "fish"]
    assert ask("mlcli list mod") == ["model"]
    assert ask("mlcli doctor ") == []


def test_groups_options_and_keys(ask: Ask) -> None:
    assert ask("mlcli train mod") == ["model="]
    assert ask("mlcli train model=l") == ["model=linear", "model=logistic_regression", "model=lstm"]
    assert "optimizer.lr=" in ask("mlcli train optimizer.")
    assert "optimizer._target_=" not in ask("mlcli train optimizer.")
    assert ask("mlcli train optimizer._") == ["optimizer._target_="]
    assert ask("mlcli train spl") == ["split."]
    assert ask("mlcli train swee") == ["sweep."]  # one option only: nobody picks it
    assert ask("mlcli train device.compile=") == ["device.compile=true", "device.compile=false"]
    assert "outputs=" in ask("mlcli train ")


def test_keys_are_those_of_the_option_chosen_before(ask: Ask) -> None:
    assert "model.hidden_size=" in ask("mlcli train model=lstm model.")
    assert "model.hidden_size=" not in ask("mlcli train model=mlp model.")
    assert ask("mlcli train model=linear model.") == ["model.freeze=", "model.init_from="]
    assert ask("mlcli train optimizer=sgd optimizer.mom") == ["optimizer.momentum="]
    assert ask("mlcli train -m optimizer=sgd,adam optimizer.mom") == ["optimizer.momentum="]
    assert ask("mlcli train ~scheduler scheduler.") == []


def test_a_sweeps_list(ask: Ask) -> None:
    assert ask("mlcli train -m model=lstm,li") == ["model=lstm,linear"]
    assert ask("mlcli train -m model=lstm,l") == ["model=lstm,linear", "model=lstm,logistic_regression"]
    assert ask("mlcli train -m model=lstm,li", "bash") == ["lstm,linear"]


def test_prefixes(ask: Ask, tmp_path: Path) -> None:
    assert ask("mlcli train ++optimizer.l") == ["++optimizer.lr="]
    assert ask("mlcli train ~sch") == ["~scheduler"]
    assert "~optimizer.lr" in ask("mlcli train ~optimizer.")
    (tmp_path / "conf" / "extra").mkdir(parents=True)
    (tmp_path / "conf" / "extra" / "mine.yaml").write_text("size: 1\n")
    assert ask("mlcli train +e")[-1:] == ["+extra="]
    assert ask("mlcli train +extra=") == ["+extra=mine"]
    assert ask("mlcli train +extra=mine extra.") == ["extra.size="]
    assert "+model=" not in ask("mlcli train +")  # Hydra refuses what is in the defaults list


def test_hydras_groups_and_flags(ask: Ask) -> None:
    assert "hydra/launcher=" in ask("mlcli train hydra/")
    assert ask("mlcli train hydra/launcher=") == [
        f"hydra/launcher={way}" for way in ("auto", "basic", "processes", "serial", "stack")
    ]
    assert ask("mlcli train hydra.s") == ["hydra.sweep."]
    assert ask("mlcli train model=mlp --mu") == ["--multirun"]
    assert ask("mlcli train --cfg ") == ["job", "hydra", "all"]
    assert ask("mlcli train -c j") == ["job"]
    assert ask("mlcli train --cfg=j") == ["--cfg=job"]
    assert ask("mlcli train --cfg=j", "bash") == ["job"]


@pytest.mark.parametrize("flag", ["--config-dir {}", "--config-dir={}", "-cd {}"])
def test_config_dir_adds_options(ask: Ask, tmp_path: Path, flag: str) -> None:
    (tmp_path / "mine" / "model").mkdir(parents=True)
    (tmp_path / "mine" / "model" / "local.yaml").write_text("# Mine\nmine: 1\n")
    assert ask(f"mlcli train {flag.format('mine')} model=loc") == ["model=local"]
    assert ask(f"mlcli train {flag.format('mine')} model=local model.m") == ["model.mine="]
    assert ask("mlcli train model=loc") == []


@pytest.mark.parametrize(
    "line", ["train --config-dir ", "train --config-dir=", "show ./", "evaluate last --save ", "train data.path=my"]
)
def test_files(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("_MLCLI_COMPLETE", "bash")
    monkeypatch.setenv("_MLCLI_LINE", f"mlcli {line}")
    assert complete() == FILES_STATUS
    assert capsys.readouterr().out == ""


def test_runs(ask: Ask, tmp_path: Path) -> None:
    for kind, run, name in (
        ("runs", "20260101-000000-aaaaaaaa", "mlp-digits"),
        ("runs", "20260102-000000-bbbbbbbb", "mlp-digits"),
        ("sweeps", "20260103-000000-cccccccc", "rates"),
        ("sweeps", "20260100-000000-eeeeeeee", "sweep over optimizer.lr, model"),  # a shell would split it
    ):
        folder = tmp_path / "outputs" / kind / run
        folder.mkdir(parents=True)
        record = f'{{\n "id": "{run}",\n "name": "{name}",\n "status": "FINISHED"\n}}'
        (folder / ("run.json" if kind == "runs" else "sweep.json")).write_text(record)
    everything = ask("mlcli show ")
    assert everything[0] == "last"
    assert set(everything[1:3]) == {"mlp-digits", "rates"}
    assert everything[3:] == [
        f"2026010{day}-000000-{letter * 8}" for day, letter in ((3, "c"), (2, "b"), (1, "a"), (0, "e"))
    ]
    assert ask("mlcli compare last ml") == ["mlp-digits"]
    assert ask("mlcli evaluate 20260101") == ["20260101-000000-aaaaaaaa"]
    assert ask("mlcli show last ") == []
    assert {word.partition("=")[0] for word in ask("mlcli evaluate last d")} == {"data", "device"}
    assert {word.partition("=")[0] for word in ask("mlcli resume last trainer.")} == {*RESUMED[:4]}
    assert RESUMED == ALLOWED


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_completes_its_options_and_values(name: str, ask: Ask, tmp_path: Path) -> None:
    """Options for every command, values of each option with choices, and runs where a command takes them."""
    (tmp_path / "outputs" / "runs" / "20260101-000000-aaaaaaaa").mkdir(parents=True)
    assert {*FLAGS.get(name, {}), "--help"} == {word for word in ask(f"mlcli {name} --") if word.startswith("--")} | {
        flag for flag in FLAGS.get(name, {}) if not flag.startswith("--")
    }
    for flag in FLAGS.get(name, {}):
        if values := FLAG_VALUES.get(flag):
            assert ask(f"mlcli {name} {flag} ") == list(values)
    argument = str(load_command(name).params[0].name)
    if argument in ("run", "runs"):
        assert "20260101-000000-aaaaaaaa" in ask(f"mlcli {name} ")


def test_filters_of_rm_complete(ask: Ask) -> None:
    assert ask("mlcli rm data=ir") == ["data=iris"]
    assert ask("mlcli logs last ") == [] and ask("mlcli rm last la") == ["last"]


def test_commands_and_flags_are_the_apps() -> None:
    for name in COMMANDS:
        command = load_command(name)
        options = [option for option in command.params if option.param_type_name == "option"]
        longs = {flag for option in options for flag in option.opts if flag.startswith("--")} - {"--help"}
        ours = set(FLAGS.get(name, {})) - (set(HYDRA_FLAGS) if name in ("train", "crossval") else set())
        assert longs == ours
        valued = {flag for option in options if not option.is_flag for flag in option.opts}
        assert {SHORT.get(flag, flag) for flag in valued} <= set(FLAG_VALUES)


def test_hydras_flags_are_hydras() -> None:
    actions = get_args_parser()._actions
    theirs = {name for action in actions for name in action.option_strings if name.startswith("--")}
    assert theirs - {"--help"} == {name for name in HYDRA_FLAGS if name.startswith("--")}
    for action in actions:
        if action.option_strings and action.nargs != 0 and action.dest != "shell_completion":
            assert {SHORT.get(name, name) for name in action.option_strings} <= set(FLAG_VALUES)
        if action.choices:
            assert FLAG_VALUES[action.option_strings[0]] == tuple(action.choices)


@pytest.fixture(scope="module")
def oracle() -> Iterator[DefaultCompletionPlugin]:
    with hydra_session() as hydra:
        yield DefaultCompletionPlugin(hydra.config_loader)


@pytest.mark.parametrize(
    "words",
    [
        *(f"{group}=" for group in index.HYDRA_GROUPS),
        *(f"{group}=" for group in index.groups()),
        *(f"model={name} model." for name in index.options("model") if name != "estimator"),  # has a hidden key alone
        *(f"optimizer={name} optimizer." for name in index.options("optimizer")),
        *(f"scheduler={name} scheduler." for name in index.options("scheduler")),
        *("trainer.", "device.", "tracking.", "split.", "model=l"),
        *("task=regression model.", "optimizer=sgd optimizer.lr="),
    ],
)
def test_answers_are_hydras(ask: Ask, oracle: DefaultCompletionPlugin, words: str) -> None:
    """Hydra also offers hidden keys, the elements of lists by index, and launchers of other packages."""
    theirs = {word for word in oracle._query("config", words) if "._" not in word} - {"hydra/launcher=joblib"}
    own = ask(f"mlcli train {words}")
    assert sorted(word.rstrip(".=") for word in own) == sorted(word.rstrip(".=") for word in theirs)


def test_split() -> None:
    assert split("mlcli  train a") == (["mlcli", "train", "a"], "")
    assert split("mlcli ") == (["mlcli", ""], "")
    assert split("a 'b c' \"d") == (["a", "b c", "d"], '"')
    assert split(r"a b\ c") == (["a", "b c"], "")
    assert split("") == ([""], "")


def test_nothing_is_imported_for_it() -> None:
    code = (
        "import os, sys; before = set(sys.modules)\n"
        "os.environ |= {'_MLCLI_COMPLETE': 'zsh', '_MLCLI_LINE': 'mlcli train model=lstm model.'}\n"
        "from mlcli.cli.complete import complete; complete()\n"
        "loaded = {name for name in set(sys.modules) - before if not name.startswith('mlcli')}\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "model.hidden_size=" in done.stdout


def test_unknown_shell() -> None:
    with pytest.raises(ValueError, match="bash, zsh, fish"):
        script("tcsh")


def test_crossval_takes_overrides_and_words_of_its_own(ask: Ask) -> None:
    assert {"folds=", "repeats=", "by=", "metric=", "model="} <= set(ask("mlcli crossval "))
    units = ("example", "group", "class", "time", "group:", "time:", "column:")
    assert ask("mlcli crossval by=") == [f"by={unit}" for unit in units]
    assert ask("mlcli crossval model=ls") == ["model=lstm"]


@pytest.mark.parametrize("kind", ["pipe", "control", "bytes", "long"])
def test_records_of_all_kinds_are_completed(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "runs" / "20260101-000000-aaaa1111"
    folder.mkdir(parents=True)
    path = folder / "run.json"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(
            {"control": b'{"name": "\x1b[2Jx"}', "bytes": b'{"name": "\xff"', "long": b" " * 10**7}[kind]
        )
    signal.alarm(10)
    name, _ = run_names._record(str(folder))
    signal.alarm(0)
    assert name.isprintable() and "\x1b" not in name


def test_names_in_the_records_of_runs_complete(ask: Ask, tmp_path: Path) -> None:
    run, trial = tmp_path / "outputs/runs/20260101-000000-aaaaaaaa", tmp_path / "outputs/sweeps/20260102-000000-b/0"
    for folder in (run, trial):
        folder.mkdir(parents=True)
    record = {"name": "x", "tracking": {"name": "mlflow", "experiment": "churn"}}
    (run / "run.json").write_text(json.dumps(record, indent=1))
    (trial.parent / "sweep.json").write_text(json.dumps(record | {"tracking": None}, indent=1))
    metrics = {"lr": 0.1, "val/loss": 1e-9, "test/loss": None, "test/f1/a b": 1, "val/it's": 1}
    (run / "result.json").write_text(json.dumps({"epochs": 1, "metrics": metrics, "seconds": 1}, indent=1))
    (trial / "metrics.jsonl").write_text(json.dumps({"epoch": 1, "metrics": {"val/gain": 1}}) + "\n")
    assert ask("mlcli runs --sort te") == ["test/loss"]
    assert set(ask("mlcli runs --sort ")) >= {
        "started",
        "seconds",
        "lr",
        "val/gain",
        "val/loss",
        "model",
        "optimizer",
    }
    assert ask("mlcli runs --sort -v") == ["-val/gain", "-val/loss"]
    assert "optimizer.momentum" in ask("mlcli runs --sort optimizer.m")
    assert ask("mlcli compare last --metric v") == ["val/gain", "val/loss"]
    assert ask("mlcli compare last --metric test") == []
    assert ask("mlcli sync --experiment ") == ["churn"]


def test_names_in_the_configs_complete(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "mine.yaml").write_text("trainer: {epochs: 3}\n")
    assert ask("mlcli train --config-name ") == ["config", "mine"]
    assert ask("mlcli train --cfg job --package t") == ["task", "tracking", "trainer"]


def test_settings_with_choices_complete(ask: Ask) -> None:
    stated: set[str] = set()
    for group in fields(Config):
        for field in fields(group.type) if is_dataclass(group.type) else ():
            if choices := field.metadata.get("choices"):
                stated.add(key := f"{group.name}.{field.name}")
                choices = (*choices, *(f"{each}:" for each in field.metadata.get("with_column", ())))
                assert ask(f"mlcli train {key}=") == [f"{key}={choice}" for choice in choices]
    assert set(SETTINGS) == stated | {"trainer.class_weights"}


def test_settings_of_tables_complete(ask: Ask) -> None:
    for key, choices in TABLE_SETTINGS.items():
        assert ask(f"mlcli train data=csv {key}=") == ask(f"mlcli data x.csv {key}=")
        assert set(ask(f"mlcli data x.csv {key}=")) == {f"{key}={choice}" for choice in choices}
    assert ask("mlcli data x.csv split.by=c") == ["split.by=class", "split.by=column:"]
    assert ask("mlcli data x.csv data.t") == ["data.target=", "data.test_path=", "data.time=", "data.types="]
    assert ask("mlcli data x.csv trainer.") == []
    assert "model.bins=" in ask("mlcli train data=csv model.")
    assert ask("mlcli train task=au") == ["task=auto"]


def test_filters_complete(ask: Ask) -> None:
    assert set(FILTERS["status"]) == {*STATUSES, DAMAGED, NEWER}
    for command in ("runs", "rm", "show", "compare", "logs", "evaluate", "export"):
        assert ask(f"mlcli {command} status=P") == ["status=PRUNED"]
        assert ask(f"mlcli {command} model=ls") == ["model=lstm"]
