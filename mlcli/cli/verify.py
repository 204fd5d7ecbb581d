"""`mlcli verify`: whether a run is reproducible."""

from typing import Annotated

import typer

from mlcli.cli.errors import RunFailure, user_errors
from mlcli.cli.options import AsJson, ConfigDir, Outputs


def verify(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A folder, id, unique prefix of an id, name, or `last`.")],
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Errors only.")] = False,
    as_json: AsJson = False,
    trust_run: Annotated[
        bool,
        typer.Option("--trust-run", help="Trust the run's config, and the code and addresses in it, as your own."),
    ] = False,
    outputs: Outputs = None,
    config_dir: ConfigDir = None,
) -> None:
    """Train a finished run again from its config, and compare weights, metrics of each epoch and predictions, bit for
    bit.

    Exit status 0: it is reproducible. 1: it is not; the lines say what differs first, and which data, versions or
    device have changed. Only a temporary folder is written.

    Examples:

      mlcli verify last
    """
    from mlcli.cli.output import outputs_folder, print_json
    from mlcli.config.gc_policy import collect_rarely
    from mlcli.run.failure import RunFailed
    from mlcli.run.user_configs import add_configs
    from mlcli.run.verify import verify as verified
    from mlcli.store.find import find
    from mlcli.track.console import Console

    with user_errors():
        collect_rarely()
        add_configs(config_dir)
        stored = find(run, outputs_folder(outputs))
        name = stored.folder.path.name
        try:
            found = verified(stored, trust_run, Console(0 if quiet else 1))
        except RunFailed as error:
            raise RunFailure(str(error)) from error
        if as_json:
            own = {"differences": found.differences, "changes": found.changes}
            print_json({"run": name, "reproducible": found.is_reproducible, **own})
        elif found.is_reproducible:
            print(f"{name} is reproducible: {found.compared} are the same, bit for bit")
        else:
            print(f"{name} is not reproducible")
            print("\n".join(f"  {line}" for line in found.differences))
            changed = ", ".join(found.changes) or "nothing that mlcli knows of: is something random without a seed?"
            print(f"  changed since: {changed}")
    if not found.is_reproducible:
        raise typer.Exit(1)
