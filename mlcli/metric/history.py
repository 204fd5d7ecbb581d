"""Metrics over the epochs of a run.

A history is the list of a run's records {"epoch": 1, "step": 36, "metrics": {"train/loss": 0.5, …}}.
"""

from typing import Any

from mlcli.metric.direction import Directions, direction
from mlcli.metric.undefined import finite

History = list[dict[str, Any]]
HEADLINES = ("accuracy", "r2", "return")  # by priority


def series(history: History, metric: str) -> list[float | None]:
    """One value per epoch, None where it is missing or not finite; empty if no epoch has it."""
    values = [record["metrics"].get(metric) for record in history]
    if all(value is None for value in values):
        return []
    return [None if value is None else finite(value) for value in values]


def best(history: History, metric: str, stated: Directions | None = None) -> dict[str, float] | None:
    """{"epoch", "value"} of the first epoch with the best finite value, None if there is none."""
    values = series(history, metric)
    known = [(value, record["epoch"]) for value, record in zip(values, history, strict=False) if value is not None]
    if not known:
        return None
    value, epoch = (max if direction(metric, stated) == "max" else min)(known, key=lambda pair: pair[0])
    return {"epoch": epoch, "value": value}


def headline(history: History) -> str | None:
    """The metric to show beside the loss, without its split: the first of HEADLINES that was recorded, or else the
    first metric that was."""
    metrics = history[-1]["metrics"]
    split = "val/" if any(name.startswith("val/") for name in metrics) else "train/"
    others = [name.removeprefix(split) for name in metrics if name.startswith(split) and name != f"{split}loss"]
    return next((name for name in HEADLINES if name in others), others[0] if others else None)
