"""What happened over the epochs: of one run, of several, of a whole sweep.

A history is the list of a run's records {"epoch": 1, "step": 36, "metrics": {"train/loss": 0.5, …}}.
"""

from collections.abc import Callable, Sequence
from typing import Any

from mlcli.figure import history as figures_history
from mlcli.figure import lr_range as figures_lr_range
from mlcli.figure.plot import Plot, number
from mlcli.metric.direction import Directions, direction
from mlcli.metric.sweep import sweep

__all__ = ["compare", "learning_curves", "lr_range", "sweep"]

History = list[dict[str, Any]]
RATES = 500  # points of the learning rate's curve
HEADLINES = ("accuracy", "r2", "return")  # the metric that is shown beside the loss, if it is there


def learning_curves(
    history: History,
    monitor: str = "val/loss",
    schedule: Callable[[int], float] | None = None,
    stated: Directions | None = None,
) -> list[Plot]:
    """learning_curves (loss and one metric; the best epoch by `monitor` marked) and learning_rate, if recorded.

    With `schedule` (update → rate) the rate is drawn update by update, else as recorded at each epoch's end. stated:
    directions of metrics of the user's own.
    """
    if not history:
        return []
    epochs = [int(record["epoch"]) for record in history]
    names = [name for name in ("loss", _headline(history)) if name]
    curves = {
        name: {split: values for split in ("train", "val") if (values := series(history, f"{split}/{name}"))}
        for name in names
    }
    data = {"epochs": epochs, "curves": curves, "monitor": monitor, "best": best(history, monitor, stated)}
    made = [Plot("learning_curves", figures_history.learning_curves, data)]
    rates = series(history, "lr")
    if schedule is not None and rates:
        last = int(history[-1]["step"])
        every = range(0, last, max(1, last // RATES))
        drawn = {"steps": list(every), "rates": [schedule(step) for step in every], "when": "by update"}
        made.append(Plot("learning_rate", figures_history.learning_rate, drawn))
    elif rates:
        steps = [int(record["step"]) for record in history]
        made.append(Plot("learning_rate", figures_history.learning_rate, {"steps": steps, "rates": rates}))
    return made


def lr_range(rates: Sequence[float], losses: Sequence[float], picked: float, steps: int) -> Plot:
    """lr_range: the loss at each rate of a range test, after so many steps, and the rate that was picked."""
    data = {"rates": list(rates), "losses": [number(loss) for loss in losses], "picked": picked, "steps": steps}
    return Plot("lr_range", figures_lr_range.lr_range, data)


def compare(histories: dict[str, History], metric: str, stated: Directions | None = None) -> Plot:
    """One metric by epoch of several runs, best run first; runs that have not recorded it are left out. A metric
    without a direction is ranked as if it were better small."""
    curves: list[dict[str, Any]] = []
    for name, history in histories.items():
        values, top = series(history, metric), best(history, metric, stated)
        if top is not None:
            epochs = [int(record["epoch"]) for record in history]
            curves.append({"name": name, "epochs": epochs, "values": values, "best": top["value"]})
    if not curves:
        raise ValueError(f"No run has recorded {metric} by epoch: use another metric.")
    curves.sort(key=lambda curve: curve["best"], reverse=direction(metric, stated) == "max")
    left_out = len(histories) - len(curves)
    return Plot("compare", figures_history.compare, {"metric": metric, "curves": curves, "left_out": left_out})


def series(history: History, metric: str) -> list[float | None]:
    """One value an epoch, None where it is missing or not finite; empty if no epoch has it."""
    values = [record["metrics"].get(metric) for record in history]
    if all(value is None for value in values):
        return []
    return [None if value is None else number(value) for value in values]


def best(history: History, metric: str, stated: Directions | None = None) -> dict[str, float] | None:
    """{"epoch", "value"} of the first epoch with the best finite value."""
    values = series(history, metric)
    known = [(value, record["epoch"]) for value, record in zip(values, history, strict=False) if value is not None]
    if not known:
        return None
    value, epoch = (max if direction(metric, stated) == "max" else min)(known, key=lambda pair: pair[0])
    return {"epoch": epoch, "value": value}


def _headline(history: History) -> str | None:
    metrics = history[-1]["metrics"]
    split = "val/" if any(name.startswith("val/") for name in metrics) else "train/"
    others = [name.removeprefix(split) for name in metrics if name.startswith(split) and name != f"{split}loss"]
    return next((name for name in HEADLINES if name in others), others[0] if others else None)
