"""`mlcli list`: the config groups and their options."""

from typing import Annotated

import typer

from mlcli.cli.errors import user_errors
from mlcli.cli.options import AsJson


def list_options(
    group: Annotated[
        str | None, typer.Argument(metavar="GROUP", help="A config group, such as model or data.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the config groups, or the options of one group."""
    from mlcli.cli.output import print_json, print_table
    from mlcli.config import index

    with user_errors():
        known = index.groups()
        if group is None:
            options = {name: list(index.options(name)) for name in known}
            if as_json:
                print_json(options)
            else:
                print_table(("group", "options"), [(name, " ".join(each)) for name, each in options.items()])
            return
        name = group if group in known else group.removesuffix("s")
        if name not in known:
            from mlcli.config.errors import ConfigError, suggest

            raise ConfigError(f"There is no config group {group!r}.{suggest(group, known)}")
        columns: tuple[str, ...] = (name, "description")
        rows: list[tuple[str, ...]] = list(index.options(name).items())
        if name == "experiment":
            columns, rows = (name, "section", "description", "expected"), list(index.experiments())
        if as_json:
            print_json({option: dict(zip(columns[1:], texts, strict=True)) for option, *texts in rows})
        else:
            print_table(columns, rows)
