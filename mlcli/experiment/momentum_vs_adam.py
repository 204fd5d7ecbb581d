"""Which optimizer reduces the training loss fastest?

Method: gradient descent, momentum (Polyak 1964), RMSProp (Tieleman & Hinton 2012), Adam (Kingma & Ba, ICLR 2015) and
AdamW (Loshchilov & Hutter, ICLR 2019) on one network, each at its best learning rate.
"""

from collections.abc import Sequence

from mlcli.experiment.analysis.convergence import (
    Epochs,
    epochs_to,
    fastest,
    format_all,
    format_epochs,
    in_order,
)
from mlcli.experiment.analysis.runs import Groups, group_by, learning_rate, metric_curve
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

METRIC = "train/loss"
COLUMNS = (
    "optimizer", "best learning rate", "learning rates tried", "epochs to loss",
    METRIC, "val/accuracy", "test/accuracy",
)  # fmt: skip


def momentum_vs_adam(runs: Sequence[FinishedRun], *, loss: float) -> Conclusion | None:
    """Each optimizer at the learning rate that reaches this training loss first, else has the lowest final one."""
    tried = group_by(runs, lambda run: str(run.swept.get("optimizer")))
    if len(tried) < 2:
        return None
    best = {
        name: fastest([[run] for run in group], METRIC, loss, lambda runs: _final_loss(runs[0]))[0]
        for name, group in tried.items()
    }
    epochs = {name: epochs_to([run], METRIC, loss) for name, run in best.items()}
    rows = [
        (name, learning_rate(run), len(tried[name]), epochs[name], _final_loss(run),
         run.metrics["val/accuracy"], run.metrics["test/accuracy"])
        for name, run in best.items()
    ]  # fmt: skip
    return Conclusion(_sentence(best, epochs, loss), COLUMNS, rows, [_plot(tried, best, epochs, loss)])


def _final_loss(run: FinishedRun) -> float:
    """The training loss of the last epoch."""
    return float(run.history()[-1]["metrics"][METRIC])


def _sentence(best: dict[str, FinishedRun], epochs: Epochs, loss: float) -> str:
    order = in_order(epochs)
    each = ", ".join(f"{name} {format_epochs(epochs[name])} ({learning_rate(best[name]):g})" for name in order)
    first, last = epochs[order[0]], epochs[order[-1]]
    if first is None:
        return f"No optimizer reaches a training loss of {loss:g}, whatever its learning rate: {each}."
    end = f"needs {last / first:.1f} times as many epochs" if last else "never reaches it"
    return (
        f"Epochs to a training loss of {loss:g}, each optimizer at its best learning rate: {each}. {order[0]} is the "
        f"fastest; {order[-1]} {end}."
    )


def _plot(tried: Groups, best: dict[str, FinishedRun], epochs: Epochs, loss: float) -> Plot:
    names = {name: f"{name}, lr {learning_rate(run):g}" for name, run in best.items()}
    curves = {names[name]: metric_curve([run], METRIC) for name, run in best.items()}
    finals = {names[name]: _by_rate(group) for name, group in tried.items()}
    last = len(next(iter(curves.values())).x)
    of = [
        Panel("epoch", METRIC, curves, "y", loss),
        Panel("learning rate", f"{METRIC} of epoch {last}", finals, "xy", loss),
    ]
    title = f"Epochs to loss {loss:g}: {format_all(epochs)}"
    note = "left: each optimizer at its best learning rate; right: final loss by learning rate; dashed: target loss"
    return panels("momentum_vs_adam", title, note, of, "optimizer")


def _by_rate(runs: Sequence[FinishedRun]) -> Curve:
    ordered = sorted(runs, key=learning_rate)
    return Curve([learning_rate(run) for run in ordered], [_final_loss(run) for run in ordered])
