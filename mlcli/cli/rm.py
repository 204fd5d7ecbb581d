"""`mlcli rm`: removes runs with their MLflow runs."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlcli.cli.errors import FAILED, RunFailure, user_errors
from mlcli.cli.options import AsJson, Outputs

if TYPE_CHECKING:
    from mlcli.store.stored_run import StoredRun

LISTED = 20  # runs that are listed before the question


def rm(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN", help="Runs by folder, id, prefix or name; or KEY=VALUE, as in `mlcli runs`."),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only runs and sweeps that FAILED.")] = False,
    older: Annotated[
        str | None, typer.Option(metavar="AGE", help="Only those that ended longer ago, as in 12h, 30d or 4w.")
    ] = None,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be removed, and remove nothing.")
    ] = False,
    keep_mlflow: Annotated[bool, typer.Option("--keep-mlflow", help="Keep the runs in MLflow.")] = False,
    as_json: AsJson = False,
    outputs: Outputs = None,
) -> None:
    """Remove run folders together with their MLflow runs, after a question.

    A sweep is removed with its trials. Running runs stay.

    Examples:

      mlcli rm last

      mlcli rm --failed --older 30d

      mlcli rm data=iris status=KILLED --dry-run
    """
    from mlcli.cli.output import outputs_folder
    from mlcli.config.errors import ConfigError
    from mlcli.store.removal import size

    with user_errors():
        folder = outputs_folder(outputs)
        if not (runs or failed or older):
            raise ConfigError("rm takes runs or a filter, as in `mlcli rm last` or `mlcli rm --failed --older 30d`.")
        selected, kept = _select(folder, runs or [], failed, older)
        sizes = {run.id: size(run.folder.path) for run in selected}
        if dry_run and selected and not as_json:
            _print_list(selected, sizes)
        removed: list[StoredRun] = []
        if selected and not dry_run:
            if not yes:
                _ask(selected, sizes, as_json)
            removed = _remove(selected, folder, keep_mlflow, kept)
        _print_result(selected if dry_run else removed, sizes, kept, as_json, dry_run)
        if kept and not dry_run:
            raise RunFailure(f"{len(kept)} of {len(kept) + len(removed)} runs were not removed")


def _select(
    outputs: Path, texts: Sequence[str], failed: bool, older: str | None
) -> "tuple[list[StoredRun], dict[str, str]]":
    """The runs to remove, and the reason for each matching run that cannot be removed. Raises ConfigError, also for a
    run given by name that cannot be removed."""
    from mlcli.config.errors import ConfigError
    from mlcli.store.filters import matching
    from mlcli.store.find import all_runs, find
    from mlcli.store.removal import is_older, obstacle, seconds, without_trials_of_selected

    age = seconds(older) if older else None
    filters = [text for text in texts if "=" in text]
    names = [text for text in texts if "=" not in text]
    if names and filters:
        raise ConfigError("rm takes runs by name or a filter KEY=VALUE, not both: use one of them.")
    found = [find(name, outputs) for name in names]
    if not names:
        listed = matching(all_runs(outputs), filters, whole_sweeps=True)
        found = [run for run in listed if run.record.get("parent") is None and run.damage is None]
    found = [run for run in found if (not failed or run.status == "FAILED") and (age is None or is_older(run, age))]
    found = without_trials_of_selected(found)
    reasons = {run.id: reason for run in found if (reason := obstacle(run, outputs))}
    if names and reasons:
        raise ConfigError(" ".join(f"{run} is not removed: {reason}." for run, reason in reasons.items()))
    return [run for run in found if run.id not in reasons], reasons


def _print_list(selected: "Sequence[StoredRun]", sizes: dict[str, int]) -> None:
    from mlcli.cli.output import print_line, print_table
    from mlcli.cli.times import moment

    rows = [
        (
            run.id,
            str(run.record["name"]),
            run.status,
            moment(run.record["started"]),
            _bytes(sizes[run.id]),
        )
        for run in selected[:LISTED]
    ]
    print_table(("run", "name", "status", "started", "size"), rows)
    if len(selected) > LISTED:
        print_line(f"… and {len(selected) - LISTED:,} more")


def _ask(selected: "Sequence[StoredRun]", sizes: dict[str, int], as_json: bool) -> None:
    """Lists the runs and asks, on a terminal. Raises ConfigError if there is none, Exit if the answer is no."""
    from mlcli.config.errors import ConfigError

    if not sys.stdin.isatty():
        raise ConfigError(
            f"{_total(selected, sizes)} would be removed: use --yes, since there is no terminal to ask."
        )
    if not as_json:
        _print_list(selected, sizes)
    if not typer.confirm(f"Remove {_total(selected, sizes)} for good?", err=True):
        print("nothing is removed", file=sys.stderr)
        raise typer.Exit(FAILED)


def _remove(
    selected: "Sequence[StoredRun]", outputs: Path, keep_mlflow: bool, kept: dict[str, str]
) -> "list[StoredRun]":
    """Removes the runs, each from MLflow first. Returns those removed; adds the reasons of the others to `kept`."""
    from mlcli.store.removal import obstacle, remove_folders, trials_of
    from mlcli.track.deletion import MLflowDeletion, NotDeleted
    from mlcli.track.tracking import tracking_uri

    deletion = MLflowDeletion(outputs, tracking_uri(None))
    removed = []
    try:
        for run in selected:
            members = [*trials_of(run), run]
            try:
                if reason := obstacle(run, outputs):  # it may have changed while the question waited
                    kept[run.id] = reason
                    continue
                for each in [] if keep_mlflow else members:
                    deletion.delete(each.folder.path)
                remove_folders(members)
            except NotDeleted as error:
                kept[run.id] = str(error)
            except OSError as error:
                kept[run.id] = f"{error.strerror or error}: {error.filename}"
            else:
                removed.append(run)
    finally:
        deletion.close()
    return removed


def _print_result(
    removed: "Sequence[StoredRun]", sizes: dict[str, int], kept: dict[str, str], as_json: bool, dry_run: bool
) -> None:
    from mlcli.cli.output import print_json, print_line
    from mlcli.config.printable import in_a_line

    if as_json:
        rows: list[dict[str, Any]] = [
            {"id": run.id, "name": run.record["name"], "folder": str(run.folder.path), "bytes": sizes[run.id]}
            for run in removed
        ]
        word = "would_remove" if dry_run else "removed"
        print_json({word: rows, "kept": [{"id": run, "reason": why} for run, why in kept.items()]})
    else:
        for run, why in kept.items():
            print(in_a_line(f"kept {run}: {why}"), file=sys.stderr)
        if removed or not kept:
            print_line(f"{'would remove' if dry_run else 'removed'} {_total(removed, sizes)}")


def _total(runs: "Sequence[StoredRun]", sizes: dict[str, int]) -> str:
    """`1 sweep and 2 runs, 3.4 MB`."""
    sweeps = sum(run.is_sweep for run in runs)
    counts = [(sweeps, "sweep"), (len(runs) - sweeps, "run")]
    words = [f"{count} {word}{'s' * (count != 1)}" for count, word in counts if count]
    return f"{' and '.join(words)}, {_bytes(sum(sizes[run.id] for run in runs))}" if words else "no run"


def _bytes(count: int) -> str:
    for unit, power in (("GB", 3), ("MB", 2), ("kB", 1)):
        if count >= 1000**power:
            return f"{count / 1000**power:.1f} {unit}"
    return f"{count} bytes"
