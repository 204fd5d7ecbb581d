"""Is a two-layer network written in NumPy the same as in PyTorch?

Method: forward and backward pass by hand (Rumelhart, Hinton & Williams, Nature 323, 1986) against PyTorch, with the
same initial weights and batches: test accuracy, weights after training, and gradients against autograd.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch.nn import functional as F

from mlcli.experiment.analysis.differences import max_difference
from mlcli.experiment.analysis.examples import loader_of
from mlcli.experiment.analysis.runs import Groups, by_variant, last_weights, mean_metric, metric_curves
from mlcli.figure.panels import Panel, panels
from mlcli.figure.plot import Plot
from mlcli.model.mlp import MLP
from mlcli.model.mlp_numpy import MLPNumpy
from mlcli.model.scratch.mlp import loss_and_gradients
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

NAMES = {"numpy": "NumPy", "pytorch": "PyTorch"}
COLUMNS = ("network", "seeds", "test accuracy", "test loss")
METRICS = ("train/loss", "val/accuracy")
CHECKED = 128  # examples for the comparison of gradients


def mlp_from_scratch(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Test accuracy of both, the largest difference of their weights, and of NumPy's gradients from autograd's."""
    groups = by_variant(runs)
    if set(groups) != set(NAMES):
        return None
    rows = [
        (NAMES[name], len(group), *(mean_metric(group, f"test/{metric}") for metric in ("accuracy", "loss")))
        for name, group in groups.items()
    ]
    pairs = zip(*(sorted(groups[name], key=lambda run: run.cfg.trainer.seed) for name in NAMES), strict=True)
    weights = max(weight_difference(ours, theirs) for ours, theirs in pairs)
    gradients = max(gradient_difference(run.parts()) for run in groups["numpy"])
    accuracies = ", ".join(f"{name} {accuracy:.2%}" for name, _, accuracy, _ in rows)
    updates = int(groups["numpy"][0].history()[-1]["step"])
    sentence = (
        f"Test accuracy with the same initial weights and batches: {accuracies} (mean over {rows[0][1]} seeds). "
        f"After {updates:,} updates their weights differ by at most {weights:.1e}; the gradients derived by hand "
        f"differ from autograd by at most {gradients:.1e} (float64)."
    )
    return Conclusion(sentence, COLUMNS, rows, [_plot(groups, accuracies)])


def weight_difference(ours: FinishedRun, theirs: FinishedRun) -> float:
    """The largest difference of two runs' weights at the end of training."""
    first, second = last_weights(ours), last_weights(theirs)
    return max(max_difference(first[name], second[name]) for name in second)


def gradient_difference(parts: Parts) -> float:
    """The largest difference of NumPy's gradients from autograd's, at the run's weights, in float64."""
    inputs, targets = (each[:CHECKED].cpu() for each in next(iter(loader_of(parts).split("train"))))
    network = cast(MLPNumpy, parts.model).cpu().double()
    _, gradients = loss_and_gradients(network.layers(), inputs.double().numpy(), targets.numpy())
    logits = MLP.forward(network.requires_grad_(), inputs.double())  # PyTorch's forward pass
    expected = torch.autograd.grad(F.cross_entropy(logits, targets), list(network.parameters()))
    ours = [part for layer in gradients for part in layer]
    return max(max_difference(*pair) for pair in zip(ours, expected, strict=True))


def _plot(groups: Groups, accuracies: str) -> Plot:
    named = {NAMES[name]: group for name, group in groups.items()}
    of = [
        Panel("epoch", metric, metric_curves(named, metric), log)
        for metric, log in zip(METRICS, ("y", ""), strict=True)
    ]
    note = "means over seeds with one standard deviation; the curves coincide"
    return panels("mlp_from_scratch", f"Test accuracy: {accuracies}", note, of)
