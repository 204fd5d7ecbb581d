"""Plots of what runs have recorded, epoch by epoch: metrics computed, then handed to figures as plain arrays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlcli import renamed
from mlcli.config.errors import ConfigError, writing
from mlcli.figure import history as figure
from mlcli.figure.layer_statistics import layer_statistics
from mlcli.figure.plot import Plot
from mlcli.metric.comparison import context, differing
from mlcli.metric.direction import Directions, direction
from mlcli.metric.history import History, best, headline, series
from mlcli.metric.suggestion import suggest_metric
from mlcli.run.figures import common_subject
from mlcli.store.stored_run import StoredRun, stated_directions

RATES = 500  # points of the learning rate's curve
GRADIENTS = (("gradient_norm", "log"),)
ACTIVATIONS = (("activation_mean", "signed"), ("activation_std", "log"))


def learning_curves(
    history: History,
    monitor: str = "val/loss",
    schedule: Callable[[int], float] | None = None,
    stated: Directions | None = None,
    best_epoch: int | None = None,
) -> list[Plot]:
    """learning_curves (loss and one metric, with the best epoch marked) and learning_rate, if recorded.

    With `schedule` (optimisation step → rate) the rate is shown step by step, otherwise as recorded at each epoch's
    end. stated: directions of the user's own metrics. best_epoch: by default that with the best value of `monitor`.
    """
    if not history:
        return []
    epochs = [int(record["epoch"]) for record in history]
    names = [name for name in ("loss", headline(history)) if name]
    curves = {
        name: {split: values for split in ("train", "val") if (values := series(history, f"{split}/{name}"))}
        for name in names
    }
    kept = [record for record in history if record["epoch"] == best_epoch]
    plots = [figure.learning_curves(epochs, curves, monitor, best(kept or history, monitor, stated))]
    rates = series(history, "lr")
    if len(set(rates)) < 2:  # a constant rate needs no picture
        return plots
    if schedule is not None:
        last = int(history[-1]["step"])
        steps = range(0, last, max(1, last // RATES))
        plots.append(figure.learning_rate(steps, [schedule(step) for step in steps], when="at optimisation steps"))
    else:
        plots.append(figure.learning_rate([int(record["step"]) for record in history], rates))
    return plots


def compare(
    histories: Mapping[str, History], metric: str, stated: Directions | None = None, comparable: bool = True
) -> Plot:
    """One metric by epoch of several runs, best first; runs that have not recorded it are left out. A metric without
    a direction is ranked as if lower were better.

    comparable: whether values of different runs compare. Raises ValueError if no run has recorded the metric.
    """
    curves: list[dict[str, Any]] = []
    for name, history in histories.items():
        top = best(history, metric, stated)
        if top is not None:
            epochs = [int(record["epoch"]) for record in history]
            curves.append({"name": name, "epochs": epochs, "values": series(history, metric), "best": top["value"]})
    if not curves:
        raise ValueError(f"No run has recorded {metric} by epoch: use another metric.")
    curves.sort(key=lambda curve: curve["best"], reverse=direction(metric, stated) == "max")
    return figure.compare(metric, curves, len(histories) - len(curves), comparable)


def save_comparison(runs: Sequence[StoredRun], metric: str, path: Path) -> Path:
    """Writes a PNG of one metric by epoch of every run. Raises ConfigError if none of them has recorded it."""
    histories = {f"{run.record['name']} ({run.id[-6:]})": run.history() for run in runs}
    known = sorted({name for history in histories.values() for record in history for name in record["metrics"]})
    if metric not in known:
        metric = renamed.metric(metric, quiet=False)
    if metric not in known:
        raise ConfigError(f"--metric {metric}: no run has it by epoch.{suggest_metric(metric, known)}")
    with writing(path):
        comparable = not differing([context(metric, run.flat_config) for run in runs])
        plot = compare(histories, metric, stated_directions(list(runs)), comparable)
        return replace(plot, subject=common_subject([run.record for run in runs])).save_png(path)


def layer_plots(history: History) -> list[Plot]:
    """gradient_flow and activations, as far as they were recorded (trainer.layer_statistics)."""
    made = [_layers("gradient_flow", history, GRADIENTS), _layers("activations", history, ACTIVATIONS)]
    return [plot for plot in made if plot is not None]


def _layers(name: str, history: History, kinds: Sequence[tuple[str, str]]) -> Plot | None:
    maps = []
    for kind, scale in kinds:
        keys = [key for key in (history[0]["metrics"] if history else ()) if key.startswith(f"{kind}/")]
        if keys:
            layers = [key.partition("/")[2] for key in keys]
            values = [series(history, key) for key in keys]
            maps.append({"kind": kind, "scale": scale, "layers": layers, "values": values})
    return layer_statistics(name, [int(record["epoch"]) for record in history], maps) if maps else None
