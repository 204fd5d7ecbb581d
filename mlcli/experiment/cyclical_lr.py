"""Which learning-rate schedule is at an accuracy first, each at the rate that suits it; and Smith's range test."""

from collections.abc import Sequence
from math import inf

from mlcli.experiment.analysis.convergence import Groups, arrival, curve, epochs, grouped, mean_of, spread_of
from mlcli.experiment.analysis.range_test import Range, range_test
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.build import build
from mlcli.run.conclusion import Conclusion
from mlcli.run.finish import rate_by_update
from mlcli.run.finished_run import FinishedRun

METRIC, FINAL = "val/accuracy", "test/accuracy"
COLUMNS = ("schedule", "peak rate", "epochs to accuracy", FINAL, "± over seeds", "val/loss")
Arrivals = dict[str, float | None]
POINTS = 400  # of a learning-rate curve


def cyclical_lr(runs: Sequence[FinishedRun], *, accuracy: float) -> Conclusion | None:
    """Each schedule at its best peak rate: epochs to this validation accuracy (means over seeds), test accuracy."""
    tried: dict[str, list[list[FinishedRun]]] = {}
    for (name, _), group in grouped(runs, lambda run: (str(run.cfg.variant), _peak(run))).items():
        tried.setdefault(name, []).append(group)
    if len(tried) < 2:
        return None
    best: Groups = {name: min(groups, key=lambda group: _place(group, accuracy)) for name, groups in tried.items()}
    arrivals: Arrivals = {name: _arrival(group, accuracy) for name, group in best.items()}
    rows = [
        (name, _peak(g[0]), arrivals[name], mean_of(g, FINAL), spread_of(g, FINAL), mean_of(g, "val/loss"))
        for name, g in best.items()
    ]
    tested = range_test(build(runs[0].cfg))
    plots = [_plot(best, arrivals, accuracy), _range_plot(tested, best)]
    return Conclusion(_sentence(best, arrivals, accuracy, tested), COLUMNS, rows, plots)


def _peak(run: FinishedRun) -> float:
    return float(run.cfg.optimizer.lr)


def _arrival(group: list[FinishedRun], accuracy: float) -> float | None:
    return arrival(curve(group, METRIC), METRIC, accuracy)


def _place(group: list[FinishedRun], accuracy: float) -> tuple[float, float]:
    return _arrival(group, accuracy) or inf, -mean_of(group, METRIC)


def _sentence(best: Groups, arrivals: Arrivals, accuracy: float, tested: Range) -> str:
    order = sorted(best, key=lambda name: arrivals[name] or inf)
    told = ", ".join(f"{name} {epochs(arrivals[name])} (rate {_peak(best[name][0]):g})" for name in order)
    scores = {name: mean_of(group, FINAL) for name, group in best.items()}
    ends = sorted(scores, key=lambda name: -scores[name])
    return (
        f"Epochs to {accuracy:.0%} validation accuracy, each schedule at the best peak rate of those tried: {told}. "
        f"Test accuracy goes from {scores[ends[0]]:.1%} ({ends[0]}) to {scores[ends[-1]]:.1%} ({ends[-1]}). In the "
        f"range test the loss falls from a rate of {tested.low:.2g} on and is lowest at {tested.high:.2g}."
    )


def _plot(best: Groups, arrivals: Arrivals, accuracy: float) -> Plot:
    names = {name: f"{name}, peak {_peak(group[0]):g}" for name, group in best.items()}
    of = [
        Panel("update", "learning rate", {names[name]: _rates(group[0]) for name, group in best.items()}),
        Panel("epoch", "train/loss", {names[name]: curve(group, "train/loss") for name, group in best.items()}, "y"),
        Panel("epoch", METRIC, {names[name]: curve(group, METRIC) for name, group in best.items()}, level=accuracy),
    ]
    told = " · ".join(f"{name} {epochs(epoch)}" for name, epoch in arrivals.items())
    return panels(
        "cyclical_lr", f"Epochs to {accuracy:.0%}: {told}", "means over seeds, with one standard deviation", of
    )


def _rates(run: FinishedRun) -> Curve:
    """The learning rate by update."""
    parts = run.parts()
    rate = rate_by_update(run.cfg, parts)
    steps = range(0, parts.total_steps, max(1, parts.total_steps // POINTS))
    return Curve(list(steps), [rate(step) for step in steps] if rate else [None] * len(steps))


def _range_plot(tested: Range, best: Groups) -> Plot:
    title = f"Learning-rate range test · loss lowest at {tested.high:.2g}"
    note = (
        "running mean of the training loss of one network whose rate rises; dotted: from where it falls, and its end"
    )
    of = [Panel("learning rate", "train/loss", {"loss": tested.curve}, "x", at=(tested.low, tested.high))]
    return panels("lr_range_test", title, note, of)
