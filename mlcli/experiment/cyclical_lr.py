"""Which learning-rate schedule reaches an accuracy first?

Method: each schedule at its best peak learning rate, among them the triangular cyclic schedule; and the learning-rate
range test of the same paper (Smith, WACV 2017).
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
from mlcli.experiment.analysis.range_test import LearningRateRange, range_test
from mlcli.experiment.analysis.runs import Groups, group_by, learning_rate, mean_metric, metric_curves, std_metric
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.build import build
from mlcli.run.conclusion import Conclusion
from mlcli.run.finish import learning_rate_by_update
from mlcli.run.finished_run import FinishedRun

METRIC, FINAL = "val/accuracy", "test/accuracy"
COLUMNS = ("schedule", "peak learning rate", "epochs to accuracy", FINAL, "std over seeds", "val/loss")
POINTS = 400  # of a learning-rate curve


def cyclical_lr(runs: Sequence[FinishedRun], *, accuracy: float) -> Conclusion | None:
    """Each schedule at its best peak learning rate: epochs to this validation accuracy (means over seeds), test
    accuracy."""
    tried: dict[str, list[list[FinishedRun]]] = {}
    for (name, _), group in group_by(runs, lambda run: (str(run.cfg.variant), learning_rate(run))).items():
        tried.setdefault(name, []).append(group)
    if len(tried) < 2:
        return None
    best: Groups = {
        name: list(fastest(groups, METRIC, accuracy, lambda runs: -mean_metric(runs, METRIC)))
        for name, groups in tried.items()
    }
    epochs: Epochs = {name: epochs_to(group, METRIC, accuracy) for name, group in best.items()}
    rows = [
        (
            name,
            learning_rate(g[0]),
            epochs[name],
            mean_metric(g, FINAL),
            std_metric(g, FINAL),
            mean_metric(g, "val/loss"),
        )
        for name, g in best.items()
    ]
    tested = range_test(build(runs[0].cfg))
    plots = [_plot(best, epochs, accuracy), _range_plot(tested)]
    return Conclusion(_sentence(best, epochs, accuracy, tested), COLUMNS, rows, plots)


def _sentence(best: Groups, epochs: Epochs, accuracy: float, tested: LearningRateRange) -> str:
    speed = ", ".join(
        f"{name} {format_epochs(epochs[name])} ({learning_rate(best[name][0]):g})" for name in in_order(epochs)
    )
    scores = {name: mean_metric(group, FINAL) for name, group in best.items()}
    lowest, *_, highest = sorted(scores, key=scores.__getitem__)
    return (
        f"Epochs to {accuracy:.0%} validation accuracy, each schedule at its best peak learning rate: {speed}. Test "
        f"accuracy is between {scores[lowest]:.1%} ({lowest}) and {scores[highest]:.1%} ({highest}). In the range "
        f"test the loss starts to fall at a learning rate of {tested.low:.2g} and is lowest at {tested.high:.2g}."
    )


def _plot(best: Groups, epochs: Epochs, accuracy: float) -> Plot:
    named = {f"{name}, peak {learning_rate(group[0]):g}": group for name, group in best.items()}
    of = [
        Panel("update", "learning rate", {name: _schedule(group[0]) for name, group in named.items()}),
        Panel("epoch", "train/loss", metric_curves(named, "train/loss"), "y"),
        Panel("epoch", METRIC, metric_curves(named, METRIC), level=accuracy),
    ]
    note = "means over seeds with one standard deviation"
    return panels("cyclical_lr", f"Epochs to {accuracy:.0%}: {format_all(epochs)}", note, of)


def _schedule(run: FinishedRun) -> Curve:
    """The learning rate by update."""
    parts = run.parts()
    rate = learning_rate_by_update(run.cfg, parts)
    updates = range(0, parts.total_steps, max(1, parts.total_steps // POINTS))
    return Curve(list(updates), [rate(update) for update in updates] if rate else [None] * len(updates))


def _range_plot(tested: LearningRateRange) -> Plot:
    title = f"Learning-rate range test · lowest loss at {tested.high:.2g}"
    note = "running mean of the training loss while the learning rate grows; dotted: start of the fall, lowest loss"
    of = [Panel("learning rate", "train/loss", {"loss": tested.curve}, "x", at=(tested.low, tested.high))]
    return panels("lr_range_test", title, note, of)
