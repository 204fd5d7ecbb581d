"""`mlcli resume`: continues a run that was interrupted, or trains a finished one further."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlcli.cli.errors import RunFailure, user_errors
from mlcli.cli.options import AsJson, ConfigDir, Outputs

if TYPE_CHECKING:
    from mlcli.run.resume import Own, Resumption


def resume(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A folder, id, unique prefix of an id, name, or `last`.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="OVERRIDE",
            help="trainer.epochs, trainer.max_steps, trainer.max_time or trainer.patience; device=…, tracking=….",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Errors only.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Every epoch, and the run folder.")] = False,
    as_json: AsJson = False,
    trust_run: Annotated[
        bool,
        typer.Option("--trust-run", help="Trust the run's config, and the code and addresses in it, as your own."),
    ] = False,
    outputs: Outputs = None,
    config_dir: ConfigDir = None,
) -> None:
    """Continue a run from its last checkpoint: one that was interrupted, in its folder and its MLflow run; or a
    finished one with more epochs, as a new run.

    It ends with the bits of a run that was never interrupted.

    Examples:

      mlcli resume last

      mlcli resume last trainer.epochs=50
    """
    import shlex
    import sys

    from mlcli.cli.output import outputs_folder, print_note
    from mlcli.config.gc_policy import collect_rarely
    from mlcli.run.resume import checked, plan_resume
    from mlcli.run.user_configs import add_configs
    from mlcli.store.find import find

    with user_errors():
        collect_rarely()
        add_configs(config_dir)
        folder = outputs_folder(outputs)
        found, typed = find(run, folder), checked(overrides or [])
        own = _own(folder, [text for text in typed if text.startswith("tracking")], config_dir)
        made = plan_resume(found, typed, own, config_dir, trust_run)
        if made is None:
            print_note(
                f"{found.folder.path.name} has finished: nothing to do; `mlcli resume {run} trainer.epochs=N` trains "
                "further"
            )
            return
        level = 0 if quiet else 2 if verbose else 1
        _train(made, level, f"mlcli {shlex.join(sys.argv[1:])}", as_json)


def _own(outputs: Path, tracking: list[str], config_dir: str | None) -> "Own":
    """What the user's own configs and the command say, whatever the run's folder does."""
    from mlcli.config.compose import compose, hydra_session, to_run
    from mlcli.run.resume import Own

    with hydra_session(config_dir) as hydra:
        cfg = compose(hydra, tracking, resolve=False)
        new = outputs / "runs" / Path(cfg.hydra.run.dir).name
        named = any(text.startswith(("tracking=", "tracking.name=")) for text in tracking)
        return Own(str(outputs), to_run(cfg).tracking, new, named)


def _train(made: "Resumption", level: int, command: str, as_json: bool) -> None:
    from mlcli.cli.document import print_document
    from mlcli.cli.result import print_result
    from mlcli.run.failure import RunFailed
    from mlcli.run.resume import resume
    from mlcli.track.console import Console
    from mlcli.track.tracking import tracked

    try:
        with tracked(made.own.outputs, made.cfg.tracking) as follow:
            path, result = resume(made, Console(level), follow, command)
    except RunFailed as error:
        raise RunFailure(str(error)) from error
    if as_json:
        print_document(path)
    else:
        print_result(result, path)
