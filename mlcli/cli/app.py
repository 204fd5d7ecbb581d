"""The commands. Only names and help live here and in the files imported; what is heavy is imported when run."""

import sys
from typing import Any

import typer

from mlcli.cli.compare import compare
from mlcli.cli.completion import completion
from mlcli.cli.crossval import crossval
from mlcli.cli.doctor import doctor
from mlcli.cli.errors import user_errors
from mlcli.cli.evaluate import evaluate
from mlcli.cli.list import list_options
from mlcli.cli.predict import predict
from mlcli.cli.runs import runs
from mlcli.cli.serve import serve
from mlcli.cli.show import show
from mlcli.cli.sync import sync
from mlcli.cli.train import train
from mlcli.cli.ui import ui

TRAINING, LOOKING, SETTING_UP = "Train and evaluate", "Look at runs", "Set up"
PASS_THROUGH = {"ignore_unknown_options": True}  # Hydra's flags are Hydra's to read

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Deep-learning experiments from the command line.",
    epilog="Start with: mlcli train model=lstm",
)
app.command(rich_help_panel=TRAINING, context_settings=PASS_THROUGH)(train)
app.command(rich_help_panel=TRAINING, context_settings=PASS_THROUGH)(crossval)
app.command(rich_help_panel=TRAINING)(evaluate)
app.command(rich_help_panel=TRAINING)(predict)
app.command(rich_help_panel=TRAINING)(serve)
app.command(rich_help_panel=LOOKING)(runs)
app.command(rich_help_panel=LOOKING)(show)
app.command(rich_help_panel=LOOKING)(compare)
app.command(rich_help_panel=LOOKING)(ui)
app.command("list", rich_help_panel=SETTING_UP)(list_options)
app.command(rich_help_panel=SETTING_UP)(doctor)
app.command(rich_help_panel=SETTING_UP)(sync)
app.command(rich_help_panel=SETTING_UP)(completion)


def main() -> None:
    """The command line. What Typer says of a wrong command, option or value is one line and status 2."""
    arguments = sys.argv[1:] or ["--help"]
    try:
        status = app(arguments, standalone_mode=False)
    except Exception as error:
        if not hasattr(error, "format_message"):  # that of Typer's own exceptions, and of click's in earlier versions
            raise
        with user_errors():
            from mlcli.config.errors import ConfigError

            raise ConfigError(_usage(error, arguments)) from error
    raise SystemExit(status or 0)


def _usage(error: Any, arguments: list[str]) -> str:
    """A usage error of Typer in one sentence, with the nearest name that exists."""
    from mlcli.config.errors import suggest

    context: Any = getattr(error, "ctx", None)
    path = (
        context.command_path if context else f"mlcli {arguments[0]}"
    )  # without one, what is wrong is an option's value
    if hasattr(error, "possibilities"):
        options = [name for each in context.command.get_params(context) for name in each.opts if name[:2] == "--"]
        return f"There is no option {error.option_name} of `{path}`.{suggest(error.option_name, options)}"
    if hasattr(getattr(context, "command", None), "commands"):
        word = next((each for each in arguments if each[:1] != "-"), "")
        hint = f" Use `mlcli train {word}`." if "=" in word else suggest(word, context.command.commands)
        return f"There is no command {word!r}.{hint}"
    sentence = error.format_message().replace("Value error, ", "").rstrip(".")
    sentence = sentence.replace(
        "Got unexpected extra argument(s)", "There are more arguments than the command takes:"
    )
    return f"{sentence}. See `{path} --help`."
