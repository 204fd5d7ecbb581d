"""Compares several runs: their settings and metrics."""

from pathlib import Path

from mlcli.config.errors import ConfigError
from mlcli.metric.comparison import Estimate, context, places, standard_error
from mlcli.metric.direction import direction
from mlcli.store.find import all_runs, find
from mlcli.store.query import flat_config, setting_text
from mlcli.store.records import try_read_json
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
    """Rows (metric, value in each run), with a star at the best value of a metric that has a direction.

    Only values of finished runs that compare and do not tie get one (`mlcli.metric.comparison`), one for each data
    set that has several runs.
    """
    metrics, stated = [run.metrics() for run in runs], stated_directions(runs)
    names = sorted({name for each in metrics for name in each if name.count("/") == 1})
    configs, examples = [flat_config(run) for run in runs], [_examples(run) for run in runs]
    rows = []
    for name in names:
        groups: dict[str, list[int]] = {}
        for at, config in enumerate(configs):
            groups.setdefault(str(context(name, config)), []).append(at)
        estimates = [
            Estimate(own[name], standard_error(name, own, sizes))
            if name in own and run.status == "FINISHED"
            else None
            for run, own, sizes in zip(runs, metrics, examples, strict=True)
        ]
        best = _best(estimates, list(groups.values()), direction(name, stated))
        rows.append((name, *(_text(own.get(name), at in best) for at, own in enumerate(metrics))))
    return rows


def _examples(run: StoredRun) -> dict[str, int]:
    """The number of examples of each split, empty if the run does not record it."""
    data = try_read_json(run.folder.path / "data.json")
    return dict(data["examples"]) if data else {}


def _best(estimates: list[Estimate | None], groups: list[list[int]], better: str | None) -> set[int]:
    if better not in ("max", "min"):
        return set()
    return {
        at
        for group in groups
        for at, place in zip(group, places([estimates[at] for at in group], better), strict=True)
        if place.is_best
    }


def _text(value: float | None, is_best: bool) -> str:
    return "" if value is None else f"{'*' if is_best else ''}{value:.5g}"
