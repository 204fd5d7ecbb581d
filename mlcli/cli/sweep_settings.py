"""What the trials of a sweep have in common, and what was swept, for `mlcli show --all`."""

from typing import Any

from mlcli.cli.output import format_number, print_line, print_table, terminal_width
from mlcli.store.compare import common
from mlcli.store.filters import readable_config, setting_text
from mlcli.store.records import try_read_json
from mlcli.store.stored_run import StoredRun, read_run

MOST_VALUES = 12  # of a swept setting; of more the range is printed


def print_sweep_settings(sweep: StoredRun) -> None:
    """Prints a table of the swept settings with their values, and one of the settings that all trials share."""
    if terminal_width() is not None:
        print_line("")
    rows = (try_read_json(sweep.folder.path / "trials.json") or {}).get("trials", [])
    if swept := _swept(rows):
        print_table(("swept", "values"), [(key, _values(values)) for key, values in swept.items()])
    found = [read_run(sweep.folder.path / str(row["trial"])) for row in rows]
    settings = common([run for run in found if run is not None and readable_config(run)])
    settings = {key: value for key, value in settings.items() if key not in swept}
    if settings:
        title = "settings of all trials"
        print_table(("setting", "value"), [(key, setting_text(value)) for key, value in settings.items()], title)


def print_hint() -> None:
    print_line("what was swept, and the settings that all trials share: use --all")


def _swept(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """The different values of each swept setting, in the order of the trials."""
    values: dict[str, dict[str, Any]] = {}
    for row in rows:
        for key, value in row["swept"].items():
            values.setdefault(key, {}).setdefault(setting_text(value), value)
    return {key: list(different.values()) for key, different in values.items()}


def _values(values: list[Any]) -> str:
    if len(values) <= MOST_VALUES:
        return ", ".join(map(setting_text, values))
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == len(values):
        return f"{len(values)} values from {format_number(min(numbers))} to {format_number(max(numbers))}"
    return f"{', '.join(map(setting_text, values[:MOST_VALUES]))} and {len(values) - MOST_VALUES} more"
