"""The commands. Only names and help live here and in the files imported; what is heavy is imported when run."""

import typer

from mlcli.cli.compare import compare
from mlcli.cli.completion_script import completion
from mlcli.cli.crossval import crossval
from mlcli.cli.doctor import doctor
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
