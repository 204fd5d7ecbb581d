"""`mlcli predict`: predictions of a finished run for new inputs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlcli.cli.errors import user_errors
from mlcli.cli.options import ConfigDir, Outputs, expanded
from mlcli.config.printable import printable

if TYPE_CHECKING:
    import pandas as pd


def predict(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A folder, id, unique prefix of an id, name, or `last`.")],
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            callback=expanded,
            help="Inputs: a table, .json, .npy, .npz, .txt, .png, .jpg, a folder of images, or - for CSV on stdin.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            callback=expanded,
            help="A .csv, .parquet, .json or .jsonl file; default stdout.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, in the format of the server.")] = False,
    keep: Annotated[
        list[str] | None, typer.Option(help="A column of the input table to put before the predictions, as an id.")
    ] = None,
    with_inputs: Annotated[bool, typer.Option("--with-inputs", help="All columns of the input table.")] = False,
    prompt: Annotated[str | None, typer.Option(help="The text that a language model continues.")] = None,
    tokens: Annotated[int, typer.Option(min=1, help="How many tokens to generate after a prompt.")] = 200,
    temperature: Annotated[
        float,
        typer.Option(
            min=0, help="1: the model's probabilities; less: favours likely tokens; 0: always the most likely."
        ),
    ] = 0.8,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Random seed of the sampled tokens.")] = 0,
    outputs: Outputs = None,
    config_dir: ConfigDir = None,
) -> None:
    """Predict for each row of a file or image of a folder, or continue a prompt, with the run's best weights."""
    from mlcli.cli.output import outputs_folder, print_note
    from mlcli.config.errors import ConfigError
    from mlcli.run.user_configs import add_configs
    from mlcli.store.find import find_run

    with user_errors():
        add_configs(config_dir)
        if (file is None) == (prompt is None):
            raise ConfigError(
                "predict takes a run and a file of inputs, as in `mlcli predict last inputs.csv`; with a language "
                "model, --prompt TEXT."
            )
        folder = find_run(run, outputs_folder(outputs)).folder.path
        if prompt is not None:
            _continue(folder, prompt, as_json, (tokens, temperature, seed))
        elif file is not None:
            from mlcli.serve.predictions import predict_file

            wanted = None if with_inputs else keep or ()
            _write(predict_file(folder, file, wanted, print_note), output, as_json)


def _continue(folder: Path, prompt: str, as_json: bool, sampling: tuple[int, float, int]) -> None:
    """Prints a text and how the language model continues it. sampling: tokens, temperature, seed."""
    from mlcli.cli.output import print_json
    from mlcli.serve.generate import generate

    generated = generate(folder, prompt, *sampling)
    if as_json:
        print_json({"prompt": prompt, "generated": generated})
    else:
        _print(prompt + generated + "\n")


def _write(table: "pd.DataFrame", output: Path | None, as_json: bool) -> None:
    from mlcli.serve.formats import to_csv, to_json, write_table

    if output is None:
        _print(to_json(table) if as_json else to_csv(table))
    else:
        write_table(table, output, as_json)


def _print(text: str) -> None:
    """Prints text unchanged to a file or pipe, and without control characters to a terminal."""
    from mlcli.cli.output import write

    write(printable(text) if sys.stdout.isatty() else text)
