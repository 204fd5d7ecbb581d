"""How do dropout and batch normalisation affect speed of convergence and final accuracy?

Method: one deep network without either, with dropout (Srivastava et al., JMLR 2014), with batch normalisation
(Ioffe & Szegedy, ICML 2015) and with both.
"""

from collections.abc import Sequence

from mlcli.experiment.analysis.convergence import Epochs, epochs_to, format_all, format_epochs
from mlcli.experiment.analysis.runs import Groups, by_variant, mean_metric, metric_curves, std_metric
from mlcli.figure.panels import Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

METRIC, FINAL = "val/accuracy", "test/accuracy"
COLUMNS = ("variant", "epochs to accuracy", FINAL, "std over seeds", "min val/loss")


def dropout_vs_batchnorm(runs: Sequence[FinishedRun], *, accuracy: float) -> Conclusion | None:
    """Each variant's epochs to this validation accuracy (means over seeds) and its test accuracy."""
    groups = by_variant(runs)
    if len(groups) < 2:
        return None
    epochs = {name: epochs_to(group, METRIC, accuracy) for name, group in groups.items()}
    rows = [
        (name, epochs[name], mean_metric(group, FINAL), std_metric(group, FINAL), mean_metric(group, "val/loss"))
        for name, group in groups.items()
    ]
    return Conclusion(_sentence(groups, epochs, accuracy), COLUMNS, rows, [_plot(groups, epochs, accuracy)])


def _sentence(groups: Groups, epochs: Epochs, accuracy: float) -> str:
    speed = ", ".join(f"{name} {format_epochs(epochs[name])}" for name in groups)
    scores = {name: mean_metric(group, FINAL) for name, group in groups.items()}
    order = sorted(scores, key=lambda name: -scores[name])
    reached = {name: epoch for name, epoch in epochs.items() if epoch is not None}
    fastest = [name for name, epoch in reached.items() if epoch == min(reached.values())]
    first = f" {' and '.join(fastest)} {'is' if len(fastest) == 1 else 'are'} the fastest." if fastest else ""
    return (
        f"Epochs to {accuracy:.0%} validation accuracy: {speed}.{first} Test accuracy: "
        f"{', '.join(f'{name} {scores[name]:.1%}' for name in order)}."
    )


def _plot(groups: Groups, epochs: Epochs, accuracy: float) -> Plot:
    of = [
        Panel("epoch", "train/loss", metric_curves(groups, "train/loss"), "y"),
        Panel("epoch", METRIC, metric_curves(groups, METRIC), level=accuracy),
    ]
    note = "means over seeds with one standard deviation; train/loss is measured during training, with dropout active"
    return panels("dropout_vs_batchnorm", f"Epochs to {accuracy:.0%}: {format_all(epochs)}", note, of)
