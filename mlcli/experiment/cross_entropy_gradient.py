"""Is the gradient of cross-entropy with respect to the logits softmax − one-hot?

Method: the formula (Bishop, Pattern Recognition and Machine Learning, 2006, eq. 4.109) against automatic
differentiation and central finite differences, at the logits of a trained model, in double precision.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

from mlcli.experiment.analysis.differences import max_difference
from mlcli.experiment.analysis.examples import loader_of
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.model.scratch.cross_entropy import cross_entropy, gradient
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.task.gradient.gradient_task import forward_split

STEPS = tuple(10.0**-power for power in range(1, 11))  # of the finite differences
COLUMNS = ("reference", "step size", "max difference")


def cross_entropy_gradient(runs: Sequence[FinishedRun]) -> Conclusion:
    """The largest differences of the formula from each reference, over the test split."""
    parts = runs[0].parts()
    logits, targets = forward_split(parts.model, loader_of(parts), "test")
    z, y = logits.double().cpu().numpy(), targets.cpu().numpy()
    analytic = gradient(z, y)
    by_autograd = max_difference(analytic, autograd(z, y))
    by_step = {step: max_difference(analytic, finite_differences(z, y, step)) for step in STEPS}
    step, smallest = min(by_step.items(), key=lambda item: item[1])
    rows = [("autograd", None, by_autograd), *(("finite differences", h, found) for h, found in by_step.items())]
    sentence = (
        f"softmax − one-hot differs from autograd by at most {by_autograd:.1e} and from central finite differences "
        f"by at most {smallest:.1e} (step size {step:g}), over {z.size:,} logits with gradients of up to "
        f"{np.abs(analytic).max():.1e}."
    )
    return Conclusion(sentence, COLUMNS, rows, [_plot(by_step, by_autograd)])


def _plot(by_step: dict[float, float], by_autograd: float) -> Plot:
    curves = {"finite differences": Curve(list(by_step), list(by_step.values()))}
    panel = Panel("step size", "max difference from softmax − one-hot", curves, "xy")
    step, smallest = min(by_step.items(), key=lambda item: item[1])
    title = f"Smallest difference at step size {step:g}: {smallest:.1e} · autograd: {by_autograd:.1e}"
    note = "truncation error dominates for large steps, rounding error for small ones"
    return panels("slopes", title, note, [panel])


def autograd(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The gradient by automatic differentiation, B × C."""
    leaf = torch.tensor(logits, requires_grad=True)
    (slope,) = torch.autograd.grad(F.cross_entropy(leaf, torch.tensor(targets)), leaf)
    return slope.numpy()


def finite_differences(logits: np.ndarray, targets: np.ndarray, step: float) -> np.ndarray:
    """The gradient (loss(z + step) − loss(z − step)) / 2 step for each logit z, B × C."""
    slopes, moved = np.empty_like(logits), logits.copy()
    for place in np.ndindex(*logits.shape):
        moved[place] = logits[place] + step
        above = cross_entropy(moved, targets)
        moved[place] = logits[place] - step
        slopes[place] = above - cross_entropy(moved, targets)
        moved[place] = logits[place]
    return slopes / (2 * step)
