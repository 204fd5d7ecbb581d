"""The slope of cross-entropy by the logits, softmax − one-hot, beside two that know nothing of the formula."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

from mlcli.experiment.analysis.model_inputs import loader_of
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.model.scratch.cross_entropy import cross_entropy, gradient
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.task.gradient.gradient_task import forward_split

STEPS = tuple(10.0**-power for power in range(1, 11))  # of the finite differences


def cross_entropy_gradient(runs: Sequence[FinishedRun]) -> Conclusion:
    """The largest differences, at the trained model's logits of the test split."""
    parts = runs[0].parts()
    logits, targets = forward_split(parts.model, loader_of(parts), "test")
    z, y = logits.double().cpu().numpy(), targets.cpu().numpy()
    analytic = gradient(z, y)
    by_autograd = np.abs(analytic - autograd(z, y)).max()
    by_step = {step: np.abs(analytic - finite_differences(z, y, step)).max() for step in STEPS}
    step, nearest = min(by_step.items(), key=lambda item: item[1])
    rows = [("autograd", None, by_autograd), *(("finite differences", h, found) for h, found in by_step.items())]
    steepest = np.abs(analytic).max()
    sentence = (
        f"softmax − one-hot differs from autograd by at most {by_autograd:.1e} and from finite differences by at "
        f"most {nearest:.1e} (steps of {step:g}), over {z.size:,} logits whose slopes reach {steepest:.1e}."
    )
    return Conclusion(sentence, ("beside", "step", "largest difference"), rows, [_plot(by_step, by_autograd)])


def _plot(by_step: dict[float, float], by_autograd: float) -> Plot:
    """Long steps miss the slope, and short ones drown in rounding."""
    curves = {"finite differences": Curve(list(by_step), [float(found) for found in by_step.values()])}
    panel = Panel("step", "largest difference from softmax − one-hot", curves, "xy")
    step, nearest = min(by_step.items(), key=lambda item: item[1])
    title = f"Nearest with steps of {step:g}: {nearest:.1e}; autograd {by_autograd:.1e}"
    note = "long steps miss the slope, short ones drown in rounding"
    return panels("slopes", title, note, [panel])


def autograd(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """What torch finds by the chain rule, B × C."""
    leaf = torch.tensor(logits, requires_grad=True)
    (slope,) = torch.autograd.grad(F.cross_entropy(leaf, torch.tensor(targets)), leaf)
    return slope.numpy()


def finite_differences(logits: np.ndarray, targets: np.ndarray, step: float) -> np.ndarray:
    """(loss(z + step) − loss(z − step)) / 2 step for each logit z by itself, B × C."""
    slopes, moved = np.empty_like(logits), logits.copy()
    for place in np.ndindex(*logits.shape):
        moved[place] = logits[place] + step
        above = cross_entropy(moved, targets)
        moved[place] = logits[place] - step
        slopes[place] = above - cross_entropy(moved, targets)
        moved[place] = logits[place]
    return slopes / (2 * step)
