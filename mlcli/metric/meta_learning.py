"""How well a network does on new tasks, before and after adaptation. T tasks, E numbers of inner steps."""

from collections.abc import Mapping
from math import sqrt

from torch import Tensor

from mlcli.metric.normal import NORMAL_95
from mlcli.metric.undefined import left_out

Course = Mapping[int, Tensor]  # number of inner steps → the score of each of T tasks after them


def scores(course: Course, what: str, full: bool) -> dict[str, Tensor]:
    """after_E_WHAT, the mean over tasks; with its margin of error (95 %) in a full evaluation."""
    found = {}
    for steps, values_T in course.items():
        found[f"after_{steps}_{what}"] = values_T.mean()
        if full and len(values_T) < 2:
            left_out(f"after_{steps}_{what}_margin_of_error", "it takes two tasks or more")
        elif full:
            found[f"after_{steps}_{what}_margin_of_error"] = NORMAL_95 * values_T.std() / sqrt(len(values_T))
    return found


def by_inner_step(
    metrics: Mapping[str, float], what: str, before: str = ""
) -> tuple[list[int], list[float], list[float] | None]:
    """The inverse: numbers of inner steps, WHAT after each of them, and its margins of error if known, from metrics
    whose names begin with `before`."""
    start, end = f"{before}after_", f"_{what}"
    steps = sorted(int(n[len(start) : -len(end)]) for n in metrics if n.startswith(start) and n.endswith(end))
    names = [f"{start}{step}{end}" for step in steps]
    margins = [float(metrics[margin]) for name in names if (margin := f"{name}_margin_of_error") in metrics]
    return steps, [float(metrics[name]) for name in names], margins or None
