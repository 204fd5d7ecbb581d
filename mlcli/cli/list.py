"""`mlcli list`: the config groups and their options."""

from typing import Annotated

import typer

from mlcli.cli.errors import user_errors


def list_options(
    group: Annotated[str | None, typer.Argument(help="A config group, such as model or data.")] = None,
) -> None:
    """List the config groups, or the options of one group."""
    from mlcli.cli.output import print_table
    from mlcli.config import index

    with user_errors():
        known = index.groups()
        if group is None:
            print_table(("group", "options"), [(name, " ".join(index.options(name))) for name in known])
            return
        name = group if group in known else group.removesuffix("s")
        if name not in known:
            from mlcli.config.errors import ConfigError, suggest

            raise ConfigError(f"There is no config group {group!r}.{suggest(group, known)}")
        if name == "experiment":
            print_table((name, "section", "description", "expected"), index.experiments())
        else:
            print_table((name, "description"), index.options(name).items())
