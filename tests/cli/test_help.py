"""Help is made from `commands.py`; a command's module is imported when the command runs or prints its own help."""

import subprocess
import sys

import pytest

from mlcli.cli.app import load_command, print_help
from mlcli.cli.commands import COMMANDS

CODE = """
import sys
sys.argv = ['mlcli', *{arguments!r}]
from mlcli.__main__ import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(*(name for name in {commands!r} if f'mlcli.cli.{{name}}' in sys.modules), file=sys.stderr)
"""


def loaded(*arguments: str) -> tuple[str, list[str]]:
    """What `mlcli ARGUMENTS` prints, and the commands whose modules it imports."""
    code = CODE.format(arguments=arguments, commands=list(COMMANDS))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout, done.stderr.split()


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_loads_no_commands_module(arguments: list[str]) -> None:
    printed, modules = loaded(*arguments)
    assert modules == []
    assert all(name in printed for name in COMMANDS)


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_a_commands_help_loads_its_module_alone(flag: str) -> None:
    printed, modules = loaded("runs", flag)
    assert modules == ["runs"]
    assert "Usage: mlcli runs" in printed and "--limit" in printed and "mlcli runs --sort" in printed


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_as_its_own_help_begins(name: str) -> None:
    command = load_command(name)
    assert command.name == name
    verb, what = COMMANDS[name].split()[:2]
    assert command.help.startswith(f"{verb} ") and what.strip(",:") in command.help


@pytest.mark.parametrize("name", COMMANDS)
def test_a_usage_line_names_its_arguments_once(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a bracket in a bracket, and with paragraphs of its text that fill the line."""
    monkeypatch.setenv("COLUMNS", "80")
    print_help(name)
    lines = capsys.readouterr().out.splitlines()
    (usage,) = [line for line in lines if "Usage:" in line]
    assert "[[" not in usage
    if name == "train":
        assert any(line.strip().startswith("Overrides select") for line in lines)
        assert not any(line.strip().endswith("--cfg job") for line in lines)
