"""Usage errors of Typer as messages of mlcli."""

import sys
from importlib.metadata import version

import pytest

from mlcli.cli.app import OTHER_WORDS, main
from mlcli.cli.commands import COMMANDS

WRONG = {
    "runs --sorts x": "There is no option --sorts of `mlcli runs`. Did you mean --sort?",
    "runs -z": "There is no option -z of `mlcli runs`. Choices: --help, --json,",
    "sync --all": "There is no option --all of `mlcli sync`. Choices: --experiment,",
    "runs --limit x": "Invalid value for '-n' / '--limit'",
    "runs --limit": "Option '--limit' requires an argument. See `mlcli runs --help`.",
    "runs --json=3": "Option '--json' does not take a value. See `mlcli runs --help`.",
    "evaluate": "Missing argument 'RUN'. See `mlcli evaluate --help`.",
    "predict": "Missing argument 'RUN'.",
    "serve last more": "more arguments than the command takes: (more). See `mlcli serve --help`.",
    "serve last --port 99999": "Invalid value for '--port'",
    "show one two": "(two)",
    "compare": "Missing argument 'RUN'.",
    "ui --port x": "Invalid value for '--port'",
    "list model data": "(data)",
    "doctor --outputs": "Option '--outputs' requires an argument.",
    "completion": "Missing argument 'shell'. Choose from: bash, zsh, fish. See",
    "completion tcsh": "Invalid value for 'shell': 'tcsh' is not one of 'bash', 'zsh', 'fish'. See",
    "--versoin": "There is no option --versoin of `mlcli`. Did you mean --version?",
    "help": "There is no command 'help'. Use `mlcli --help`.",
    "help train": "There is no command 'help'. Use `mlcli train --help`.",
    "version": "There is no command 'version'. Use `mlcli --version`.",
    "ls": "There is no command 'ls'. Use `mlcli runs`.",
    "fit model=lstm": "There is no command 'fit'. Use `mlcli train`.",
    "trian model=lstm": "There is no command 'trian'. Did you mean train?",
    "runs --limit -3": "Invalid value for '-n' / '--limit'",
    "ui --port 99999": "Invalid value for '--port'",
    "ui --uri nonsense": "nonsense is not the address of an MLflow store: use http://HOST:PORT, or sqlite:///FILE.db",
    "sync --outputs nowhere": "There is no run under nowhere: use `mlcli train` first, or --outputs FOLDER.",
    "predict in.csv": "predict takes a run and a file of inputs, as in `mlcli predict last inputs.csv`",
    "model=lstm": "There is no command 'model=lstm'. Use `mlcli train model=lstm`.",
}


def run(line: str, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(sys, "argv", ["mlcli", *line.split()])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


@pytest.mark.parametrize("line", WRONG)
def test_wrong_usage_is_one_line(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(line, monkeypatch) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("error: ") and printed.err.count("\n") == 1
    assert WRONG[line] in printed.err and printed.err.rstrip()[-1] in ".?"


@pytest.mark.parametrize("line", ["", "--help", "runs -h"])
def test_help_is_a_success(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line, monkeypatch) == 0
    printed = capsys.readouterr()
    assert "Usage: mlcli" in printed.out and printed.err == ""


@pytest.mark.parametrize("line", ["--version", "-V"])
def test_the_version(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line, monkeypatch) == 0
    assert capsys.readouterr().out == f"mlcli {version('mlcli')}\n"


def test_other_words_for_commands_name_commands() -> None:
    assert {words.split()[0] for words in OTHER_WORDS.values()} <= COMMANDS.keys()
    assert not OTHER_WORDS.keys() & COMMANDS.keys()


def test_a_command_without_a_mistake_ends_with_0(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("list model", monkeypatch) == 0
