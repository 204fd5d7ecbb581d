"""How well a network does on new tasks, before and after it has adapted to them. T tasks, P points, E numbers of
steps."""

from collections.abc import Mapping, Sequence
from math import sqrt

import numpy as np
from torch import Tensor

from mlcli.figure import adaptation as figures_adaptation
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot, plain
from mlcli.metric.undefined import left_out

NORMAL_95 = 1.959964  # standard errors on each side of a mean
Course = Mapping[int, Tensor]  # number of inner steps → what each of T tasks then has


def by_step(course: Course, what: str, full: bool) -> dict[str, Tensor]:
    """after_E_WHAT, the mean over tasks; of a full evaluation also half the width of its 95 % confidence interval."""
    found = {}
    for steps, values_T in course.items():
        found[f"after_{steps}_{what}"] = values_T.mean()
        if full and len(values_T) < 2:
            left_out(f"after_{steps}_{what}_margin_of_error", "it takes two tasks or more")
        elif full:
            found[f"after_{steps}_{what}_margin_of_error"] = NORMAL_95 * values_T.std() / sqrt(len(values_T))
    return found


def course_of(metrics: Mapping[str, float], what: str, before: str = "") -> Curve:
    """The other way round: WHAT by number of inner steps, with its margins, from metrics whose names begin so."""
    start, end = f"{before}after_", f"_{what}"
    steps = sorted(int(n[len(start) : -len(end)]) for n in metrics if n.startswith(start) and n.endswith(end))
    names = [f"{start}{step}{end}" for step in steps]
    margins = [float(metrics[margin]) for name in names if (margin := f"{name}_margin_of_error") in metrics]
    return Curve(steps, [float(metrics[name]) for name in names], margins or None)


def by_inner_step(metrics: Mapping[str, float], what: str, tasks: int) -> Plot:
    """WHAT_by_inner_step, of a full evaluation's metrics."""
    curve = course_of(metrics, what)
    told = " → ".join(f"{value:.3g}" for value in curve.y if value is not None)
    title = f"{what.capitalize()} after {', '.join(map(str, curve.x))} inner steps: {told}"
    note = f"mean over {tasks:,} tasks that are new; band: its 95 % confidence interval"
    return panels(f"{what}_by_inner_step", title, note, [Panel("inner steps", what, {what: curve})])


def adaptation(
    names: Sequence[str],
    grid: np.ndarray,
    curves: Mapping[int, np.ndarray],
    points: tuple[np.ndarray, np.ndarray],
    shots: int,
    axes: tuple[str, str],
) -> Plot:
    """adaptation: of T tasks what the network says over a grid G after each number of steps (T × G), and the points
    T × P of the task (inputs, targets), of which it was given the first `shots`."""
    inputs, targets = points
    data = {
        "title": "Before and after adaptation",
        "names": list(names),
        "grid": plain(grid),
        "curves": {str(steps): plain(each) for steps, each in curves.items()},
        "inputs": plain(inputs),
        "targets": plain(targets),
        "shots": shots,
        "axes": list(axes),
    }
    return Plot("adaptation", figures_adaptation.adaptation, data)
