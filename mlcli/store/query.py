"""Runs as plain rows, filtered and sorted, as `mlcli runs` lists them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlcli import renamed
from mlcli.config.errors import ConfigError
from mlcli.metric.direction import direction
from mlcli.metric.suggestion import suggest_metric
from mlcli.store.filters import Ambiguous, Catalogue, matching, setting_text
from mlcli.store.find import all_runs
from mlcli.store.stored_run import StoredRun, stated_directions

Row = dict[str, Any]
FIELDS: dict[str, Callable[[StoredRun], Any]] = {  # entries of a row that it can be sorted by
    "started": lambda run: run.record["started"],
    "name": lambda run: run.record["name"],
    "status": lambda run: run.status,
    "seconds": lambda run: run.seconds,
    "parameters": lambda run: run.parameters,
}
SPLITS = ("test", "val", "train")  # in the order in which `--sort accuracy` looks for the metric


@dataclass(frozen=True)
class Listing:
    """Rows of runs, by a column: an entry of the row, a metric or a setting, whose values are texts."""

    rows: list[Row]
    column: str
    values: list[Any]


def query(outputs: Path, filters: list[str], sort: str) -> list[Row]:
    """The rows of `listing`."""
    return listing(outputs, filters, sort).rows


def listing(outputs: Path, filters: list[str], sort: str) -> Listing:
    """Rows of all runs that match every filter (`mlcli.store.filters`), sorted.

    sort: an entry of FIELDS, a metric or a setting, by its whole name or the end of it; a leading - reverses. Starts
    with the newest run, the best value of a metric (the least, if it has no direction) or the least value of a
    setting; runs without a value are last. Raises ConfigError for a filter or a column that no run has.
    """
    runs = all_runs(outputs)
    found = matching(runs, filters)
    name = sort.removeprefix("-")
    column, value, falling = _column(name, runs, found) if runs else (name, lambda run: None, False)
    pairs = [(value(run), run) for run in found]
    present = [pair for pair in pairs if pair[0] is not None]
    present.sort(key=lambda pair: _sortable(pair[0]), reverse=falling != sort.startswith("-"))
    ordered = [*present, *(pair for pair in pairs if pair[0] is None)]
    is_setting = column not in FIELDS and not any(column in run.metrics() for run in found)
    values = [setting_text(value) if is_setting and value is not None else value for value, _ in ordered]
    return Listing([row(run) for _, run in ordered], column, values)


def row(run: StoredRun) -> Row:
    """A run as plain data."""
    keys = ("id", "name", "started", "ended", "parent", "trial", "swept", "options", "command", "reason")
    more: Row = {"folder": str(run.folder.path), "status": run.status, "host": run.host, "seconds": run.seconds}
    more |= {"parameters": run.parameters, "metrics": run.metrics()}
    return {key: run.record.get(key) for key in keys} | more | ({"reason": run.damage} if run.damage else {})


def _column(name: str, runs: list[StoredRun], found: list[StoredRun]) -> tuple[str, Callable[[StoredRun], Any], bool]:
    """The column of that name, its value for a run, and whether the greatest value is first. Raises ConfigError."""
    if name in FIELDS:
        return name, FIELDS[name], name == "started"
    catalogue = Catalogue(runs)
    if name in catalogue.groups():
        return name, lambda run: catalogue.choice(run, name), False
    known = {metric for run in runs for metric in run.metrics()}
    metric = _metric(name, known)
    try:
        key = None if metric else catalogue.key(name)
    except Ambiguous:
        raise
    except ConfigError as error:
        if name in known:  # without a split, as `lr`, which is first of all a setting
            metric = name
        else:
            raise ConfigError(f"--sort {name}: no run has it.{suggest_metric(name, {*FIELDS, *known})}") from error
    if metric:
        falling = direction(metric, stated_directions(found)) == "max"
        return metric, lambda run: run.metrics().get(metric), falling
    return str(key), lambda run: _only(catalogue.values(run, str(key))), False


def _metric(name: str, known: set[str]) -> str | None:
    """The metric of this name, or of this name after its split. An old name is reported with the new one."""
    current = name if name in known else renamed.metric(name)
    candidates = ([current] if "/" in current else []) + [f"{split}/{current}" for split in SPLITS]
    found = next((each for each in candidates if each in known), None)
    if found and current != name:
        renamed.metric(name, quiet=False)
    return found


def _only(values: list[Any]) -> Any:
    """The value; None for a sweep over several."""
    return values[0] if len({str(value) for value in values}) == 1 else None


def _sortable(value: Any) -> tuple[bool, Any]:
    """Numbers before texts."""
    is_number = isinstance(value, int | float)
    return not is_number, value if is_number else str(value)
