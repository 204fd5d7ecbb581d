"""How fast does a network adapt to a new task after meta-learning?

Method: MAML and first-order MAML (Finn, Abbeel & Levine, ICML 2017) and Reptile (Nichol, Achiam & Schulman 2018) on
sinusoid regression; the baseline is one network trained jointly on all tasks.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from mlcli.config.ranges import Range
from mlcli.experiment.analysis.runs import finished
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.metric.meta_learning import by_inner_step
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.train.metric_values import to_floats
from mlcli.train.protocols import Evaluation

NAMES = {
    "maml": "MAML",
    "fomaml": "first-order MAML",
    "reptile": "Reptile",
    "anil": "ANIL",
    "joint": "joint training",
}
Rates = Sequence[Annotated[float, Range(0, low_open=True)]]


def maml(runs: Sequence[FinishedRun], *, rates: Rates) -> Conclusion | None:
    """The mean squared error on new tasks by number of inner steps, of each method.

    Joint training has no inner learning rate of its own: it uses the one of `rates` with the smallest validation
    error.
    """
    tasks = {str(run.cfg.task.method): run.parts().task for run in finished(runs)}
    if "joint" not in tasks or len(tasks) < 2:
        return None
    _tune(tasks["joint"], rates)
    evaluations = {method: tasks[method].evaluate("test", full=True) for method in NAMES if method in tasks}
    losses = {method: by_inner_step(to_floats(each.metrics), "loss") for method, each in evaluations.items()}
    curves = _common({method: Curve(*each) for method, each in losses.items()})
    steps = curves["joint"].x
    rows = [(NAMES[method], _inner_rate(tasks[method]), *_cells(curve)) for method, curve in curves.items()]
    plots = [_overlay(curves), *(_adaptation(method, each) for method, each in evaluations.items())]
    columns = ("method", "inner learning rate", *(f"after {step:g}" for step in steps))
    return Conclusion(_sentence(curves), columns, rows, [plot for plot in plots if plot])


def _tune(task: Any, rates: Rates) -> None:
    """Sets the inner learning rate with the smallest loss on the validation split after the last inner step."""
    losses = {}
    for rate in rates:
        task.inner_lr = rate
        losses[rate] = by_inner_step(to_floats(task.evaluate("val", full=True).metrics), "loss")[1][-1]
    task.inner_lr = min(losses, key=lambda rate: losses[rate] or float("inf"))


def _common(curves: dict[str, Curve]) -> dict[str, Curve]:
    """The curves at the numbers of steps that all of them have."""
    steps = set.intersection(*(set(curve.x) for curve in curves.values()))
    common = {}
    for name, each in curves.items():
        points = [point for point in zip(each.x, each.y, each.spread or (), strict=True) if point[0] in steps]
        common[name] = Curve(*zip(*points, strict=True))
    return common


def _inner_rate(task: Any) -> float | str:
    return "learned" if task.learn_inner_rate else float(task.inner_lr)


def _cells(curve: Curve) -> list[str]:
    return [f"{y:.3f} ± {margin:.3f}" for y, margin in zip(curve.y, curve.spread or (), strict=True)]


def _sentence(curves: dict[str, Curve]) -> str:
    """The errors of each method by step, then the best method against joint training after the last step."""
    steps = ", ".join(f"{step:g}" for step in curves["joint"].x)
    each = "; ".join(f"{NAMES[name]} {' → '.join(f'{y:.3g}' for y in curve.y)}" for name, curve in curves.items())
    last = {name: float(curve.y[-1] or 0) for name, curve in curves.items()}
    best = min(last, key=last.__getitem__)
    step = curves[best].x[-1]
    if best == "joint":
        end = f"After {step:g} steps joint training has the smallest error: meta-learning is of no benefit here"
    else:
        share = last[best] / last["joint"]
        end = f"After {step:g} steps the error of {NAMES[best]} is {share:.1%} of that of joint training"
    return f"Mean squared error on new tasks after {steps} inner steps: {each}. {end}."


def _overlay(curves: dict[str, Curve]) -> Plot:
    own = {NAMES[name]: curve for name, curve in curves.items()}
    ends = sorted((float(curve.y[-1] or 0), name) for name, curve in own.items())
    each = " to ".join(f"{error:.3g} ({name})" for error, name in (ends[0], ends[-1]))
    note = "mean over new tasks; bands: 95% confidence intervals"
    title = f"Error after {curves['joint'].x[-1]:g} inner steps: {each}"
    panel = Panel("inner steps", "mean squared error", own, "y")
    return panels("error_by_inner_step", title, note, [panel], "method")


def _adaptation(method: str, evaluation: Evaluation) -> Plot | None:
    """The method's adaptation to some tasks, in a figure named after the method."""
    plots: dict[str, Plot] = {plot.name: plot for plot in evaluation.plots()}
    if "adaptation" not in plots:
        return None
    data = plots["adaptation"].data | {"title": f"{NAMES[method]}, before and after adaptation"}
    return replace(plots["adaptation"], name=f"adaptation_{method}", data=data)
