"""What the size of a batch costs: updates, examples and seconds until the loss is low."""

from collections.abc import Sequence
from math import inf

from mlcli.experiment.analysis.convergence import arrival, curve, grouped
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.store.folder import read_json

METRIC = "val/loss"
AXES = ("updates", "examples", "seconds")
LEAST = "Fewest updates with {updates}, fewest examples with {examples}, least time with {seconds}"
COLUMNS = ("variant", "batch size", "rate", *AXES, "least val/loss")
Arrivals = dict[str, dict[str, float | None]]  # by variant and axis


def batch_regimes(runs: Sequence[FinishedRun], *, loss: float) -> Conclusion | None:
    """Each batch size at its best rate: updates, examples seen and seconds until the validation loss is this low."""
    tried = grouped(runs, lambda run: str(run.cfg.variant))
    if len(tried) < 2:
        return None
    best = {name: min(group, key=lambda run: _place(run, loss)) for name, group in tried.items()}
    curves = {name: curves_of(run) for name, run in best.items()}
    arrivals: Arrivals = {
        name: {axis: arrival(each[axis], METRIC, loss) for axis in AXES} for name, each in curves.items()
    }
    rows = [
        (name, _batch(run), float(run.cfg.optimizer.lr), *arrivals[name].values(), run.metrics[METRIC])
        for name, run in best.items()
    ]
    return Conclusion(_sentence(arrivals, best, loss), COLUMNS, rows, [_plot(curves, best, loss)])


def curves_of(run: FinishedRun) -> dict[str, Curve]:
    """The validation loss against updates, examples seen and seconds."""
    history, losses = run.history(), curve([run], METRIC).y
    examples = read_json(run.folder.path / "data.json")["examples"]["train"]
    times = [float(record["time"]) for record in history]
    # The first epoch's own time would hold what a process does once; the others tell what an epoch takes.
    epoch = (times[-1] - times[0]) / max(len(times) - 1, 1)
    x = {
        "updates": [float(record["step"]) for record in history],
        "examples": [float(examples * record["epoch"]) for record in history],
        "seconds": [time - times[0] + epoch for time in times],
    }
    return {axis: Curve(values, losses) for axis, values in x.items()}


def _place(run: FinishedRun, loss: float) -> tuple[float, float]:
    return arrival(curve([run], METRIC), METRIC, loss) or inf, run.metrics[METRIC]


def _batch(run: FinishedRun) -> int:
    """Examples in a batch: no more than there are."""
    examples: int = read_json(run.folder.path / "data.json")["examples"]["train"]
    return min(examples, int(run.cfg.trainer.batch_size))


def _sentence(arrivals: Arrivals, best: dict[str, FinishedRun], loss: float) -> str:
    told, never = [], []
    for name, found in arrivals.items():
        if found["updates"] is None:
            never.append(name)
            continue
        counts = f"{found['updates']:,.0f} updates, {found['examples']:,.0f} examples, {found['seconds']:.2g} s"
        told.append(f"{name} (rate {best[name].cfg.optimizer.lr:g}) {counts}")
    parts = [f"Until the validation loss is {loss:g}: {'; '.join(told) or 'none gets there'}"]
    parts += [f"Never: {', '.join(never)}"] if never and told else []
    if len(told) > 1:
        fewest = {axis: _fewest(arrivals, axis) for axis in AXES}
        parts.append(LEAST.format_map(fewest))
    return ". ".join(parts) + "."


def _fewest(arrivals: Arrivals, axis: str) -> str:
    known = {name: value for name, found in arrivals.items() if (value := found[axis]) is not None}
    return " and ".join(name for name, value in known.items() if value == min(known.values()))


def _plot(curves: dict[str, dict[str, Curve]], best: dict[str, FinishedRun], loss: float) -> Plot:
    names = {name: f"{name} ({_batch(run):,}), rate {run.cfg.optimizer.lr:g}" for name, run in best.items()}
    of = [
        Panel(axis, METRIC, {names[name]: each[axis] for name, each in curves.items()}, "xy", loss) for axis in AXES
    ]
    note = "a point an epoch; seconds include the validation after each; dashed: the loss to arrive at"
    return panels("batch_regimes", "Loss against updates, examples seen and seconds", note, of, "batch size")
