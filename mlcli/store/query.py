"""Runs as plain rows, filtered and sorted, as `mlcli runs` lists them."""

import json
from pathlib import Path
from typing import Any

from mlcli import renamed
from mlcli.config.errors import ConfigError, suggest
from mlcli.metric.direction import direction
from mlcli.store.find import all_runs
from mlcli.store.records import flatten
from mlcli.store.stored_run import StoredRun, stated_directions

RECENT = 20  # runs whose keys are suggested for one that no run has


def query(outputs: Path, filters: list[str], sort: str) -> list[dict[str, Any]]:
    """Rows of all runs that match every filter.

    A filter is a word in the name, id or command, or `key=value` with a key of the record (status), a config group
    (model=lstm) or a key of the config (optimizer.lr). Sorting by a metric puts the best first, or the smallest if
    the metric has no direction. Raises ConfigError if no run has the metric, or the key of a filter.
    """
    found = all_runs(outputs)
    filters = [renamed.override(text) for text in filters]
    rows = [row(run) for run in found if all(_matches(run, text) for text in filters)]
    if not rows:
        _check_keys(found, filters)
    name = sort.removeprefix("-")
    if name == "started":
        rows.sort(key=lambda each: float(each["started"]), reverse=True)
    else:
        if not any(name in each["metrics"] for each in rows):
            name = renamed.metric(name, quiet=False)
        if rows and not any(name in each["metrics"] for each in rows):
            known = sorted({metric for each in rows for metric in each["metrics"]})
            raise ConfigError(f"--sort {name}: no run has it. Choices: started, {', '.join(known)}.")
        sign = -1 if direction(name, stated_directions(found)) == "max" else 1
        rows.sort(key=lambda each: (name not in each["metrics"], sign * each["metrics"].get(name, 0.0)))
    return rows[::-1] if sort.startswith("-") else rows


def row(run: StoredRun) -> dict[str, Any]:
    keys = ("id", "name", "started", "ended", "parent", "trial", "swept", "command", "reason")
    more = {"folder": str(run.folder.path), "status": run.status, "host": run.host, "metrics": run.metrics()}
    return {key: run.record.get(key) for key in keys} | more | ({"reason": run.damage} if run.damage else {})


def flat_config(run: StoredRun) -> dict[str, Any]:
    """The run's config as dotted keys."""
    return flatten(run.folder.config()) if (run.folder.path / "config.yaml").exists() else {}


def setting_text(value: Any) -> str:
    """A setting as it is typed: null, true or false rather than Python's words."""
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def _readable_config(run: StoredRun) -> dict[str, Any]:
    """Empty for a damaged run, so that the others are listed."""
    try:
        return flat_config(run)
    except ConfigError:
        return {}


def _matches(run: StoredRun, text: str) -> bool:
    key, equals, value = text.partition("=")
    if not equals:
        return any(text in str(run.record.get(name, "")) for name in ("name", "id", "command"))
    if key == "status":
        return run.status == value.upper()
    if key in run.record:
        return str(run.record[key]) == value
    if (run.record.get("options") or {}).get(key) == value:
        return True
    config = _readable_config(run)
    if f"{key}._target_" in config:  # a group: modules are named like options
        return value.lower() in str(config[f"{key}._target_"]).lower().split(".")
    if key not in config or _same(config[key], value):
        return key in config
    is_renamed = key in renamed.METRIC_KEYS and _same(config[key], renamed.metric(value))
    if is_renamed:
        renamed.metric(value, quiet=False)
    return is_renamed


def _check_keys(runs: list[StoredRun], filters: list[str]) -> None:
    """Raises ConfigError for a filter with a key that no run has."""
    for text in filters:
        key, equals, _ = text.partition("=")
        if runs and equals and not any(key in _keys(run) for run in runs):
            raise ConfigError(
                f"no run has {key}.{suggest(key, set().union(*map(_keys, runs[:RECENT])), listed=False)}"
            )


def _keys(run: StoredRun) -> set[str]:
    """Keys that a filter may have: of the record, groups, and keys of the config."""
    config = _readable_config(run)
    return {"status", *run.record, *config, *(key.partition("._target_")[0] for key in config)}


def _same(stored: Any, typed: str) -> bool:
    try:
        return float(stored) == float(typed)
    except (TypeError, ValueError, OverflowError):
        return typed.lower() in (setting_text(stored).lower(), str(stored).lower())
