"""The metric of a sweep's trials against what was swept."""

import math
from typing import Any

from mlcli.figure import sweep as figure
from mlcli.figure import sweep_map
from mlcli.figure.plot import Plot
from mlcli.metric.direction import Directions, direction
from mlcli.metric.repeats import best_of, mean_of, means_by_setting
from mlcli.sweep.ranking import SCORED, SEED

Row = dict[str, Any]
FILLED = 0.5  # the least share of a heat map's cells that have a trial


def sweep_plots(rows: list[Row], metric: str, stated: Directions | None = None) -> list[Plot]:
    """One plot named "sweep" from rows with "trial", "status", "swept" ({key: value}) and "metrics".

    One numeric key: points and a line; two keys: a heat map; otherwise the best trials by name. Seeds beside other
    keys are repeats, of which the mean counts. Trials without a score (failed, or not finite) are left out, as the
    plot notes; no plot if that leaves none. stated: directions of the user's own metrics.
    """
    scored = [row for row in rows if _score(row, metric) is not None]
    if not scored:
        return []
    keys = [key for key in scored[0]["swept"] if len({_value(row, key) for row in scored}) > 1]
    settings = [key for key in keys if key != SEED] or keys[:1] or list(scored[0]["swept"])[:1]
    trials = [
        {
            "trial": row["trial"],
            "values": [_value(row, key) for key in settings],
            "score": _score(row, metric),
            "pruned": row["status"] == "PRUNED",
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
    }
    render = _render(settings, [trial["values"] for trial in trials])
    if render is figure.render_seeds:
        return [Plot("sweep", render, data | {"mean": mean_of(trials)})]
    means = means_by_setting(trials)
    each = [{"values": list(setting), **mean} for setting, mean in means.items()]
    return [Plot("sweep", render, data | {"means": each, "best": list(means).index(best_of(means, better))})]


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
