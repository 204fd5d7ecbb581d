"""Which optimizer brings the training loss down fastest, each at the rate that suits it."""

from collections.abc import Sequence
from math import inf

from mlcli.experiment.analysis.convergence import arrival, curve, epochs, grouped
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

METRIC = "train/loss"
COLUMNS = ("optimizer", "best rate", "rates tried", "epochs to loss", METRIC, "val/accuracy", "test/accuracy")
Arrivals = dict[str, float | None]


def momentum_vs_adam(runs: Sequence[FinishedRun], *, loss: float) -> Conclusion | None:
    """Each optimizer at its best rate: the first to come down to this training loss, else the lowest in the end."""
    tried = grouped(runs, lambda run: str(run.swept.get("optimizer")))
    if len(tried) < 2:
        return None
    best = {name: min(group, key=lambda run: _place(run, loss)) for name, group in tried.items()}
    arrivals = {name: arrival(curve([run], METRIC), METRIC, loss) for name, run in best.items()}
    rows = [
        (name, _rate(run), len(tried[name]), arrivals[name], _last(run), *_accuracy(run))
        for name, run in best.items()
    ]
    return Conclusion(_sentence(best, arrivals, loss), COLUMNS, rows, [_plot(tried, best, arrivals, loss)])


def _place(run: FinishedRun, loss: float) -> tuple[float, float]:
    return arrival(curve([run], METRIC), METRIC, loss) or inf, _last(run)


def _rate(run: FinishedRun) -> float:
    return float(run.cfg.optimizer.lr)


def _last(run: FinishedRun) -> float:
    """The training loss of the last epoch."""
    return float(run.history()[-1]["metrics"][METRIC])


def _accuracy(run: FinishedRun) -> tuple[float, float]:
    return run.metrics["val/accuracy"], run.metrics["test/accuracy"]


def _sentence(best: dict[str, FinishedRun], arrivals: Arrivals, loss: float) -> str:
    order = sorted(best, key=lambda name: arrivals[name] or inf)
    told = ", ".join(f"{name} {epochs(arrivals[name])} (rate {_rate(best[name]):g})" for name in order)
    first, last = arrivals[order[0]], arrivals[order[-1]]
    if first is None:
        return f"No optimizer brings the training loss down to {loss:g}: {told}."
    ratio = f"{last / first:.1f} times as many" if last else "more than there were"
    return (
        f"Epochs until the training loss is {loss:g}, each optimizer at the best rate of those tried: {told}. "
        f"{order[0]} is first; {order[-1]} needs {ratio}."
    )


def _plot(tried: dict[str, list[FinishedRun]], best: dict[str, FinishedRun], arrivals: Arrivals, loss: float) -> Plot:
    curves = {f"{name}, rate {_rate(run):g}": curve([run], METRIC) for name, run in best.items()}
    named = dict(zip(best, curves, strict=True))
    ends = {named[name]: _by_rate(group) for name, group in tried.items()}
    last = len(next(iter(curves.values())).x)
    of = [
        Panel("epoch", METRIC, curves, "y", loss),
        Panel("learning rate", f"{METRIC} of epoch {last}", ends, "xy", loss),
    ]
    told = " · ".join(f"{name} {epochs(arrivals[name])}" for name in best)
    note = "left: each optimizer at its best rate; right: what the rates lead to; dashed: the loss to arrive at"
    return panels("momentum_vs_adam", f"Epochs to loss {loss:g}: {told}", note, of, "optimizer at its best")


def _by_rate(runs: Sequence[FinishedRun]) -> Curve:
    ordered = sorted(runs, key=_rate)
    return Curve([_rate(run) for run in ordered], [_last(run) for run in ordered])
