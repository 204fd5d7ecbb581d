"""`mlcli completion`: prints the completion script of a shell."""

from typing import Annotated, Literal

import typer


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="Your shell.")],
) -> None:
    """Print the completion script of a shell.

    Add to your shell's start-up file:

      eval "$(mlcli completion bash)"
    """
    from mlcli.cli.complete import script

    print(script(shell))
