"""What keeps a network with few examples from learning them by heart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch

from mlcli.experiment.analysis.convergence import as_left, curve, grouped
from mlcli.figure.panels import Panel, panels
from mlcli.figure.plot import Plot
from mlcli.metric.boundary import boundaries, decision_boundary
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

COLUMNS = ("variant", "train/accuracy", "val/accuracy", "accuracy gap", "train/loss", "val/loss", "loss gap")


@dataclass(frozen=True)
class Gap:
    """How a network does at the end of training on what it was trained on, and on what it was not: means of runs."""

    train_accuracy: float
    val_accuracy: float
    train_loss: float
    val_loss: float

    @property
    def accuracy(self) -> float:
        return self.train_accuracy - self.val_accuracy

    @property
    def loss(self) -> float:
        return self.val_loss - self.train_loss


def regularisation(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Each variant's accuracy and loss on train and validation when training ends, and the gap between them."""
    groups = grouped(runs, lambda run: str(run.cfg.variant))
    if len(groups) < 2:
        return None
    parts = {name: [as_left(run) for run in group] for name, group in groups.items()}
    gaps = {name: gap_of(each) for name, each in parts.items()}
    rows = [
        (name, g.train_accuracy, g.val_accuracy, g.accuracy, g.train_loss, g.val_loss, g.loss)
        for name, g in gaps.items()
    ]
    sentence = _sentence(gaps, len(next(iter(parts.values()))[0].data.splits["train"]))
    plots = [_curves(groups, gaps), *_boundaries({name: each[0] for name, each in parts.items()}, gaps)]
    return Conclusion(sentence, COLUMNS, rows, plots)


def gap_of(repeats: Sequence[Parts]) -> Gap:
    """Both splits are judged alike: without dropout, and with the weights that training ended with."""
    train, val = ([parts.task.evaluate(split).metrics for parts in repeats] for split in ("train", "val"))
    accuracy, loss = ([fmean(float(m[name]) for m in each) for each in (train, val)] for name in ("accuracy", "loss"))
    return Gap(*accuracy, *loss)


def _sentence(gaps: dict[str, Gap], examples: int) -> str:
    told = ", ".join(f"{name} {gap.accuracy:.1%} ({gap.loss:.2f} of loss)" for name, gap in gaps.items())
    smallest = min(gaps, key=lambda name: gaps[name].loss)
    best = max(gaps, key=lambda name: gaps[name].val_accuracy)
    both = "and" if best == smallest else f"and {best}"
    return (
        f"Training less validation accuracy after training on {examples} examples: {told}. {smallest} leaves the "
        f"smallest gap in loss {both} has the best validation accuracy, {gaps[best].val_accuracy:.1%}."
    )


def _curves(groups: dict[str, list[FinishedRun]], gaps: dict[str, Gap]) -> Plot:
    told = " · ".join(f"{name} {gap.accuracy:.1%}" for name, gap in gaps.items())
    of = [
        Panel("epoch", metric, {name: curve(group, metric) for name, group in groups.items()}, log)
        for metric, log in (("train/loss", "y"), ("val/loss", "y"), ("val/accuracy", ""))
    ]
    note = "means over seeds, with one standard deviation; train/loss is that of the updates, with dropout in place"
    return panels("regularisation", f"Gap in accuracy: {told}", note, of)


def _boundaries(parts: dict[str, Parts], gaps: dict[str, Gap]) -> list[Plot]:
    """What the first run of each variant has learnt, where the data lies in a plane."""
    first = next(iter(parts.values())).data
    if first.shape != (2,):
        return []
    rows = first.splits["train"]
    inputs, targets = first.examples.inputs[rows].numpy(), first.examples.targets[rows].numpy()
    tiles = {}
    for name, each in parts.items():
        above = f"{name}: train {gaps[name].train_accuracy:.0%}, val {gaps[name].val_accuracy:.0%}"
        tiles[above] = decision_boundary(inputs, targets, first.classes, first.features, _answer(each))
    note = f"the {len(rows)} examples that the networks were trained on; accuracies are means over seeds"
    return [boundaries("boundaries", "What each has learnt from the same few examples", note, tiles)]


def _answer(parts: Parts) -> Callable[[np.ndarray], np.ndarray]:
    """Probabilities of the classes for points of the plane."""

    def answer(points: np.ndarray) -> np.ndarray:
        columns = parts.task.predict(torch.from_numpy(points))
        return np.stack([columns[f"probability/{name}"] for name in parts.data.classes], 1)

    return answer
