"""One network in three frameworks: what each makes of the same start and batches, how fast, in how many lines."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from mlcli.experiment.analysis.code_length import lines_of
from mlcli.experiment.analysis.convergence import curve, grouped, mean_of
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.model import mlp_keras, mlp_pytorch
from mlcli.model.scratch import mlp
from mlcli.model.scratch.cross_entropy import cross_entropy, gradient, one_hot, softmax
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

Part = type | Callable[..., Any]
NAMES = {"pytorch": "PyTorch", "numpy": "NumPy", "keras": "Keras"}
# The code that runs for the network, and for its loss and an update of it.
PARTS: dict[str, tuple[Sequence[Part], Sequence[Part]]] = {
    "pytorch": ((mlp_pytorch.network, mlp_pytorch.MLPPyTorch.forward), (mlp_pytorch.step,)),
    "numpy": (
        (mlp.Layer, mlp.forward),
        (mlp.loss_and_gradients, mlp.sgd_step, softmax, one_hot, cross_entropy, gradient),
    ),
    "keras": ((mlp_keras.network,), (mlp_keras.ready, mlp_keras.MLPKeras.fit)),
}
COLUMNS = ("framework", "seeds", "test accuracy", "seconds an epoch", "lines of network", "of loss and update", "all")

Groups = dict[str, list[FinishedRun]]


def framework_comparison(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Accuracy, time of an epoch, and lines of code of each framework that is here; means over the seeds."""
    groups: Groups = grouped(runs, lambda run: str(run.cfg.variant))
    if len(groups) < 2:
        return None
    rows = [_row(name, group) for name, group in groups.items()]
    return Conclusion(_sentence(rows, _missing(runs)), COLUMNS, rows, [_plot(groups, rows)])


def _row(name: str, group: Sequence[FinishedRun]) -> tuple[Any, ...]:
    network, learning = (sum(map(lines_of, parts)) for parts in PARTS[name])
    seconds = median(each for run in group for each in epoch_seconds(run))
    accuracy = mean_of(group, "test/accuracy")
    return NAMES[name], len(group), accuracy, seconds, network, learning, network + learning


def epoch_seconds(run: FinishedRun) -> list[float]:
    """Of each epoch but the first, which holds what a framework does once; with the validation after it."""
    return [after["time"] - before["time"] for before, after in pairwise(run.history())]


def _missing(runs: Sequence[FinishedRun]) -> str:
    """Why a framework is not compared."""
    reasons = {str(run.cfg.variant): run.reason for run in runs if run.status == "FAILED"}
    return " ".join(f"Without {NAMES[name]}: {reason}" for name, reason in reasons.items())


def _sentence(rows: Sequence[tuple[Any, ...]], missing: str) -> str:
    told = "; ".join(
        f"{name} {accuracy:.2%}, {1e3 * seconds:.3g} ms an epoch, {network} + {learning} lines"
        for name, _, accuracy, seconds, network, learning, _ in rows
    )
    fastest, shortest = (min(rows, key=lambda row: row[place])[0] for place in (3, 6))
    same = "all equally accurate" if len({round(row[2], 4) for row in rows}) == 1 else f"{_best(rows)} most accurate"
    found = f"Test accuracy, time, and lines of code (network + loss and update): {told}. {fastest} is the fastest"
    return f"{found}, {shortest} the shortest, {same}. {missing}".strip()


def _best(rows: Sequence[tuple[Any, ...]]) -> str:
    return " and ".join(row[0] for row in rows if row[2] == max(each[2] for each in rows))


def _plot(groups: Groups, rows: Sequence[tuple[Any, ...]]) -> Plot:
    against_time: dict[str, Curve] = {}
    for (name, group), row in zip(groups.items(), rows, strict=True):
        losses = curve(group, "train/loss")
        against_time[NAMES[name]] = Curve([epoch * row[3] for epoch in losses.x], losses.y, losses.spread)
    by_epoch = {NAMES[name]: curve(group, "train/loss") for name, group in groups.items()}
    told = ", ".join(f"{row[0]} {1e3 * row[3]:.3g} ms" for row in rows)
    note = "the same start and the same batches; means over seeds; seconds are epochs times the median of an epoch"
    of = [Panel("epoch", "train/loss", by_epoch, "y"), Panel("seconds", "train/loss", against_time, "y")]
    return panels("framework_comparison", f"An epoch takes {told}", note, of, "framework")
