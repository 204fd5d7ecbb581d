"""mlcli predict: what a finished run has to say to something new."""

from typing import Annotated

import typer

from mlcli.cli.errors import user_errors


def predict(
    run: Annotated[str, typer.Argument(help="A folder, id, unique start of an id, name, or `last`.")],
    prompt: Annotated[str, typer.Option(help="The text that a language model goes on with.")],
    tokens: Annotated[int, typer.Option(min=1, help="How many tokens to write.")] = 200,
    temperature: Annotated[
        float, typer.Option(min=0, help="1 as it has learnt, less for the likelier, 0 for the likeliest alone.")
    ] = 0.8,
    seed: Annotated[int, typer.Option(min=0, help="Another text for another seed.")] = 0,
) -> None:
    """Let a run go on with a text, with its best weights."""
    from mlcli.cli.output import outputs_folder
    from mlcli.run.find import find_run
    from mlcli.serve.generate import generate

    with user_errors():
        found = find_run(run, outputs_folder())
        print(prompt + generate(found.folder.path, prompt, tokens, temperature, seed))
