"""The Typer app: `mlcli --help` is made from `commands.py`, and a command's module is imported when it is used."""

import sys
from collections.abc import Iterable
from importlib import import_module
from inspect import cleandoc
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from mlcli.cli.commands import COMMANDS, PANELS
from mlcli.cli.errors import user_errors

FUNCTIONS = {"list": "list_options"}  # of commands whose function cannot have the command's name
PASS_THROUGH = ("train", "crossval")  # unknown options are Hydra's flags
HELP = ("--help", "-h")
# What other tools call a command of mlcli.
OTHER_WORDS = {
    "cv": "crossval",
    "cross-validate": "crossval",
    "delete": "rm",
    "diff": "compare",
    "eval": "evaluate",
    "fit": "train",
    "infer": "predict",
    "inference": "predict",
    "log": "logs",
    "ls": "runs",
    "mlflow": "ui",
    "models": "list model",
    "datasets": "list data",
    "experiments": "list experiments",
    "ps": "runs",
    "remove": "rm",
    "continue": "resume",
    "restart": "resume",
    "reproduce": "verify",
    "run": "train",
    "sweep": "train -m",
    "tail": "logs -f",
    "test": "evaluate",
    "tune": "train -m",
    "validate": "evaluate --split val",
}


class CommandGroup(TyperGroup):
    """Lists commands that are loaded when they are used: each is in the module of `mlcli.cli` that has its name."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for panel, commands in PANELS.items():
            for name, text in commands.items():
                self.add_command(TyperCommand(name, help=f"{text}.", rich_help_panel=panel))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, listed, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name else listed, rest


def load_command(name: str) -> Any:
    """The command of that name, from its function in `mlcli.cli.NAME`."""
    function = getattr(import_module(f"mlcli.cli.{name}"), FUNCTIONS.get(name, name))
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    settings = {"ignore_unknown_options": name in PASS_THROUGH}
    single.command(name, help=_unwrapped(function.__doc__ or ""), context_settings=settings)(function)
    return typer.main.get_command(single)


def _unwrapped(docstring: str) -> str:
    """Each paragraph as one line, which Typer wraps to the width of the terminal."""
    paragraphs = cleandoc(docstring).split("\n\n")
    return "\n\n".join(text if text[:1] == " " else " ".join(text.split()) for text in paragraphs)


app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": list(HELP)},
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Deep-learning experiments from the command line.",
    epilog="Start with: mlcli train model=lstm",
)


def print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"mlcli {version('mlcli')}")
        raise typer.Exit


@app.callback()
def group(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Makes the app a group, although no command is registered in it."""


def print_help(name: str) -> None:
    """The help of one command, without parsing arguments, for which Typer imports pydantic: half of the time."""
    group, command = typer.main.get_command(app), load_command(name)
    parent = typer.Context(group, info_name="mlcli", **group.context_settings)
    typer.echo(command.get_help(typer.Context(command, parent, name, **command.context_settings)))


def main() -> None:
    """Runs the command line. Usage errors of Typer become one line on stderr and exit status 2."""
    arguments = sys.argv[1:] or ["--help"]
    if len(arguments) == 2 and arguments[0] in COMMANDS and arguments[1] in HELP:
        print_help(arguments[0])
        raise SystemExit(0)
    try:
        status = app(arguments, prog_name="mlcli", standalone_mode=False)  # also by python -m
    except Exception as error:
        if not hasattr(error, "format_message"):  # that of Typer's own exceptions, and of click's in earlier versions
            raise
        with user_errors():
            from mlcli.config.errors import ConfigError

            raise ConfigError(_usage(error, arguments)) from error
    raise SystemExit(status or 0)


def _usage(error: Any, arguments: list[str]) -> str:
    """A usage error of Typer in one sentence, with the nearest existing name."""
    from mlcli.config.errors import suggest

    context: Any = getattr(error, "ctx", None)
    path = (
        context.command_path if context else f"mlcli {arguments[0]}"
    )  # no context: the value of an option is invalid
    if hasattr(error, "possibilities"):
        options = [name for each in context.command.get_params(context) for name in each.opts if name[:2] == "--"]
        return f"There is no option {error.option_name} of `{path}`.{suggest(error.option_name, options)}"
    if hasattr(getattr(context, "command", None), "commands"):
        word = next((each for each in arguments if each[:1] != "-"), "")
        return f"There is no command {word!r}.{_instead(word, arguments, context.command.commands)}"
    sentence = error.format_message().replace("Value error, ", "").rstrip(".")
    sentence = sentence.replace(
        "Got unexpected extra argument(s)", "There are more arguments than the command takes:"
    )
    return f"{sentence}. See `{path} --help`."


def _instead(word: str, arguments: list[str], commands: Iterable[str]) -> str:
    """What to use instead of a command that does not exist."""
    from mlcli.config.errors import suggest

    if "=" in word:
        return f" Use `mlcli train {word}`."
    if word == "version":
        return " Use `mlcli --version`."
    if word == "help":
        return f" Use `mlcli {next((each for each in arguments if each in COMMANDS), '')} --help`.".replace("  ", " ")
    if other := OTHER_WORDS.get(word):
        return f" Use `mlcli {other}`."
    return suggest(word, commands)
