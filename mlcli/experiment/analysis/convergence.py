"""How fast runs arrive at a score: what several experiments measure of theirs."""

from collections.abc import Callable, Sequence
from statistics import fmean, stdev
from typing import Any

from mlcli.figure.panels import Curve
from mlcli.metric.direction import direction
from mlcli.metric.history import series
from mlcli.run.build import Parts
from mlcli.run.finished_run import FinishedRun
from mlcli.store.weights import load_weights

Groups = dict[Any, list[FinishedRun]]


def grouped(runs: Sequence[FinishedRun], key: Callable[[FinishedRun], Any]) -> Groups:
    """The finished runs by what `key` says of them, in their order; repeats with other seeds come together."""
    groups: Groups = {}
    for run in runs:
        if run.status == "FINISHED":
            groups.setdefault(key(run), []).append(run)
    return groups


def mean_of(runs: Sequence[FinishedRun], metric: str) -> float:
    return fmean(run.metrics[metric] for run in runs)


def spread_of(runs: Sequence[FinishedRun], metric: str) -> float | None:
    """The standard deviation over repeats; None for a single run."""
    return stdev(run.metrics[metric] for run in runs) if len(runs) > 1 else None


def curve(runs: Sequence[FinishedRun], metric: str) -> Curve:
    """A metric by epoch, the mean over repeats. Raises ValueError where they have trained for unequally many."""
    histories = [run.history() for run in runs]
    return Curve.mean([record["epoch"] for record in histories[0]], [series(each, metric) for each in histories])


def arrival(of: Curve, metric: str, level: float) -> float | None:
    """The first x at which the curve is as good as `level`; None if it never is."""
    sign = 1 if direction(metric) == "max" else -1
    pairs = zip(of.x, of.y, strict=True)
    return next((x for x, y in pairs if y is not None and sign * y >= sign * level), None)


def epochs(of: float | None) -> str:
    """An arrival in words."""
    return "never" if of is None else f"{of:g}"


def as_left(run: FinishedRun) -> Parts:
    """The run with the weights that training ended with, which need not be its best. ConfigError as run.parts()."""
    parts = run.parts()
    weights, _ = load_weights(run.folder.path / "last.safetensors")
    parts.task.load_state_dict({"model": weights})
    return parts
