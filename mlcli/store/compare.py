"""Compares several runs: their settings and metrics."""

from pathlib import Path
from typing import Any

from mlcli.config.errors import ConfigError
from mlcli.metric.comparison import Estimate, context, differing, places, standard_error
from mlcli.metric.direction import direction
from mlcli.store.filters import matching
from mlcli.store.find import all_runs, find
from mlcli.store.records import try_read_json
from mlcli.store.stored_run import StoredRun, stated_directions

Values = list[Any]  # one for each run; None where a run has none
ABSENT = "–"  # of a setting that a run does not have


def runs_to_compare(texts: list[str], outputs: Path) -> list[StoredRun]:
    """The runs with these names or ids, and those that match the filters among the texts; a sweep stands for its
    trials."""
    runs = all_runs(outputs)
    names = {str(run.record["name"]) for run in runs} if len(texts) > 1 else set()
    filters = [text for text in texts if "=" in text and text not in names]
    found: list[StoredRun] = []
    for text in texts:
        if text not in filters:
            run = find(text, outputs)
            trials = [other for other in runs if other.record.get("parent") == run.id]
            found += sorted(trials, key=lambda trial: trial.record.get("trial") or 0) if run.is_sweep else [run]
    if filters:
        found += [run for run in matching(runs, filters) if not run.is_sweep]
    return list({run.id: run for run in found}.values())


def problem(run: StoredRun) -> str | None:
    """Why a run cannot be compared, None if it can."""
    try:
        run.flat_config  # noqa: B018  # reads it
    except ConfigError as error:
        return str(error)
    return run.damage


def differences(runs: list[StoredRun]) -> dict[str, Values]:
    """The settings that differ. For a group, the chosen options take the place of the class."""
    groups = dict.fromkeys(group for run in runs for group in run.record.get("options") or {})
    options: dict[str, Values] = {
        group: [(run.record.get("options") or {}).get(group) for run in runs] for group in groups
    }
    options = {group: values for group, values in options.items() if None not in values and _differ(values)}
    keys = dict.fromkeys(key for run in runs for key in run.flat_config)
    rows = {key: [run.flat_config.get(key, ABSENT) for run in runs] for key in keys if key != "name"}
    hidden = {f"{group}._target_" for group in options}
    order = sorted(
        rows, key=lambda key: list(dict.fromkeys(key.partition(".")[0] for key in rows)).index(_group(key))
    )
    return options | {key: rows[key] for key in order if _differ(rows[key]) and key not in hidden}


def common(runs: list[StoredRun]) -> dict[str, Any]:
    """The settings that all of the runs have, with the same value."""
    if not runs:
        return {}
    first, *others = [run.flat_config for run in runs]
    return {
        key: value
        for key, value in first.items()
        if all(key in other and str(other[key]) == str(value) for other in others)
    }


def _group(key: str) -> str:
    return key.partition(".")[0]


def metrics(runs: list[StoredRun]) -> dict[str, Values]:
    """The metrics of each run, without those of single classes."""
    each = [run.metrics() for run in runs]
    names = sorted({name for own in each for name in own if name.count("/") == 1})
    return {name: [own.get(name) for own in each] for name in names}


def best(runs: list[StoredRun]) -> dict[str, set[int]]:
    """For each metric the places in the list of the runs whose value is the best.

    Only values of finished runs that compare and do not tie have one (`mlcli.metric.comparison`), one for each data
    set that has several runs.
    """
    values, stated = [run.metrics() if run.status == "FINISHED" else {} for run in runs], stated_directions(runs)
    examples, found = [_examples(run) for run in runs], {}
    for name in metrics(runs):
        groups: dict[str, list[int]] = {}
        for at, run in enumerate(runs):
            groups.setdefault(str(context(name, run.flat_config)), []).append(at)
        estimates = [
            Estimate(own[name], standard_error(name, own, sizes)) if name in own else None
            for own, sizes in zip(values, examples, strict=True)
        ]
        found[name] = _best(estimates, list(groups.values()), direction(name, stated))
    return found


def have_same_data(runs: list[StoredRun]) -> bool:
    return not differing([context("", run.flat_config) for run in runs])


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


def _differ(values: Values) -> bool:
    return len({str(value) for value in values}) > 1
