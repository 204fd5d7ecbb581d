"""The metric of a sweep's trials against what was swept: which picture fits which sweep."""

import math
from typing import Any

from mlcli.figure import sweep as figures_sweep
from mlcli.figure import sweep_map as figures_sweep_map
from mlcli.figure.plot import Plot
from mlcli.metric.direction import Directions, direction

Row = dict[str, Any]
SEED = "trainer.seed"  # trials that differ in it alone are repeats
JUDGED = ("FINISHED", "PRUNED")  # trials whose score counts; a pruned one has the score of its last epoch
FILLED = 0.5  # a heat map pays when at least this share of its cells has a trial


def sweep(rows: list[Row], metric: str, stated: Directions | None = None) -> list[Plot]:
    """One picture named "sweep" from rows with "trial", "status", "swept" ({key: value}) and "metrics".

    One numeric key: points and a line; two keys: heat map; else the best trials by name. Seeds beside other keys
    are repeats, whose mean counts. Trials without a score (failed, or not finite) are left out, and it says so;
    no picture if that leaves none. stated: directions of metrics of the user's own.
    """
    scored = [row for row in rows if _score(row, metric) is not None]
    if not scored:
        return []
    keys = [key for key in scored[0]["swept"] if len({_value(row, key) for row in scored}) > 1]
    settings = [key for key in keys if key != SEED] or keys[:1] or list(scored[0]["swept"])[:1]
    data = {
        "metric": metric,
        "better": direction(metric, stated) or "min",
        "keys": settings,
        "trials": [
            {
                "trial": row["trial"],
                "values": [_value(row, key) for key in settings],
                "score": _score(row, metric),
                "pruned": row["status"] == "PRUNED",
            }
            for row in sorted(scored, key=lambda row: int(row["trial"]))
        ],
        "left_out": len(rows) - len(scored),
    }
    return [Plot("sweep", _picture(data), data)]


def _picture(data: dict[str, Any]) -> Any:
    columns = list(zip(*(trial["values"] for trial in data["trials"]), strict=True))
    numeric = [all(is_number(value) for value in column) for column in columns]
    if len(columns) == 1 and numeric[0]:
        repeats = is_seed(data["keys"][0]) and len(data["trials"]) > 1
        return figures_sweep.seeds if repeats else figures_sweep.line
    if len(columns) == 2:
        across, down = (len(set(column)) for column in columns)
        cells = len(set(zip(*columns, strict=True)))
        if cells >= FILLED * across * down and across * down <= figures_sweep_map.MOST_CELLS:
            return figures_sweep_map.heat_map
        if all(numeric):
            return figures_sweep_map.plane
    return figures_sweep.ranking


def is_seed(key: str) -> bool:
    return key.rpartition(".")[2] == "seed"


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _score(row: Row, metric: str) -> float | None:
    value = row["metrics"].get(metric) if row["status"] in JUDGED else None
    return float(value) if value is not None and math.isfinite(value) else None


def _value(row: Row, key: str) -> Any:
    """What JSON can hold and a set can tell apart: numbers as they are, the rest as text."""
    value = row["swept"].get(key)
    return value if is_number(value) else "–" if value is None else str(value)
