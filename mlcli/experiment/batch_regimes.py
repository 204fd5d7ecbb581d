"""How does the batch size affect the cost of gradient descent?

Method: full-batch, mini-batch and single-example (stochastic) gradient descent on one problem, each at its best
learning rate: updates, examples and seconds until the validation loss reaches a target (Bottou, Curtis & Nocedal,
SIAM Review 2018, section 3).
"""

from collections.abc import Sequence

from mlcli.experiment.analysis.convergence import fastest, first_reaching
from mlcli.experiment.analysis.runs import by_variant, example_counts, learning_rate, metric_curve
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

METRIC = "val/loss"
AXES = ("updates", "examples", "seconds")
LEAST = "Fewest updates: {updates}; fewest examples: {examples}; least time: {seconds}"
COLUMNS = ("variant", "batch size", "learning rate", *AXES, "min val/loss")
Costs = dict[str, dict[str, float | None]]  # by variant and axis


def batch_regimes(runs: Sequence[FinishedRun], *, loss: float) -> Conclusion | None:
    """Each batch size at its best learning rate: updates, examples and seconds to this validation loss."""
    groups = by_variant(runs)
    if len(groups) < 2:
        return None
    best = {
        name: fastest([[run] for run in group], METRIC, loss, lambda runs: runs[0].metrics[METRIC])[0]
        for name, group in groups.items()
    }
    curves = {name: curves_of(run) for name, run in best.items()}
    costs: Costs = {
        name: {axis: first_reaching(each[axis], METRIC, loss) for axis in AXES} for name, each in curves.items()
    }
    rows = [
        (name, _batch_size(run), learning_rate(run), *costs[name].values(), run.metrics[METRIC])
        for name, run in best.items()
    ]
    return Conclusion(_sentence(costs, best, loss), COLUMNS, rows, [_plot(curves, best, loss)])


def curves_of(run: FinishedRun) -> dict[str, Curve]:
    """The validation loss against updates, examples and seconds."""
    history, losses = run.history(), metric_curve([run], METRIC).y
    examples = example_counts(run)["train"]
    times = [float(record["time"]) for record in history]
    # The first epoch includes one-time costs, so it is replaced by the mean of the others.
    epoch = (times[-1] - times[0]) / max(len(times) - 1, 1)
    x = {
        "updates": [float(record["step"]) for record in history],
        "examples": [float(examples * record["epoch"]) for record in history],
        "seconds": [time - times[0] + epoch for time in times],
    }
    return {axis: Curve(values, losses) for axis, values in x.items()}


def _batch_size(run: FinishedRun) -> int:
    """At most the number of training examples."""
    return min(example_counts(run)["train"], int(run.cfg.trainer.batch_size))


def _sentence(costs: Costs, best: dict[str, FinishedRun], loss: float) -> str:
    reached = {name: cost for name, cost in costs.items() if cost["updates"] is not None}
    never = [name for name in costs if name not in reached]
    each = "; ".join(
        f"{name} (learning rate {learning_rate(best[name]):g}) {cost['updates']:,.0f} updates, "
        f"{cost['examples']:,.0f} examples, {cost['seconds']:.2g} s"
        for name, cost in reached.items()
    )
    parts = [f"Cost of reaching a validation loss of {loss:g}: {each or 'never reached'}"]
    parts += [f"Never reached by {', '.join(never)}"] if never and reached else []
    if len(reached) > 1:
        parts.append(LEAST.format_map({axis: _cheapest(reached, axis) for axis in AXES}))
    return ". ".join(parts) + "."


def _cheapest(costs: Costs, axis: str) -> str:
    known = {name: value for name, cost in costs.items() if (value := cost[axis]) is not None}
    return " and ".join(name for name, value in known.items() if value == min(known.values()))


def _plot(curves: dict[str, dict[str, Curve]], best: dict[str, FinishedRun], loss: float) -> Plot:
    names = {name: f"{name} ({_batch_size(run):,}), lr {learning_rate(run):g}" for name, run in best.items()}
    of = [
        Panel(axis, METRIC, {names[name]: each[axis] for name, each in curves.items()}, "xy", loss) for axis in AXES
    ]
    note = "one point per epoch; seconds include the validation after each epoch; dashed: target loss"
    return panels("batch_regimes", "Validation loss against updates, examples and time", note, of, "batch size")
