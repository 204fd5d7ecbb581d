"""`mlcli show`: the details of one run."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlcli.cli.errors import user_errors
from mlcli.cli.options import AsJson, Outputs

if TYPE_CHECKING:
    from mlcli.store.stored_run import StoredRun


def show(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="A folder, id, unique prefix of an id, name, `last`, or a filter such as model=lstm."
        ),
    ] = "last",
    everything: Annotated[
        bool,
        typer.Option("--all", help="Settings at their defaults and per-class metrics too; of a sweep, its settings."),
    ] = False,
    as_json: AsJson = False,
    outputs: Outputs = None,
) -> None:
    """Show one run: command, result, duration, size, device, seed, settings, metrics and files."""
    from mlcli.cli.document import document
    from mlcli.cli.output import outputs_folder, print_json, print_line, terminal_width
    from mlcli.cli.sweep_settings import print_hint, print_sweep_settings
    from mlcli.cli.sweep_table import print_sweep
    from mlcli.store.find import find

    with user_errors():
        found = find(run, outputs_folder(outputs))
        if as_json:
            print_json(document(found))
            return
        _print_summary(found)
        if found.damage:
            return
        if terminal_width() is not None:
            print_line("")
        if found.is_sweep and (found.folder.path / "trials.json").exists():
            print_sweep(str(found.folder.path))
            if everything:
                print_sweep_settings(found)
            else:
                print_hint()
        elif not found.is_sweep:
            _print_run(found, everything)


def _print_summary(found: "StoredRun") -> None:
    from mlcli.cli.output import print_line
    from mlcli.cli.summary import print_facts, summary

    host = f" on {found.host}, last known status" if found.host else ""
    print_line(f"{found.record['name']}  {found.status}{host}  {found.id}")
    print_facts(summary(found))


def _print_run(found: "StoredRun", everything: bool) -> None:
    from mlcli.cli.output import print_line, print_table
    from mlcli.cli.result import print_metrics
    from mlcli.cli.summary import print_facts
    from mlcli.store.filters import setting_text

    settings, metrics = found.flat_config, dict(sorted(found.metrics().items()))
    shown = settings if everything else _changed(found)
    overall = metrics if everything else {name: value for name, value in metrics.items() if name.count("/") < 2}
    if shown:
        print_table(("setting", "value"), [(key, setting_text(value)) for key, value in shown.items()])
    if overall:
        print_metrics(overall, found.result())
    files = (found.folder.path / "figures").glob("*")
    figures = sorted(path.name for path in files if path.suffix in (".png", ".gif"))
    if figures:
        print_facts({"figures": " ".join(figures)})
    hidden = [
        f"{count} {what}"
        for count, what in (
            (len(settings) - len(shown), "settings at their defaults"),
            (len(metrics) - len(overall), "per-class metrics"),
        )
        if count
    ]
    if hidden:
        print_line(f"{' and '.join(hidden)}: use --all")


def _changed(found: "StoredRun") -> dict[str, Any]:
    """The settings that differ from the defaults of the chosen options; all of them for a run of an earlier version,
    which does not have its choices."""
    from mlcli.config.defaults import defaults

    options = found.record.get("options") or {}
    if not options:
        return found.flat_config
    usual = defaults(options)
    typed = {f"{group}._target_" for group in options}
    return {
        key: value
        for key, value in found.flat_config.items()
        if (key not in usual or usual[key] != value) and not (key in typed and key not in usual)
    }
