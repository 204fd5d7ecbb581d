"""What dropout and batch normalisation do to the speed of learning and to its end, each alone and together."""

from collections.abc import Sequence

from mlcli.experiment.analysis.convergence import Groups, arrival, curve, epochs, grouped, mean_of, spread_of
from mlcli.figure.panels import Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

METRIC, FINAL = "val/accuracy", "test/accuracy"
COLUMNS = ("variant", "epochs to accuracy", FINAL, "± over seeds", "best val/loss")


def dropout_vs_batchnorm(runs: Sequence[FinishedRun], *, accuracy: float) -> Conclusion | None:
    """Each variant's epochs to this validation accuracy (means over seeds) and its test accuracy."""
    groups = grouped(runs, lambda run: str(run.cfg.variant))
    if len(groups) < 2:
        return None
    arrivals = {name: arrival(curve(group, METRIC), METRIC, accuracy) for name, group in groups.items()}
    rows = [
        (name, arrivals[name], mean_of(group, FINAL), spread_of(group, FINAL), mean_of(group, "val/loss"))
        for name, group in groups.items()
    ]
    return Conclusion(_sentence(groups, arrivals, accuracy), COLUMNS, rows, [_plot(groups, arrivals, accuracy)])


def _sentence(groups: Groups, arrivals: dict[str, float | None], accuracy: float) -> str:
    speed = ", ".join(f"{name} {epochs(arrivals[name])}" for name in groups)
    scores = {name: mean_of(group, FINAL) for name, group in groups.items()}
    order = sorted(scores, key=lambda name: -scores[name])
    arrived = {name: epoch for name, epoch in arrivals.items() if epoch is not None}
    fastest = [name for name, epoch in arrived.items() if epoch == min(arrived.values())]
    first = f" {' and '.join(fastest)} {'is' if len(fastest) == 1 else 'are'} the fastest." if fastest else ""
    return (
        f"Epochs to {accuracy:.0%} validation accuracy: {speed}.{first} Test accuracy: "
        f"{', '.join(f'{name} {scores[name]:.1%}' for name in order)}."
    )


def _plot(groups: Groups, arrivals: dict[str, float | None], accuracy: float) -> Plot:
    of = [
        Panel("epoch", "train/loss", {name: curve(group, "train/loss") for name, group in groups.items()}, "y"),
        Panel("epoch", METRIC, {name: curve(group, METRIC) for name, group in groups.items()}, level=accuracy),
    ]
    told = " · ".join(f"{name} {epochs(epoch)}" for name, epoch in arrivals.items())
    note = "means over seeds, with one standard deviation; train/loss is that of the updates, with dropout in place"
    return panels("dropout_vs_batchnorm", f"Epochs to {accuracy:.0%}: {told}", note, of)
