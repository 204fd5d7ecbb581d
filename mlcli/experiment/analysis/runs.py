"""Finished runs in groups, and what repeats with other seeds have in common."""

from collections.abc import Callable, Sequence
from statistics import fmean, stdev
from typing import Any

from torch import Tensor

from mlcli.figure.panels import Curve
from mlcli.metric.history import series
from mlcli.run.build import Parts
from mlcli.run.finished_run import FinishedRun
from mlcli.store.records import read_json
from mlcli.store.weights import load_weights

Groups = dict[Any, list[FinishedRun]]


def finished(runs: Sequence[FinishedRun]) -> list[FinishedRun]:
    """The runs that trained to the end."""
    return [run for run in runs if run.status == "FINISHED"]


def group_by(runs: Sequence[FinishedRun], key: Callable[[FinishedRun], Any]) -> Groups:
    """The finished runs by `key`, in their order."""
    groups: Groups = {}
    for run in finished(runs):
        groups.setdefault(key(run), []).append(run)
    return groups


def by_variant(runs: Sequence[FinishedRun]) -> dict[str, list[FinishedRun]]:
    """The finished runs by the name of their variant."""
    return group_by(runs, lambda run: str(run.cfg.variant))


def model_name(run: FinishedRun) -> str:
    """The name of the model's class."""
    name: str = run.cfg.model._target_.rpartition(".")[2]
    return name


def learning_rate(run: FinishedRun) -> float:
    """The optimizer's learning rate, which is the peak of a schedule."""
    return float(run.cfg.optimizer.lr)


def mean_metric(runs: Sequence[FinishedRun], metric: str) -> float:
    """The mean over repeats."""
    return fmean(run.metrics[metric] for run in runs)


def std_metric(runs: Sequence[FinishedRun], metric: str) -> float | None:
    """The standard deviation over repeats; None for a single run."""
    return stdev(run.metrics[metric] for run in runs) if len(runs) > 1 else None


def metric_curve(runs: Sequence[FinishedRun], metric: str) -> Curve:
    """A metric by epoch, the mean over repeats. Raises ValueError for repeats with different numbers of epochs."""
    histories = [run.history() for run in runs]
    return Curve.mean([record["epoch"] for record in histories[0]], [series(each, metric) for each in histories])


def metric_curves(groups: Groups, metric: str) -> dict[str, Curve]:
    """`metric_curve` of each group, by its name."""
    return {name: metric_curve(group, metric) for name, group in groups.items()}


def example_counts(run: FinishedRun) -> dict[str, int]:
    """The number of examples in each split."""
    counts: dict[str, int] = read_json(run.folder.path / "data.json")["examples"]
    return counts


def last_weights(run: FinishedRun) -> dict[str, Tensor]:
    """The weights of the last epoch."""
    weights, _ = load_weights(run.folder.path / "last.safetensors")
    return weights


def parts_with_last_weights(run: FinishedRun) -> Parts:
    """The run with the weights of its last epoch; `run.parts()` has those of its best. Raises ConfigError alike."""
    parts = run.parts()
    parts.load_weights(last_weights(run))
    return parts
