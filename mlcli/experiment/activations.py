"""Which activation functions can train a deep network without normalisation?

Method: one network per activation function on the same data. The norm of the loss gradient by layer, before and after
training, shows where gradients vanish (Glorot & Bengio, AISTATS 2010).
"""

from collections.abc import Sequence
from statistics import fmean

from mlcli.experiment.analysis.convergence import Epochs, epochs_to, in_order
from mlcli.experiment.analysis.examples import loader_of
from mlcli.experiment.analysis.runs import group_by, mean_metric, metric_curves, parts_with_last_weights
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.build import Parts, build
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.train.layer_statistics import gradients

METRIC, FINAL = "val/accuracy", "test/accuracy"
COLUMNS = ("activation", FINAL, "epochs to accuracy", "initial gradient ratio", "final gradient ratio")
Norms = dict[str, list[float]]  # by activation, of the gradient of each layer's weights, first to last layer


def activations(runs: Sequence[FinishedRun], *, accuracy: float) -> Conclusion | None:
    """For each activation: test accuracy, epochs to this validation accuracy, and the ratio of the first layer's
    gradient norm to the last one's, before and after training."""
    groups = group_by(runs, lambda run: str(run.cfg.model.activation))
    if len(groups) < 2:
        return None
    epochs = {name: epochs_to(group, METRIC, accuracy) for name, group in groups.items()}
    tested = {name: mean_metric(group, FINAL) for name, group in groups.items()}
    start = {name: gradient_norms([build(run.cfg) for run in group]) for name, group in groups.items()}
    end = {name: gradient_norms([parts_with_last_weights(run) for run in group]) for name, group in groups.items()}
    rows = [(name, tested[name], epochs[name], ratio(start[name]), ratio(end[name])) for name in groups]
    curves = metric_curves(groups, METRIC)
    plots = [_curves(curves, accuracy), _gradient_flow(start, end)]
    return Conclusion(_sentence(tested, epochs, start, accuracy), COLUMNS, rows, plots)


def gradient_norms(repeats: Sequence[Parts]) -> list[float]:
    """The gradient norm of the loss on a training batch, by layer: means over the repeats."""
    norms = []
    for parts in repeats:
        batch = next(iter(loader_of(parts).split("train")))
        norms.append([float(norm) for norm in gradients(parts.task, batch).values()])
    return [fmean(each) for each in zip(*norms, strict=True)]


def ratio(norms: Sequence[float]) -> float:
    """The first layer's gradient norm divided by the last one's."""
    return norms[0] / norms[-1]


def _sentence(tested: dict[str, float], epochs: Epochs, start: Norms, accuracy: float) -> str:
    order = in_order(epochs)
    reached = ", ".join(f"{name} {epochs[name]:g}" for name in order if epochs[name]) or "none"
    never = ", ".join(f"{name} (test accuracy {tested[name]:.1%})" for name in order if not epochs[name])
    least, most = (choose(start, key=lambda name: ratio(start[name])) for choose in (min, max))
    return (
        f"Epochs to {accuracy:.0%} validation accuracy: {reached}{'; never reached by ' + never if never else ''}. "
        f"Before training, the ratio of the first layer's gradient norm to the last layer's is "
        f"{ratio(start[least]):.2g} with {least} and {ratio(start[most]):.2g} with {most}."
    )


def _curves(curves: dict[str, Curve], accuracy: float) -> Plot:
    title = f"Validation accuracy by activation · dashed: {accuracy:.0%}"
    panel = Panel("epoch", METRIC, curves, level=accuracy)
    return panels("activations", title, "on the validation split", [panel], "activation")


def _gradient_flow(start: Norms, end: Norms) -> Plot:
    of = [
        Panel("layer", f"gradient norm {when}", {name: _by_layer(norms) for name, norms in found.items()}, "y")
        for when, found in (("before training", start), ("after training", end))
    ]
    least = min(start, key=lambda name: ratio(start[name]))
    title = f"Gradient norm by layer · initial ratio of first to last layer with {least}: {ratio(start[least]):.1g}"
    note = "gradient of the loss on training examples; layer 1 is next to the inputs, the last layer gives the logits"
    return panels("gradient_flow", title, note, of, "activation")


def _by_layer(norms: Sequence[float]) -> Curve:
    return Curve(list(range(1, len(norms) + 1)), list(norms))
