"""How do PyTorch, NumPy and Keras compare on the same network?

Method: the same initial weights and batches in each; test accuracy, time per epoch, and lines of code, which are
counted in the source that runs.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from mlcli.experiment.analysis.code_length import code_length
from mlcli.experiment.analysis.runs import Groups, by_variant, mean_metric, metric_curves
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.model import mlp_keras, mlp_pytorch
from mlcli.model.scratch import mlp
from mlcli.model.scratch.cross_entropy import cross_entropy, gradient, one_hot, softmax
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

Part = type | Callable[..., Any]
NAMES = {"pytorch": "PyTorch", "numpy": "NumPy", "keras": "Keras"}
# The code of the network, and of its loss and update.
PARTS: dict[str, tuple[Sequence[Part], Sequence[Part]]] = {
    "pytorch": ((mlp_pytorch.network, mlp_pytorch.MLPPyTorch.forward), (mlp_pytorch.sgd_step,)),
    "numpy": (
        (mlp.Layer, mlp.forward),
        (mlp.loss_and_gradients, mlp.sgd_step, softmax, one_hot, cross_entropy, gradient),
    ),
    "keras": ((mlp_keras.network,), (mlp_keras.compile_network, mlp_keras.MLPKeras.fit)),
}
COLUMNS = (
    "framework", "seeds", "test accuracy", "seconds per epoch",
    "lines: network", "lines: loss and update", "lines: total",
)  # fmt: skip


def framework_comparison(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Accuracy, time per epoch and lines of code of each installed framework; means over seeds."""
    groups = by_variant(runs)
    if len(groups) < 2:
        return None
    rows = [_row(name, group) for name, group in groups.items()]
    return Conclusion(_sentence(rows, _missing(runs)), COLUMNS, rows, [_plot(groups, rows)])


def _row(name: str, group: Sequence[FinishedRun]) -> tuple[Any, ...]:
    network, learning = (sum(map(code_length, parts)) for parts in PARTS[name])
    seconds = median(each for run in group for each in epoch_seconds(run))
    accuracy = mean_metric(group, "test/accuracy")
    return NAMES[name], len(group), accuracy, seconds, network, learning, network + learning


def epoch_seconds(run: FinishedRun) -> list[float]:
    """Seconds of each epoch with its validation, but for the first, which includes one-time costs."""
    return [after["time"] - before["time"] for before, after in pairwise(run.history())]


def _missing(runs: Sequence[FinishedRun]) -> str:
    """Why a framework is not compared."""
    reasons = {str(run.cfg.variant): run.reason for run in runs if run.status == "FAILED"}
    return " ".join(f"{NAMES[name]} is missing: {reason}" for name, reason in reasons.items())


def _sentence(rows: Sequence[tuple[Any, ...]], missing: str) -> str:
    each = "; ".join(
        f"{name} {score:.2%}, {1e3 * seconds:.3g} ms, {network} + {learning} lines"
        for name, _, score, seconds, network, learning, _ in rows
    )
    fastest, shortest = (min(rows, key=lambda row: row[place])[0] for place in (3, 6))
    is_tie = len({round(row[2], 4) for row in rows}) == 1
    accuracy = "all are equally accurate" if is_tie else f"{_best(rows)} most accurate"
    return (
        f"Test accuracy, time per epoch and lines of code (network + loss and update): {each}. {fastest} is fastest, "
        f"{shortest} shortest; {accuracy}. {missing}"
    ).strip()


def _best(rows: Sequence[tuple[Any, ...]]) -> str:
    return " and ".join(row[0] for row in rows if row[2] == max(each[2] for each in rows))


def _plot(groups: Groups, rows: Sequence[tuple[Any, ...]]) -> Plot:
    by_epoch = metric_curves({NAMES[name]: group for name, group in groups.items()}, "train/loss")
    by_time = {
        row[0]: Curve([epoch * row[3] for epoch in losses.x], losses.y, losses.spread)
        for row, losses in zip(rows, by_epoch.values(), strict=True)
    }
    each = ", ".join(f"{row[0]} {1e3 * row[3]:.3g} ms" for row in rows)
    note = "same initial weights and batches; means over seeds; seconds: epochs × median time per epoch"
    of = [Panel("epoch", "train/loss", by_epoch, "y"), Panel("seconds", "train/loss", by_time, "y")]
    return panels("framework_comparison", f"Time per epoch: {each}", note, of, "framework")
