"""The metric of a sweep's trials against what was swept."""

import math
import re
from typing import Any

from mlcli.figure import sweep as figure
from mlcli.figure import sweep_map
from mlcli.figure.plot import Plot
from mlcli.metric.comparison import Estimate, places
from mlcli.metric.direction import Directions, direction
from mlcli.metric.repeats import Mean, mean_of, means_by_setting
from mlcli.sweep.ranking import SCORED, SEEDS

Row = dict[str, Any]
FILLED = 0.5  # the least share of a heat map's cells that have a trial


def sweep_plots(rows: list[Row], metric: str, stated: Directions | None = None) -> list[Plot]:
    """Plots "sweep" from rows with "trial", "status", "swept" ({key: value}) and "metrics".

    One numeric key: points and a line; two keys: a heat map; otherwise the best trials by name. Trials that differ
    only in the seed are repeats, and their mean is plotted. Trials without a score (failed, or not finite) are left
    out, as the plot notes; no plot if that leaves none. Where values do not compare across all trials, as on several
    data sets, there is a plot "sweep_NAME" for each of them, or one that marks none as the best if each has a single
    trial.
    stated: directions of the user's own metrics.
    """
    contexts: dict[str, list[Row]] = {}
    for row in rows:
        contexts.setdefault(_label(row), []).append(row)
    if len(contexts) == 1:
        return _plot_of(rows, metric, stated)
    if min(map(len, contexts.values())) == 1:
        return _plot_of(rows, metric, stated, compares=False)
    return [plot for label, own in contexts.items() for plot in _plot_of(own, metric, stated, label)]


def _label(row: Row) -> str:
    """What distinguishes the trials that compare with this one: `iris`, or `delay=4`."""
    found = row.get("context") or {}
    names = [found["data._target_"].rpartition(".")[2]] if "data._target_" in found else []
    return " ".join(names) or " ".join(f"{key.rpartition('.')[2]}={value}" for key, value in found.items())


def _plot_of(
    rows: list[Row], metric: str, stated: Directions | None, label: str = "", compares: bool = True
) -> list[Plot]:
    scored = [row for row in rows if _score(row, metric) is not None]
    if not scored:
        return []
    keys = [key for key in scored[0]["swept"] if len({_value(row, key) for row in scored}) > 1]
    settings = [key for key in keys if key not in SEEDS] or keys[:1] or list(scored[0]["swept"])[:1]
    trials = [
        {
            "trial": row["trial"],
            "values": [_value(row, key) for key in settings],
            "score": _score(row, metric),
            "pruned": row["status"] == "PRUNED",
            "epoch": row.get("epoch"),
            "error": row.get("error"),
        }
        for row in sorted(scored, key=lambda row: int(row["trial"]))
    ]
    better = direction(metric, stated) or "min"
    data = {
        "metric": metric,
        "better": better,
        "keys": settings,
        "trials": trials,
        "left_out": len(rows) - len(scored),
        "of": label,
    }
    name = "sweep" + (f"_{re.sub(r'[^A-Za-z0-9._=-]+', '_', label)}" if label else "")
    render = _render(settings, [trial["values"] for trial in trials])
    if render is figure.render_seeds:
        return [Plot(name, render, data | {"mean": mean_of(trials)})]
    means = means_by_setting(trials)
    each = [{"values": list(setting), **mean} for setting, mean in means.items()]
    best = _best(list(means.values()), [_of_setting(trials, at) for at in means], better) if compares else []
    return [Plot(name, render, data | {"means": each, "best": best})]


def _of_setting(trials: list[Row], setting: tuple[Any, ...]) -> list[Row]:
    return [trial for trial in trials if tuple(trial["values"]) == setting and not trial["pruned"]]


def _best(means: list[Mean], repeats: list[list[Row]], better: str) -> list[int]:
    """The indices of the best setting, or of those that tie, best first; none if nothing finished."""
    estimates = [None if mean["pruned"] else _estimate(mean, own) for mean, own in zip(means, repeats, strict=True)]
    first = [at for at, place in enumerate(places(estimates, better)) if place.rank == 1]
    return sorted(first, key=lambda at: means[at]["score"], reverse=better == "max")


def _estimate(mean: Mean, own: list[Row]) -> Estimate:
    if mean["deviation"] is None:
        return Estimate(mean["score"], own[0]["error"])
    return Estimate(mean["score"], mean["deviation"] / math.sqrt(len(own)), len(own))


def _render(keys: list[str], rows: list[list[Any]]) -> Any:
    """The function that renders what suits these values."""
    columns = list(zip(*rows, strict=True))
    numeric = [all(_is_number(value) for value in column) for column in columns]
    if len(columns) == 1 and numeric[0]:
        repeats = keys[0].rpartition(".")[2] == "seed" and len(rows) > 1
        return figure.render_seeds if repeats else figure.render_line
    if len(columns) == 2:
        across, down = (len(set(column)) for column in columns)
        cells = len(set(zip(*columns, strict=True)))
        if cells >= FILLED * across * down and across * down <= sweep_map.MOST_CELLS:
            return sweep_map.render_heat_map
        if all(numeric):
            return sweep_map.render_plane
    return figure.render_ranking


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _score(row: Row, metric: str) -> float | None:
    value = row["metrics"].get(metric) if row["status"] in SCORED else None
    return float(value) if value is not None and math.isfinite(value) else None


def _value(row: Row, key: str) -> Any:
    """A number as it is, anything else as text, so that JSON can hold it and a set can tell values apart."""
    value = row["swept"].get(key)
    return value if _is_number(value) else "–" if value is None else str(value)
