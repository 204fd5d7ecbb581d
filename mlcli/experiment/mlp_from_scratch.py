"""A network written in NumPy alone beside PyTorch's of the same shape, start and batches."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch.nn import functional as F

from mlcli.experiment.analysis.convergence import curve, grouped, mean_of
from mlcli.experiment.analysis.model_inputs import loader_of
from mlcli.figure.panels import Panel, panels
from mlcli.figure.plot import Plot
from mlcli.model.mlp import MLP
from mlcli.model.mlp_numpy import MLPNumpy
from mlcli.model.scratch.mlp import loss_and_gradients
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.store.weights import load_weights

NAMES = {"numpy": "NumPy alone", "pytorch": "PyTorch"}
COLUMNS = ("network", "seeds", "test accuracy", "test loss")
METRICS = ("train/loss", "val/accuracy")
CHECKED = 128  # examples that gradients are compared on


def mlp_from_scratch(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Accuracy of both, how far their weights are apart in the end, and NumPy's gradients beside autograd's."""
    groups = grouped(runs, lambda run: str(run.cfg.variant))
    if set(groups) != set(NAMES):
        return None
    rows = [
        (NAMES[name], len(group), *(mean_of(group, f"test/{metric}") for metric in ("accuracy", "loss")))
        for name, group in groups.items()
    ]
    pairs = zip(*(sorted(groups[name], key=lambda run: run.cfg.trainer.seed) for name in NAMES), strict=True)
    apart = max(weights_apart(ours, theirs) for ours, theirs in pairs)
    slopes = max(gradients_apart(run.parts()) for run in groups["numpy"])
    accuracies = {NAMES[name]: mean_of(group, "test/accuracy") for name, group in groups.items()}
    told = ", ".join(f"{name} {accuracy:.2%}" for name, accuracy in accuracies.items())
    sentence = (
        f"Test accuracy from the same start and the same batches: {told} (means over {rows[0][1]} seeds). After "
        f"{_steps(groups['numpy'][0]):,} updates no weight of the one differs from that of the other by more than "
        f"{apart:.1e}; gradients written by hand differ from those of autograd by at most {slopes:.1e} (float64)."
    )
    return Conclusion(sentence, COLUMNS, rows, [_plot(groups, accuracies)])


def weights_apart(ours: FinishedRun, theirs: FinishedRun) -> float:
    """The largest difference of two runs' weights at the end of training."""
    first, second = (load_weights(run.folder.path / "last.safetensors")[0] for run in (ours, theirs))
    return max(float((first[name] - second[name]).abs().max()) for name in second)


def gradients_apart(parts: Parts) -> float:
    """The largest difference of NumPy's gradients from autograd's, at the run's weights, in float64."""
    inputs, targets = (each[:CHECKED].cpu() for each in next(iter(loader_of(parts).split("train"))))
    network = cast(MLPNumpy, parts.model).cpu().double()
    _, gradients = loss_and_gradients(network.layers(), inputs.double().numpy(), targets.numpy())
    logits = MLP.forward(network.requires_grad_(), inputs.double())  # as PyTorch does it
    expected = torch.autograd.grad(F.cross_entropy(logits, targets), list(network.parameters()))
    own = [part for layer in gradients for part in layer]
    return max(float(np.abs(a - b.numpy()).max()) for a, b in zip(own, expected, strict=True))


def _steps(run: FinishedRun) -> int:
    return int(run.history()[-1]["step"])


def _plot(groups: dict[str, list[FinishedRun]], accuracies: dict[str, float]) -> Plot:
    curves = {metric: {NAMES[name]: curve(group, metric) for name, group in groups.items()} for metric in METRICS}
    told = ", ".join(f"{name} {accuracy:.2%}" for name, accuracy in accuracies.items())
    note = "means over seeds, with one standard deviation; one curve covers the other"
    of = [Panel("epoch", metric, each, "y" if metric.endswith("loss") else "") for metric, each in curves.items()]
    return panels("mlp_from_scratch", f"Test accuracy: {told}", note, of)
