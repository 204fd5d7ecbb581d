"""Speed of convergence: when a metric first reaches a level, and which setting gets there first."""

from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Any

from mlcli.experiment.analysis.runs import metric_curve
from mlcli.figure.panels import Curve
from mlcli.metric.direction import direction
from mlcli.run.finished_run import FinishedRun

Epochs = dict[Any, float | None]  # until a level is reached, by setting; None where it never is


def first_reaching(curve: Curve, metric: str, level: float) -> float | None:
    """The first x at which the curve is as good as `level`; None if it never is."""
    sign = 1 if direction(metric) == "max" else -1
    pairs = zip(curve.x, curve.y, strict=True)
    return next((x for x, y in pairs if y is not None and sign * y >= sign * level), None)


def epochs_to(runs: Sequence[FinishedRun], metric: str, level: float) -> float | None:
    """The first epoch in which the mean over repeats is as good as `level`; None if it never is."""
    return first_reaching(metric_curve(runs, metric), metric, level)


def fastest(
    candidates: Iterable[Sequence[FinishedRun]],
    metric: str,
    level: float,
    otherwise: Callable[[Sequence[FinishedRun]], float],
) -> Sequence[FinishedRun]:
    """The candidate, each the repeats of one setting, that reaches `level` in the fewest epochs.

    Ties, and candidates that never reach it, are ranked by the smallest `otherwise`.
    """
    return min(candidates, key=lambda runs: (epochs_to(runs, metric, level) or inf, otherwise(runs)))


def in_order(epochs: Epochs) -> list[Any]:
    """The settings by their epochs; last those that never reach the level."""
    return sorted(epochs, key=lambda name: epochs[name] or inf)


def format_epochs(epochs: float | None) -> str:
    return "never" if epochs is None else f"{epochs:g}"


def format_all(epochs: Epochs) -> str:
    """For a figure's title: every setting with its epochs."""
    return " · ".join(f"{name} {format_epochs(value)}" for name, value in epochs.items())
