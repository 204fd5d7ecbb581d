"""Compares several runs: their settings and metrics."""

from pathlib import Path

from mlcli.config.errors import ConfigError
from mlcli.metric.direction import direction
from mlcli.store.find import all_runs, find
from mlcli.store.query import flat_config, setting_text
from mlcli.store.stored_run import StoredRun, stated_directions


def runs_to_compare(texts: list[str], outputs: Path) -> list[StoredRun]:
    """The runs with these names or ids; a sweep stands for its trials."""
    found: list[StoredRun] = []
    for text in texts:
        run = find(text, outputs)
        trials = [other for other in all_runs(outputs) if other.record.get("parent") == run.id]
        found += sorted(trials, key=lambda trial: trial.record.get("trial") or 0) if run.is_sweep else [run]
    return found


def problem(run: StoredRun) -> str | None:
    """Why a run cannot be compared, None if it can."""
    try:
        flat_config(run)
    except ConfigError as error:
        return str(error)
    return run.damage


def differences(runs: list[StoredRun]) -> list[tuple[str, ...]]:
    """Rows (setting, value in each run) of the settings that differ."""
    configs = [flat_config(run) for run in runs]
    keys = dict.fromkeys(key for config in configs for key in config)
    rows = [(key, *(setting_text(config.get(key, "–")) for config in configs)) for key in keys]
    return [row for row in rows if len(set(row[1:])) > 1]


def best_marked(runs: list[StoredRun]) -> list[tuple[str, ...]]:
    """Rows (metric, value in each run), with a star at the best value of a metric that has a direction."""
    metrics, stated = [run.metrics() for run in runs], stated_directions(runs)
    names = sorted({name for each in metrics for name in each if name.count("/") == 1})
    return [(name, *_mark([each.get(name) for each in metrics], direction(name, stated))) for name in names]


def _mark(values: list[float | None], better: str | None) -> list[str]:
    present = {value for value in values if value is not None}
    best = {"max": max, "min": min}[better](present) if better in ("max", "min") and len(present) > 1 else None
    return ["" if value is None else f"{'*' if value == best else ''}{value:.5g}" for value in values]
