"""How much does regularisation reduce overfitting to few noisy examples?

Method: one network without regularisation, with an L2 penalty, dropout (Srivastava et al., JMLR 2014) or batch
normalisation (Ioffe & Szegedy, ICML 2015): the generalisation gap at the end of training.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch

from mlcli.experiment.analysis.runs import Groups, by_variant, metric_curves, parts_with_last_weights
from mlcli.figure.boundary import boundaries
from mlcli.figure.panels import Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.task.plots.boundary import decision_boundary

COLUMNS = ("variant", "train/accuracy", "val/accuracy", "accuracy gap", "train/loss", "val/loss", "loss gap")


@dataclass(frozen=True)
class Gap:
    """Scores on the training and validation splits at the end of training: means over runs."""

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
    """Each variant's accuracy and loss on both splits at the end of training, and the generalisation gap."""
    groups = by_variant(runs)
    if len(groups) < 2:
        return None
    parts = {name: [parts_with_last_weights(run) for run in group] for name, group in groups.items()}
    gaps = {name: gap_of(each) for name, each in parts.items()}
    rows = [
        (name, g.train_accuracy, g.val_accuracy, g.accuracy, g.train_loss, g.val_loss, g.loss)
        for name, g in gaps.items()
    ]
    sentence = _sentence(gaps, len(next(iter(parts.values()))[0].data.splits["train"]))
    plots = [_curves(groups, gaps), *_boundaries({name: each[0] for name, each in parts.items()}, gaps)]
    return Conclusion(sentence, COLUMNS, rows, plots)


def gap_of(repeats: Sequence[Parts]) -> Gap:
    """Both splits are evaluated without dropout and with the last weights."""
    train, val = ([parts.task.evaluate(split).metrics for parts in repeats] for split in ("train", "val"))
    accuracy, loss = ([fmean(float(m[name]) for m in each) for each in (train, val)] for name in ("accuracy", "loss"))
    return Gap(*accuracy, *loss)


def _sentence(gaps: dict[str, Gap], examples: int) -> str:
    each = ", ".join(f"{name} {100 * gap.accuracy:.1f} (loss gap {gap.loss:.2f})" for name, gap in gaps.items())
    smallest = min(gaps, key=lambda name: gaps[name].loss)
    best = max(gaps, key=lambda name: gaps[name].val_accuracy)
    both = "and" if best == smallest else f"and {best}"
    return (
        f"Generalisation gap (train − validation accuracy) after training on {examples} examples, in percentage "
        f"points: {each}. {smallest} has the smallest loss gap {both} has the best validation accuracy, "
        f"{gaps[best].val_accuracy:.1%}."
    )


def _curves(groups: Groups, gaps: dict[str, Gap]) -> Plot:
    each = " · ".join(f"{name} {100 * gap.accuracy:.1f}" for name, gap in gaps.items())
    of = [
        Panel("epoch", metric, metric_curves(groups, metric), log)
        for metric, log in (("train/loss", "y"), ("val/loss", "y"), ("val/accuracy", ""))
    ]
    note = "means over seeds with one standard deviation; train/loss is measured during training, with dropout active"
    return panels("regularisation", f"Generalisation gap (percentage points of accuracy): {each}", note, of)


def _boundaries(parts: dict[str, Parts], gaps: dict[str, Gap]) -> list[Plot]:
    """The decision boundaries of the first run of each variant, for data with two features."""
    first = next(iter(parts.values())).data
    if first.shape != (2,):
        return []
    rows = first.splits["train"]
    inputs, targets = first.examples.inputs[rows].numpy(), first.examples.targets[rows].numpy()
    tiles = {}
    for name, each in parts.items():
        above = f"{name}: train {gaps[name].train_accuracy:.0%}, val {gaps[name].val_accuracy:.0%}"
        tiles[above] = decision_boundary(inputs, targets, first.classes, first.features, _probabilities(each))
    note = f"the {len(rows)} training examples; accuracies are means over seeds"
    return [boundaries("boundaries", "Decision boundary by regularisation", note, tiles)]


def _probabilities(parts: Parts) -> Callable[[np.ndarray], np.ndarray]:
    """A function from N × 2 points to the probabilities of the C classes, N × C."""

    def predict(points: np.ndarray) -> np.ndarray:
        columns = parts.predict(torch.from_numpy(points))
        return np.stack([columns[f"probability/{name}"] for name in parts.data.classes], 1)

    return predict
