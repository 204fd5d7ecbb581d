"""Which activations let a deep network without normalisation learn, and what gradients reach its first layers."""

from collections.abc import Sequence
from statistics import fmean

from mlcli.experiment.analysis.convergence import arrival, as_left, curve, grouped, mean_of
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.build import Parts, build
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.train.layer_statistics import gradients

METRIC = "val/accuracy"
COLUMNS = ("activation", "test/accuracy", "epochs to accuracy", "first/last gradient", "the same after training")
Norms = dict[str, list[float]]  # of the gradients of each layer's weights, from the first layer to the last


def activations(runs: Sequence[FinishedRun], *, accuracy: float) -> Conclusion | None:
    """Accuracy of each activation, epochs to this one, and how much of the gradient the first layer gets."""
    groups = grouped(runs, lambda run: str(run.cfg.model.activation))
    if len(groups) < 2:
        return None
    curves = {name: curve(group, METRIC) for name, group in groups.items()}
    arrivals = {name: arrival(each, METRIC, accuracy) for name, each in curves.items()}
    start = {name: gradient_norms([build(run.cfg) for run in group]) for name, group in groups.items()}
    end = {name: gradient_norms([as_left(run) for run in group]) for name, group in groups.items()}
    rows = [
        (name, mean_of(group, "test/accuracy"), arrivals[name], reach(start[name]), reach(end[name]))
        for name, group in groups.items()
    ]
    told = _sentence(
        {name: mean_of(group, "test/accuracy") for name, group in groups.items()}, arrivals, start, accuracy
    )
    return Conclusion(told, COLUMNS, rows, [_curves(curves, accuracy), _flow(start, end)])


def gradient_norms(repeats: Sequence[Parts]) -> list[float]:
    """Of the loss on training examples, by layer: means over the repeats."""
    norms = []
    for parts in repeats:
        batch = next(iter(parts.task.loader.split("train")))  # type: ignore[attr-defined]  # as networks' tasks have
        norms.append([float(norm) for norm in gradients(parts.task, batch).values()])
    return [fmean(each) for each in zip(*norms, strict=True)]


def reach(norms: Sequence[float]) -> float:
    """The first layer's gradient as a share of the last one's."""
    return norms[0] / norms[-1]


def _sentence(tested: dict[str, float], arrivals: dict[str, float | None], start: Norms, accuracy: float) -> str:
    order = sorted(tested, key=lambda name: arrivals[name] or float("inf"))
    told = ", ".join(f"{name} {arrivals[name]:g}" for name in order if arrivals[name])
    never = [f"{name} (test accuracy {tested[name]:.1%})" for name in order if not arrivals[name]]
    told = f"{told or 'none arrives'}{'; never: ' + ', '.join(never) if never else ''}"
    least, most = (chosen(start, key=lambda name: reach(start[name])) for chosen in (min, max))
    return (
        f"Epochs to {accuracy:.0%} accuracy: {told}. "
        f"Before training the first layer's gradient is {reach(start[least]):.2g} times the last one's with {least}, "
        f"{reach(start[most]):.2g} times with {most}."
    )


def _curves(curves: dict[str, Curve], accuracy: float) -> Plot:
    title = f"Accuracy by activation · dashed: {accuracy:.0%}"
    return panels(
        "activations",
        title,
        "on the validation split",
        [Panel("epoch", METRIC, curves, level=accuracy)],
        "activation",
    )


def _flow(start: Norms, end: Norms) -> Plot:
    of = [
        Panel("layer", f"gradient norm {when}", {name: _by_layer(norms) for name, norms in found.items()}, "y")
        for when, found in (("before training", start), ("after training", end))
    ]
    least = min(start, key=lambda name: reach(start[name]))
    title = f"Gradient norm by layer · before training {least}'s first is {reach(start[least]):.1g} of its last"
    note = "of the loss on training examples; layer 1 is next to the inputs, the last one gives the logits"
    return panels("gradient_flow", title, note, of, "activation")


def _by_layer(norms: Sequence[float]) -> Curve:
    return Curve(list(range(1, len(norms) + 1)), list(norms))
